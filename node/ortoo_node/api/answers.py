"""Requests with an Idempotency-Key: done once, and the answer kept for whoever repeats them.

What is kept is sealed with the store key: answers hold people's data. A key belongs to the program,
whichever of its tokens it bears. Before the work begins its key is written down, so that a station
that ends in the middle says so afterwards instead of doing it twice.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import Connection, delete, select

from ortoo_node.store.tables import api_answers
from ortoo_protocol.core.errors import ApiIdempotency, ApiOutcome, ApiUnderWay
from ortoo_protocol.station import secrets
from ortoo_protocol.station.context import Parts, Tx
from ortoo_protocol.station.store.dialect import upsert

KEPT_MS = 24 * 3_600_000
_KEY = re.compile(r"[!-~]{1,128}")


class Answer(msgspec.Struct, frozen=True):
    """What was answered. `headers`: those that are part of it."""

    status: int
    body: bytes
    media_type: str = "application/json"
    headers: dict[str, str] = {}


@dataclass(frozen=True)
class Key:
    """`family`: of whose token; `request`: a digest of everything that was asked."""

    family: str
    key: str
    request: bytes

    @property
    def use(self) -> str:
        return f"api answer {self.family} {self.key}"


@dataclass
class Answers:
    """`under_way`: (family, key) of requests at work in this process."""

    under_way: set[tuple[str, str]] = field(default_factory=set)

    @contextmanager
    def alone(self, family: str, key: str | None) -> Iterator[None]:
        """Raises ApiIdempotency for what is no key, ApiUnderWay for one that is at work."""
        if key is None:
            yield
            return
        if not _KEY.fullmatch(key):
            raise ApiIdempotency(detail="1 to 128 printable ASCII characters")
        if (family, key) in self.under_way:
            raise ApiUnderWay()
        self.under_way.add((family, key))
        try:
            yield
        finally:
            self.under_way.discard((family, key))


def kept(conn: Connection, parts: Parts, key: Key, now_ms: int) -> Answer | None:
    """The answer that was given. Raises ApiIdempotency: the key was used for another request;
    ApiOutcome: for this one, of which nobody knows how it ended."""
    here = (api_answers.c.token == key.family) & (api_answers.c.key == key.key)
    row = conn.execute(select(api_answers).where(here)).first()
    if row is None or row.time_ms <= now_ms - KEPT_MS:
        return None
    if not hmac.compare_digest(row.request, key.request):
        raise ApiIdempotency(detail=key.key)
    if not row.answer:
        raise ApiOutcome()
    packed = secrets.unseal(parts.identity, key.use, row.answer)
    return msgspec.msgpack.decode(packed, type=Answer)


def begin(tx: Tx, key: Key) -> Answer | None:
    """As `kept`; where there is no answer, the key is written down as at work."""
    found = kept(tx.conn, tx.parts, key, tx.now_ms)
    if found is None:
        _write(tx, key, b"")
    return found


def keep(tx: Tx, key: Key, answer: Answer) -> None:
    old = api_answers.c.time_ms <= tx.now_ms - KEPT_MS
    tx.conn.execute(delete(api_answers).where(old))
    packed = msgspec.msgpack.encode(answer)
    _write(tx, key, secrets.seal(tx.parts.identity, tx.parts.rand, key.use, packed))


def forget(tx: Tx, key: Key) -> None:
    """Nothing was done: the key may be used again."""
    here = (api_answers.c.token == key.family) & (api_answers.c.key == key.key)
    tx.conn.execute(delete(api_answers).where(here))


def _write(tx: Tx, key: Key, answer: bytes) -> None:
    row = {
        "token": key.family,
        "key": key.key,
        "request": key.request,
        "answer": answer,
        "time_ms": tx.now_ms,
    }
    upsert(tx.conn, api_answers, [row])
