"""One entry: its fields, what its header says, and whether the message itself is still here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from ortoo_protocol.core.envelope import Envelope, Header, split
from ortoo_protocol.core.errors import EnvelopeError, KeysError
from ortoo_protocol.core.evidence import key_id_in, signed_part
from ortoo_protocol.core.keys import domain
from ortoo_protocol.station.context import Parts
from ortoo_protocol.station.journal import raws
from ortoo_protocol.station.journal.searching import header_of, view
from ortoo_protocol.station.store.tables import checkpoints

# What became of the signature: it holds; its key is in no directory of today; the message's bytes
# are here no more, and a row alone has not all that was signed.
HOLDS, KEY_UNKNOWN, BYTES_GONE, WRONG = "holds", "key-unknown", "bytes-gone", "wrong"
NOTHING_SIGNED = "nothing-signed"


@dataclass(frozen=True)
class Looked:
    """An entry as the journal of `parts` has it. `origin`: of its checkpoints."""

    conn: Connection
    parts: Parts
    origin: str

    def shown(self, row: Row[Any]) -> dict[str, Any]:
        header = header_of(row)
        return {
            **view(row),
            "body_hash": bytes(row.body_hash).hex(),
            "signature": bytes(row.signature).hex(),
            "header": None if header is None else _said(header),
            "signature_state": self._signature(row, header),
            "checkpoint": self._first_checkpoint(row.seq),
        }

    def _first_checkpoint(self, seq: int) -> dict[str, Any] | None:
        """The first that holds the row; None: none was signed since."""
        here = (checkpoints.c.origin == self.origin) & (checkpoints.c.size > seq)
        query = select(checkpoints).where(here).order_by(checkpoints.c.size).limit(1)
        found = self.conn.execute(query).first()
        if found is None:
            return None
        return {"size": found.size, "time_ms": found.time_ms, "cosigned": found.cosigned}

    def _signature(self, row: Row[Any], header: Header | None) -> str:
        if header is None or not row.signature:
            return NOTHING_SIGNED
        raw = raws.raw_of(self.conn, header)
        if raw is None:
            return self._by_row(row) if row.framing else BYTES_GONE
        try:
            envelope = split(raw, suites=self.parts.suites, plane=self.parts.identity.plane)
        except (EnvelopeError, KeysError):
            return WRONG
        return self._judged(envelope) if _is(envelope, row) else WRONG

    def _by_row(self, row: Row[Any]) -> str:
        """The body is erased; what is signed of it is its hash, which the row has."""
        signed = signed_part(bytes(row.framing), bytes(row.header), bytes(row.body_hash))
        message = domain("ortoo/envelope", self.parts.identity.plane, signed)
        return self._verified(key_id_in(bytes(row.framing)), message, bytes(row.signature))

    def _judged(self, envelope: Envelope) -> str:
        return self._verified(envelope.key_id, envelope.signed, envelope.signature)

    def _verified(self, key_id: bytes, signed: bytes, signature: bytes) -> str:
        record = self.parts.trust.current.signing_key(key_id)
        if record is None:
            return KEY_UNKNOWN
        try:
            self.parts.suites.get(record.suite).verify(record.public, signed, signature)
        except KeysError:
            return WRONG
        return HOLDS


def _is(envelope: Envelope, row: Row[Any]) -> bool:
    """Whether the row speaks of these bytes."""
    return (envelope.header, envelope.signature, envelope.body_hash) == (
        bytes(row.header),
        bytes(row.signature),
        bytes(row.body_hash),
    )


def _said(header: Header) -> dict[str, Any]:
    position = header.position
    return {
        "destination": header.destination,
        "created_ms": header.created_ms,
        "expires_ms": header.expires_ms,
        "case": header.case or "",
        "causation": (header.causation or b"").hex(),
        "directory_version": header.directory_version,
        "incarnation": None if position is None else position.incarnation,
        "item": None if position is None else position.seq,
        "epoch": header.epoch,
    }
