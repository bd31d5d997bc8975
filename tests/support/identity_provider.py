"""A provider of the unified login that does what a test wants: strict about PKCE, the client's
secret and codes that work once, and honest or not by its attributes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.stations import until

CLIENT, SECRET = "ortoo", "a secret: of & for tests"


class IdentityProvider:
    """`claims`: what the next tokens say otherwise than they should, None to leave one out;
    `header`: of their signature; `signing`: the key; `published`: the keys that it shows."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.now_s = 0
        self.signing = RSAKey.generate_key(2048, {"kid": "1"})
        self.published: list[Any] = [self.signing]
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "1"}
        self.metadata: dict[str, Any] = {}
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}

    def agree(self, url: str, subject: str) -> dict[str, str]:
        """The person logs in there; what comes back with the browser."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = f"code {len(self._codes)}"
        self._codes[code] = {**asked, "sub": subject}
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    async def about(self, _request: Request) -> Response:
        self.asked.append("about")
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                **self.metadata,
            }
        )

    async def keys(self, _request: Request) -> Response:
        self.asked.append("keys")
        return JSONResponse({"keys": [key.as_dict(private=False) for key in self.published]})

    async def token(self, request: Request) -> Response:
        form = await request.form()
        begun = self._codes.pop(str(form["code"]), None)
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        right = (
            begun is not None
            and begun["code_challenge"] == challenge
            and begun["redirect_uri"] == form["redirect_uri"]
            and self._knows(request.headers.get("authorization", ""))
        )
        if not right or begun is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        claims = {
            "iss": self.issuer,
            "sub": begun["sub"],
            "aud": CLIENT,
            "exp": self.now_s + 300,
            "iat": self.now_s,
            "nonce": begun["nonce"],
            **self.claims,
        }
        said = {name: value for name, value in claims.items() if value is not None}
        token = {"access_token": "x", "token_type": "Bearer", "id_token": self._signed(said)}
        return JSONResponse(token)

    def _signed(self, claims: dict[str, Any]) -> str:
        if self.header["alg"] in ("none", "HS256"):  # which the library would not make
            parts = (json.dumps(self.header), json.dumps(claims))
            coded = b".".join(_unpadded(part.encode()) for part in parts)
            shared = self.published[0].as_pem(private=False)
            digest = hmac.new(shared, coded, hashlib.sha256).digest()
            signature = b"" if self.header["alg"] == "none" else _unpadded(digest)
            return b".".join([coded, signature]).decode()
        return jwt.encode(self.header, claims, self.signing, algorithms=[self.header["alg"]])

    def _knows(self, authorization: str) -> bool:
        scheme, _, coded = authorization.partition(" ")
        name, _, secret = base64.b64decode(coded).decode().partition(":")
        known = (unquote_plus(name), unquote_plus(secret))
        return scheme == "Basic" and known == (CLIENT, SECRET)

    def routes(self) -> list[Route]:
        return [
            Route("/.well-known/openid-configuration", self.about),
            Route("/keys", self.keys),
            Route("/token", self.token, methods=["POST"]),
        ]


def _unpadded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


@asynccontextmanager
async def identity_provider() -> AsyncIterator[IdentityProvider]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    provider = IdentityProvider(f"http://127.0.0.1:{listening.getsockname()[1]}")
    app = Starlette(routes=provider.routes())
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve([listening]))
    try:
        await until(lambda: server.started)
        yield provider
    finally:
        server.should_exit = True
        await task
        listening.close()
