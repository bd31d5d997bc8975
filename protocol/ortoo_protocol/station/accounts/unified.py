"""Unified login (统一身份认证): OpenID Connect's code flow with PKCE, state and nonce.

It opens accounts that the security administrator bound to a subject, and never makes one. What a
login needs until its end is sealed and goes along in the person's cookie, so nothing is kept here
for logins that nobody ends. OpenID Connect Core 3.1, RFC 7636, RFC 9207, RFC 9700.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import msgspec

from ortoo_protocol.core.errors import (
    AccountCodeNeeded,
    AccountRefused,
    AccountUnbound,
    AccountUnified,
    OrtooError,
    StoreError,
)
from ortoo_protocol.station import secrets
from ortoo_protocol.station.accounts import acts, attempts, factor, keeping
from ortoo_protocol.station.accounts.desk import Accounts
from ortoo_protocol.station.accounts.people import Account, SignedIn
from ortoo_protocol.station.accounts.provider import Provider, subject_of
from ortoo_protocol.station.accounts.sessions import new_secret
from ortoo_protocol.station.accounts.settings import HERE, UnifiedTable
from ortoo_protocol.station.context import Tx

LOGIN_MS = 600_000  # from the first page to the last
MAX_SEALED = 4_000


class _Begun(msgspec.Struct, frozen=True, array_like=True):
    """`verified`: the subject, once the provider has vouched and only our own code is missing."""

    state: str
    nonce: str
    verifier: str
    expires_ms: int
    verified: str = ""


@dataclass(frozen=True)
class Begun:
    """Send the browser to `url`; keep `state` in a cookie of its own (HttpOnly, SameSite=Lax)."""

    url: str
    state: str = field(repr=False)


class UnifiedLogin:
    def __init__(self, accounts: Accounts, table: UnifiedTable) -> None:
        self._accounts, self._table = accounts, table
        self.provider = Provider(table)

    async def close(self) -> None:
        await self.provider.close()

    async def begin(self) -> Begun:
        """Raises AccountUnified when the provider cannot be asked where its pages are."""
        endpoints = await self.provider.endpoints()
        rand = self._accounts.station.parts.rand
        made = _Begun(new_secret(rand), new_secret(rand), new_secret(rand), self._now() + LOGIN_MS)
        digest = hashlib.sha256(made.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._table.client_id,
            "redirect_uri": self._table.redirect,
            "scope": " ".join(self._table.scopes),
            "state": made.state,
            "nonce": made.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        at = endpoints.authorization_endpoint
        return Begun(f"{at}{'&' if '?' in at else '?'}{urlencode(query)}", self._seal(made))

    async def finish(
        self, params: Mapping[str, str], state: str, *, address: str, language: str
    ) -> SignedIn:
        """What the provider sent back with the browser, and the cookie of `begin`.

        Raises AccountUnified for whatever is not as it must be, AccountUnbound when no account here
        is bound to this subject, and AccountCodeNeeded when the account has a second factor of its
        own: its fact `pending` and the code go to `finish_code`.
        """
        begun = self._open(state)
        returned = params.get("state", "")
        if begun.verified or not hmac.compare_digest(begun.state.encode(), returned.encode()):
            raise AccountUnified(detail="state")
        if params.get("iss", self._table.issuer) != self._table.issuer:
            raise AccountUnified(detail="iss")
        if not (code := params.get("code", "")):
            raise AccountUnified(detail=params.get("error", "code")[:64])
        token = await self.provider.exchange(code, begun.verifier)
        claims = await self.provider.check(token, begun.nonce, self._now())
        subject = subject_of(self._table.issuer, claims)

        def job(tx: Tx) -> SignedIn | OrtooError:
            account = keeping.of_subject(tx.conn, subject)
            if account is None or account.disabled_ms is not None:
                _note_refused(tx, account, AccountUnbound.code, address)
                return AccountUnbound(subject=subject)
            if account.second_factor and self._table.second_factor == HERE:
                left = msgspec.structs.replace(begun, verified=subject)
                return AccountCodeNeeded(pending=self._seal(left))
            proven = self._table.second_factor != HERE
            return self._accounts.open(
                tx, account, address, language, "log-in-unified", second_factor=proven
            )

        return await self._done(job)

    async def finish_code(
        self, pending: str, code: str, *, address: str, language: str
    ) -> SignedIn:
        """The code of the account's own second factor, after `finish` asked for it. Raises
        AccountRefused, AccountLocked, AccountUnified (too late)."""
        begun, now_ms = self._open(pending), self._now()
        if not begun.verified:
            raise AccountUnified(detail="state")

        def job(tx: Tx) -> SignedIn | OrtooError:
            account = keeping.of_subject(tx.conn, begun.verified)
            if account is None or account.disabled_ms is not None:
                return AccountRefused()
            attempts.charge(tx.conn, account.account, address, now_ms)
            if not account.second_factor or not factor.accept(tx, account, code):
                _note_refused(tx, account, AccountRefused.code, address)
                return AccountRefused()
            attempts.succeeded(tx.conn, account.account, address)
            return self._accounts.open(
                tx, account, address, language, "log-in-unified", second_factor=True
            )

        return await self._done(job)

    async def _done(self, job: Callable[[Tx], SignedIn | OrtooError]) -> SignedIn:
        opened = await self._accounts.station.write(job)
        if isinstance(opened, OrtooError):  # returned, not raised: what it wrote stays
            raise opened
        return opened

    def _now(self) -> int:
        return self._accounts.station.parts.clock()

    def _seal(self, begun: _Begun) -> str:
        parts = self._accounts.station.parts
        raw = secrets.seal(parts.identity, parts.rand, _USE, msgspec.msgpack.encode(begun))
        return base64.urlsafe_b64encode(raw).decode()

    def _open(self, state: str) -> _Begun:
        """Raises AccountUnified for what is not ours, or too old."""
        try:
            raw = base64.urlsafe_b64decode(state[:MAX_SEALED])
            found = secrets.unseal(self._accounts.station.parts.identity, _USE, raw)
            begun = msgspec.msgpack.decode(found, type=_Begun)
        except (ValueError, StoreError, msgspec.MsgspecError):
            raise AccountUnified(detail="state") from None
        if not 0 < begun.expires_ms - self._now() <= LOGIN_MS:
            raise AccountUnified(detail="too late")
        return begun


_USE = "unified login under way"


def _note_refused(tx: Tx, account: Account | None, code: str, address: str) -> None:
    known = {} if account is None else {"account": account.account, "person": account.person}
    acts.note(tx, "log-in-unified", "", code, address=address, **known)
