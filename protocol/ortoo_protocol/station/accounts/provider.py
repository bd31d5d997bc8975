"""The provider of the unified login: where its pages are, its keys, and what its word is worth.

What it publishes about itself and its keys are kept for an hour; a key that is not among them is
looked for once a minute at most. Tokens are judged by joserfc, by asymmetric signatures alone.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import httpx
import msgspec

from ortoo_protocol.core.errors import AccountUnified
from ortoo_protocol.station.accounts.settings import UnifiedTable
from ortoo_protocol.station.settings import read_secret
from ortoo_protocol.station.signed_posts import unfit

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

KEPT_S, ASK_AGAIN_S, TIMEOUT_S = 3_600.0, 60.0, 10.0
MAX_ANSWER_BYTES = 1 << 20
LEEWAY_S = 60
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]


class Endpoints(msgspec.Struct, frozen=True):
    """Of the provider's metadata (OpenID Connect Discovery 4.2) what is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Provider:
    def __init__(self, table: UnifiedTable) -> None:
        self._table = table
        self._client: httpx.AsyncClient | None = None
        self._endpoints: tuple[float, Endpoints] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def endpoints(self) -> Endpoints:
        """Raises AccountUnified."""
        if self._endpoints is None or time.monotonic() - self._endpoints[0] > KEPT_S:
            at = self._table.issuer.rstrip("/") + "/.well-known/openid-configuration"
            raw = await self._ask("GET", at)
            try:
                found = msgspec.json.decode(raw, type=Endpoints)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                raise AccountUnified(detail="discovery") from None
            used = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
            if found.issuer != self._table.issuer or any(unfit(each, plain=False) for each in used):
                raise AccountUnified(detail="discovery")
            self._endpoints = (time.monotonic(), found)
        return self._endpoints[1]

    async def exchange(self, code: str, verifier: str) -> str:
        """The ID token for a code. Raises AccountUnified."""
        endpoints = await self.endpoints()
        secret = read_secret(self._table.secret_file) if self._table.secret_file else ""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._table.redirect,
            "code_verifier": verifier,
            "client_id": self._table.client_id,
        }
        basic = "client_secret_basic" in endpoints.token_endpoint_auth_methods_supported
        named = (quote_plus(self._table.client_id), quote_plus(secret))  # RFC 6749, 2.3.1
        auth = httpx.BasicAuth(*named) if secret and basic else None
        if secret and not basic:
            form["client_secret"] = secret
        raw = await self._ask("POST", endpoints.token_endpoint, data=form, auth=auth)
        try:
            return msgspec.json.decode(raw, type=_Tokens).id_token
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise AccountUnified(detail="token") from None

    async def check(self, token: str, nonce: str, now_ms: int) -> Mapping[str, Any]:
        """The claims of an ID token, all judged (OpenID Connect Core 3.1.3.7): signature, issuer,
        audience, times, nonce, authorized party. Raises AccountUnified naming the first that fails.
        """
        from joserfc import errors, jwt

        try:
            claims: dict[str, Any] = (await self._decoded(token)).claims
            jwt.JWTClaimsRegistry(
                now=now_ms // 1_000,
                leeway=LEEWAY_S,
                iss={"essential": True, "value": self._table.issuer},
                aud={"essential": True, "value": self._table.client_id},
                exp={"essential": True},
                iat={"essential": True},
                sub={"essential": True},
                nonce={"essential": True, "value": nonce},
            ).validate(claims)
        except errors.JoseError as error:
            claim = getattr(error, "claim", None)
            raise AccountUnified(detail=str(claim or error.error or "token")) from None
        except ValueError:
            raise AccountUnified(detail="token") from None
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if claims.get("azp", None if len(audience) > 1 else self._table.client_id) != (
            self._table.client_id
        ):
            raise AccountUnified(detail="azp")
        return claims

    async def _decoded(self, token: str) -> Any:
        """Signed by a key of the provider; a key that is not known may be a new one."""
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError
        from joserfc.jws import JWSRegistry

        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        try:
            return jwt.decode(token, await self._key_set(KEPT_S), registry=registry)
        except InvalidKeyIdError:
            return jwt.decode(token, await self._key_set(ASK_AGAIN_S), registry=registry)

    async def _key_set(self, most_s: float) -> KeySet:
        """Not older than `most_s`."""
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        if self._keys is None or time.monotonic() - self._keys[0] > most_s:
            raw = await self._ask("GET", (await self.endpoints()).jwks_uri)
            try:
                found = KeySet.import_key_set(msgspec.json.decode(raw))
            except (msgspec.MsgspecError, JoseError, ValueError, KeyError, TypeError):
                raise AccountUnified(detail="jwks") from None
            self._keys = (time.monotonic(), found)
        return self._keys[1]

    async def _ask(self, method: str, url: str, **more: Any) -> bytes:
        try:
            async with self._opened().stream(method, url, **more) as answer:
                raw = b""
                async for part in answer.aiter_bytes():
                    raw += part
                    if len(raw) > MAX_ANSWER_BYTES:
                        raise AccountUnified(detail="too long an answer")
        except httpx.HTTPError as error:
            raise AccountUnified(detail=type(error).__name__) from None
        if answer.status_code != httpx.codes.OK:
            raise AccountUnified(detail=f"HTTP {answer.status_code}")
        return raw

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            file = self._table.ca_file
            try:
                tls = ssl.create_default_context(cafile=None if file is None else str(file))
            except (OSError, ssl.SSLError):
                raise AccountUnified(detail=f"ca_file {file}") from None
            self._client = httpx.AsyncClient(timeout=TIMEOUT_S, verify=tls, trust_env=False)
        return self._client


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str


def subject_of(issuer: str, claims: Mapping[str, Any]) -> str:
    """Who it is, as accounts are bound to it: a subject is unique at its issuer only."""
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise AccountUnified(detail="sub")
    return f"{issuer} {subject}"
