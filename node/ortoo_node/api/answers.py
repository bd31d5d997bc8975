"""Requests with an Idempotency-Key: done once, and the answer kept for whoever repeats them."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, insert, select

from ortoo_node.store.tables import api_answers
from ortoo_protocol.core.errors import ApiIdempotency, ApiUnderWay
from ortoo_protocol.station.context import Tx

KEPT_MS = 24 * 3_600_000
_KEY = re.compile(r"[!-~]{1,128}")


@dataclass
class Answers:
    """`under_way`: (token, key) of requests at work in this process."""

    under_way: set[tuple[str, str]] = field(default_factory=set)

    @contextmanager
    def alone(self, token: str, key: str | None) -> Iterator[None]:
        """Raises ApiIdempotency for what is no key, ApiUnderWay for one that is at work."""
        if key is None:
            yield
            return
        if not _KEY.fullmatch(key):
            raise ApiIdempotency(detail="1 to 128 printable ASCII characters")
        if (token, key) in self.under_way:
            raise ApiUnderWay()
        self.under_way.add((token, key))
        try:
            yield
        finally:
            self.under_way.discard((token, key))


def kept(conn: Connection, token: str, key: str, request: bytes, now_ms: int) -> bytes | None:
    """The answer that was given. Raises ApiIdempotency: the key was used for another request."""
    here = (api_answers.c.token == token) & (api_answers.c.key == key)
    row = conn.execute(select(api_answers).where(here)).first()
    if row is None or row.time_ms <= now_ms - KEPT_MS:
        return None
    if not hmac.compare_digest(row.request, request):
        raise ApiIdempotency(detail=key)
    return bytes(row.answer)


def keep(tx: Tx, token: str, key: str, request: bytes, answer: bytes) -> None:
    old = api_answers.c.time_ms <= tx.now_ms - KEPT_MS
    tx.conn.execute(delete(api_answers).where(old))
    row = {
        "token": token,
        "key": key,
        "request": request,
        "answer": answer,
        "time_ms": tx.now_ms,
    }
    tx.conn.execute(insert(api_answers).values(row))
