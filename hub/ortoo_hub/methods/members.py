"""member.*: who takes part."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from ortoo_hub import directory, membership
from ortoo_hub.membership import Road
from ortoo_hub.router import Router
from ortoo_hub.store.tables import enrolments
from ortoo_hub.supervision.findings import last_seen
from ortoo_protocol.core.directory import Status
from ortoo_protocol.core.errors import BusError
from ortoo_protocol.core.trust import fingerprint_of_root
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.control import Method
from ortoo_protocol.station.station import Station

LEAST_DAYS, MOST_DAYS = 1, 60


@dataclass(frozen=True)
class MemberMethods:
    station: Station
    router: Router
    road: Road

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "member.token": self.token,
            "member.admit": self.admit,
            "member.list": self.list_,
            "member.welcome": self.welcome,
            "member.suspend": self.suspend,
            "member.restore": self.restore,
            "member.revoke": self.revoke,
            "member.compromise": self.compromise,
        }

    async def token(self, party: str, days: int = 7) -> dict[str, Any]:
        days = max(LEAST_DAYS, min(days, MOST_DAYS))
        token, expires_ms = await self.station.write(
            lambda tx: membership.make_token(tx, party, days)
        )
        return {"party": party, "token": token, "expires_ms": expires_ms}

    async def admit(self, request: bytes, fingerprint: str) -> dict[str, Any]:
        entry, announcement = await self.station.write(
            lambda tx: membership.admit(tx, request, fingerprint)
        )
        return {
            "party": entry.party,
            "name": entry.name,
            "fingerprint": fingerprint,
            "departments": [
                {"code": each.code, "name": each.name} for each in announcement.departments
            ],
            "pending": entry.status,
        }

    async def list_(self) -> dict[str, Any]:
        return {"members": await self.station.write(list_members)}

    async def welcome(self, party: str) -> dict[str, Any]:
        """The password in it works at once, or as soon as the management interface is back."""
        road, wake = self.road, self.router.wake
        raw = await self.station.write(lambda tx: membership.welcome(tx, party, road, wake))
        with suppress(BusError):  # the router's own pass says so, and tries again
            await self.router.correct()
        trust, suites = self.station.parts.trust.current, self.station.parts.suites
        root = directory.documents(trust, "root")[-1]
        return {
            "welcome": raw,
            "fingerprint": fingerprint_of_root(root, plane=trust.plane, suites=suites),
        }

    async def suspend(self, party: str, reason: str) -> dict[str, Any]:
        return await self._set(party, "suspended", reason)

    async def restore(self, party: str, reason: str) -> dict[str, Any]:
        return await self._set(party, "active", reason)

    async def revoke(self, party: str, reason: str) -> dict[str, Any]:
        return await self._set(party, "revoked", reason)

    async def compromise(self, party: str, since_ms: int) -> dict[str, Any]:
        entry = await self.station.write(lambda tx: membership.compromise(tx, party, since_ms))
        keys = [key.public.hex() for key in entry.keys if key.compromised_since_ms is not None]
        return {"party": party, "pending": entry.status, "keys": keys}

    async def _set(self, party: str, status: Status, reason: str) -> dict[str, Any]:
        entry = await self.station.write(
            lambda tx: membership.set_status(tx, party, status, reason)
        )
        return {"party": party, "pending": entry.status}


def list_members(tx: Tx) -> list[dict[str, Any]]:
    """Members as the directory in force has them, and those who wait for the next."""
    trust, waiting = tx.trust, membership.pending_entries(tx)
    seen = last_seen(tx.conn, trust)
    since = {row.party: row.admitted_ms for row in tx.conn.execute(select(enrolments))}
    known = {entry.party: entry for entry in trust.parties}
    found = []
    for party in sorted({*known, *waiting}):
        entry, next_entry = known.get(party), waiting.get(party)
        shown = entry or waiting[party]
        found.append(
            {
                "party": party,
                "name": shown.name,
                "parent": shown.parent,
                "status": entry.status if entry else "",
                "pending": next_entry.status if next_entry else None,
                "since_ms": entry.since_ms if entry else since.get(party, shown.since_ms),
                "reason": (next_entry or shown).reason,
                "departments": len(trust.departments(party)),
                "seen_ms": seen.get(party),
            }
        )
    return found
