"""directory.*: the signed list of members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ortoo_hub import directory, membership, roster
from ortoo_hub.methods.members import list_members
from ortoo_hub.router import Router
from ortoo_protocol.core.directory import Directory, read_body, read_document
from ortoo_protocol.core.trust import fingerprint_of_root
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.control import Method
from ortoo_protocol.station.station import Station


@dataclass(frozen=True)
class DirectoryMethods:
    station: Station
    router: Router

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "directory.propose": self.propose,
            "directory.publish": self.publish,
            "directory.show": self.show,
        }

    async def propose(self) -> dict[str, Any]:
        return await self.station.write(_propose)

    async def publish(self, document: bytes) -> dict[str, Any]:
        """A signed directory, or the next root."""
        changes = await self.station.write(
            lambda tx: directory.publish(tx, document, self.router.wake)
        )
        trust = self.station.parts.trust.current
        return {
            "version": trust.directory_version,
            "hash": trust.directory_hash.hex(),
            "expires_ms": directory.body_in_force(trust).expires_ms,
            "parties": len(trust.parties),
            "changes": _changes(changes),
        }

    async def show(self) -> dict[str, Any]:
        return await self.station.write(_show)


def _propose(tx: Tx) -> dict[str, Any]:
    raw = directory.propose(tx)
    previous = directory.documents(tx.trust, "directory")[0]
    return {
        "document": raw,
        "version": read_body(read_document(raw, "directory"), Directory).version,
        "changes": _changes(roster.changes(previous, raw, suites=tx.parts.suites)),
        "threshold": tx.trust.root.registrar_threshold,
    }


def _show(tx: Tx) -> dict[str, Any]:
    trust = tx.trust
    body = directory.body_in_force(trust)
    root = directory.documents(trust, "root")[-1]
    status = {entry.party: entry.status for entry in trust.parties}
    return {
        "version": body.version,
        "hash": trust.directory_hash.hex(),
        "created_ms": body.created_ms,
        "expires_ms": body.expires_ms,
        "profile": body.profile,
        "root_version": trust.root.version,
        "root_fingerprint": fingerprint_of_root(root, plane=tx.plane, suites=tx.parts.suites),
        "timestamp_ms": trust.timestamp_ms,
        "parties": list_members(tx),
        "pending": [
            {"party": party, "from": status.get(party, ""), "to": entry.status}
            for party, entry in sorted(membership.pending_entries(tx).items())
        ],
    }


def _changes(changes: Iterable[roster.Change]) -> list[dict[str, str]]:
    return [{"party": each.party, "from": each.before, "to": each.after} for each in changes]
