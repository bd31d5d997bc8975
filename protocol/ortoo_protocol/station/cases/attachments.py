"""Attachments (附件): scans in letters of their own, each named by hash in the signed application.

They travel as letters of the case and not as dispatches or files: those need a grant, which is what
is being asked for, and the authority that may have to coordinate must be able to read them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, select, update

from ortoo_protocol.core.cases import Attachment, AttachmentPart, check_part
from ortoo_protocol.core.cases.bodies import (
    ATTACHMENT_PART_BYTES,
    MAX_ATTACHMENT_BYTES,
    MAX_ATTACHMENTS,
    MEDIA_TYPES,
)
from ortoo_protocol.core.errors import CaseAttachment
from ortoo_protocol.core.keys import Suite
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.case_tables import case_attachments
from ortoo_protocol.station.store.dialect import insert_new

_ASIDE = MAX_ATTACHMENTS  # at the applicant alone: positions of scans that wait for the notary
_MAGIC = {
    "application/pdf": b"%PDF-",
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
}


def describe(suite: Suite, name: str, content: bytes) -> Attachment:
    """Name a scan by what it is. Raises CaseAttachment."""
    found = next((each for each, magic in _MAGIC.items() if content.startswith(magic)), "")
    if found not in MEDIA_TYPES:
        raise CaseAttachment(name=name, detail="it is no PDF, JPEG or PNG")
    if len(content) > MAX_ATTACHMENT_BYTES:
        raise CaseAttachment(name=name, detail=f"{len(content):,} bytes")
    return Attachment(
        name=name, media_type=found, size_bytes=len(content), hash=suite.hash(content)
    )


def described(suite: Suite, files: Sequence[tuple[str, bytes]]) -> tuple[Attachment, ...]:
    if len(files) > MAX_ATTACHMENTS:
        raise CaseAttachment(name=files[MAX_ATTACHMENTS][0], detail="one too many")
    return tuple(describe(suite, name, content) for name, content in files)


def _cut(content: bytes) -> list[bytes]:
    size = ATTACHMENT_PART_BYTES
    return [content[at : at + size] for at in range(0, len(content), size)]


def keep_own(tx: Tx, case: str, contents: Sequence[bytes]) -> None:
    """Keep the scans of an application of this station."""
    _keep(tx, case, contents, 0)


def keep_aside(tx: Tx, case: str, contents: Sequence[bytes]) -> None:
    """Keep the scans of a completion until the notary has taken it: what it refuses did not happen,
    and the first scans are still those of the application."""
    _keep(tx, case, contents, _ASIDE)


def put_in_place(tx: Tx, case: str) -> None:
    """The completion was taken: its scans, if it brought any, are now those of the application."""
    waiting = _of(case) & (case_attachments.c.position >= _ASIDE)
    if tx.conn.execute(select(case_attachments.c.part).where(waiting).limit(1)).first() is None:
        return
    first = _of(case) & (case_attachments.c.position < _ASIDE)
    tx.conn.execute(delete(case_attachments).where(first))
    moved = update(case_attachments).where(waiting)
    tx.conn.execute(moved.values(position=case_attachments.c.position - _ASIDE))


def drop_aside(tx: Tx, case: str) -> None:
    waiting = _of(case) & (case_attachments.c.position >= _ASIDE)
    tx.conn.execute(delete(case_attachments).where(waiting))


def _keep(tx: Tx, case: str, contents: Sequence[bytes], first: int) -> None:
    for position, content in enumerate(contents, first):
        pieces = _cut(content)
        rows = [
            {
                "case": case,
                "position": position,
                "part": part,
                "parts": len(pieces),
                "content": piece,
                "received_ms": tx.now_ms,
            }
            for part, piece in enumerate(pieces)
        ]
        insert_new(tx.conn, case_attachments, rows)


def send_own(tx: Tx, case: str, recipient: str, named: Sequence[Attachment]) -> None:
    """Send what is kept, after the letter that names it."""
    for row in _rows(tx.conn, case, range(len(named))):
        body = AttachmentPart(
            case=case,
            position=row.position,
            part=row.part,
            parts=row.parts,
            hash=named[row.position].hash,
        )
        send(tx, recipient, body, rows=[row.content], case=case)


def receive(tx: Tx, body: AttachmentPart, content: bytes, named: Sequence[Attachment]) -> None:
    """Keep a part of an attachment that the application names. Raises CaseAttachment."""
    check_part(body)
    if body.position >= len(named):
        raise CaseAttachment(name=str(body.position), detail="the application does not name it")
    attachment = named[body.position]
    if body.hash != attachment.hash:
        raise CaseAttachment(name=attachment.name, detail="a part of another scan")
    pieces = -(-attachment.size_bytes // ATTACHMENT_PART_BYTES)
    last = body.part == pieces - 1
    expected = attachment.size_bytes - ATTACHMENT_PART_BYTES * (pieces - 1)
    if body.parts != pieces or len(content) != (expected if last else ATTACHMENT_PART_BYTES):
        raise CaseAttachment(name=attachment.name, detail="a part of another size")
    row = {
        "case": body.case,
        "position": body.position,
        "part": body.part,
        "parts": body.parts,
        "content": content,
        "received_ms": tx.now_ms,
    }
    insert_new(tx.conn, case_attachments, [row])


def forget(tx: Tx, case: str) -> None:
    """Before the scans of a completion come in the place of the first ones."""
    tx.conn.execute(delete(case_attachments).where(_of(case)))


def here(conn: Connection, case: str) -> dict[int, int]:
    """How many parts of each attachment are here."""
    query = select(case_attachments.c.position).where(_of(case))
    return dict(Counter(position % _ASIDE for position in conn.execute(query).scalars()))


def content(
    conn: Connection, suite: Suite, case: str, position: int, named: Sequence[Attachment]
) -> bytes:
    """A whole attachment, as the application named it. Raises CaseAttachment."""
    if not 0 <= position < len(named):
        raise CaseAttachment(name=str(position), detail="the application does not name it")
    attachment, places = named[position], (position, position + _ASIDE)
    rows = _rows(conn, case, places)
    held = [b"".join(row.content for row in rows if row.position == place) for place in places]
    if max(map(len, held)) < attachment.size_bytes:
        raise CaseAttachment(name=attachment.name, detail="it has not come whole yet")
    found = next((each for each in held if suite.hash(each) == attachment.hash), None)
    if found is None:
        raise CaseAttachment(name=attachment.name, detail="it is not what the application names")
    if not found.startswith(_MAGIC[attachment.media_type]):
        detail = f"it is no {attachment.media_type}, as the application says"
        raise CaseAttachment(name=attachment.name, detail=detail)
    return found


def _of(case: str) -> ColumnElement[bool]:
    return case_attachments.c.case == case


def _rows(conn: Connection, case: str, places: Iterable[int]) -> Sequence[Row[Any]]:
    query = select(case_attachments).where(_of(case), case_attachments.c.position.in_(places))
    return conn.execute(query.order_by(case_attachments.c.position, case_attachments.c.part)).all()
