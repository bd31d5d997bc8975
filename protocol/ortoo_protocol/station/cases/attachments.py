"""Attachments (附件): scans in letters of their own, each named by hash in the signed application.

They travel as letters of the case and not as dispatches or files: those need a grant, which is what
is being asked for, and the authority that may have to coordinate must be able to read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, select

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
    """Keep the scans of an application of this station, in the place of those before."""
    tx.conn.execute(delete(case_attachments).where(case_attachments.c.case == case))
    for position, content in enumerate(contents):
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


def send_own(tx: Tx, case: str, recipient: str) -> None:
    """Send what is kept, after the letter that names it."""
    for row in _rows(tx.conn, case):
        body = AttachmentPart(case=case, position=row.position, part=row.part, parts=row.parts)
        send(tx, recipient, body, rows=[row.content], case=case)


def receive(tx: Tx, body: AttachmentPart, content: bytes, named: Sequence[Attachment]) -> None:
    """Keep a part of an attachment that the application names. Raises CaseAttachment."""
    check_part(body)
    if body.position >= len(named):
        raise CaseAttachment(name=str(body.position), detail="the application does not name it")
    attachment = named[body.position]
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
    tx.conn.execute(delete(case_attachments).where(case_attachments.c.case == case))


def here(conn: Connection, case: str) -> dict[int, int]:
    """How many parts of each attachment are here."""
    found: dict[int, int] = {}
    query = select(case_attachments.c.position).where(case_attachments.c.case == case)
    for position in conn.execute(query).scalars():
        found[position] = found.get(position, 0) + 1
    return found


def content(
    conn: Connection, suite: Suite, case: str, position: int, named: Sequence[Attachment]
) -> bytes:
    """A whole attachment, as the application named it. Raises CaseAttachment."""
    if not 0 <= position < len(named):
        raise CaseAttachment(name=str(position), detail="the application does not name it")
    attachment = named[position]
    found = b"".join(row.content for row in _rows(conn, case) if row.position == position)
    if len(found) < attachment.size_bytes:
        raise CaseAttachment(name=attachment.name, detail="it has not come whole yet")
    if suite.hash(found) != attachment.hash:
        raise CaseAttachment(name=attachment.name, detail="it is not what the application names")
    return found


def _rows(conn: Connection, case: str) -> Sequence[Row[Any]]:
    query = select(case_attachments).where(case_attachments.c.case == case)
    return conn.execute(query.order_by(case_attachments.c.position, case_attachments.c.part)).all()
