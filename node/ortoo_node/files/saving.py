"""What a transfer brought, to be saved by people through their browser: only while its grant lives,
and only the very bytes that came."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row

from ortoo_node.files import transfers
from ortoo_node.use import purpose as purposes
from ortoo_protocol.core.errors import FileNotHere, GrantEnded, GrantUnknown
from ortoo_protocol.core.law.profiles import Sharing
from ortoo_protocol.station import grants_held

PEOPLE = "people"  # the spool of those who save by browser; no department is called so
_BLOCK_BYTES = 1 << 20
_Stamp = tuple[int, int, int, int]
"""Device, inode, size, last change: while these stay, so did the bytes."""


@dataclass(frozen=True)
class Saved:
    path: Path
    name: str
    size_bytes: int
    sha256: str
    grant: str
    resource: str


@dataclass
class Saver:
    """Hashes a file once for as long as nobody touches it: a browser asks for parts."""

    _known: dict[Path, tuple[_Stamp, str]] = field(default_factory=dict)

    def check(self, saved: Saved) -> None:
        """Blocking. Raises FileNotHere: it was moved, or somebody changed it, since it came."""
        try:
            about = os.stat(saved.path, follow_symlinks=False)
            if not stat.S_ISREG(about.st_mode):
                raise FileNotHere(file=saved.name, detail="no plain file")
            stamp = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns)
            known = self._known.get(saved.path)
            if known is None or known[0] != stamp:
                known = self._known[saved.path] = (stamp, _hash(saved.path))
        except OSError as error:
            raise FileNotHere(file=saved.name, detail=error.strerror or "-") from None
        if known[1] != saved.sha256:
            raise FileNotHere(file=saved.name, detail="it was changed since it came")


def find(
    conn: Connection, transfer: str, *, party: str, department: str, now_ms: int, rules: Sharing
) -> Saved:
    """`department`: whose people ask, "" for the platform's own. Raises FileTransferUnknown,
    FileNotHere while it has not come, GrantEnded, GrantUnknown, GrantIsSuspended."""
    row = transfers.find(conn, transfer)
    _check_grant(conn, row, party=party, department=department, now_ms=now_ms, rules=rules)
    name = Path(row.name).name
    if row.state != transfers.DONE:
        raise FileNotHere(file=name, detail=row.state)
    return Saved(Path(row.target), name, row.size_bytes, row.sha256, row.grant, row.resource)


def _check_grant(
    conn: Connection, row: Row[Any], *, party: str, department: str, now_ms: int, rules: Sharing
) -> None:
    held = grants_held.find(conn, row.grant)
    if held is None:
        raise GrantUnknown(grant=row.grant)
    if held.ended_ms is not None or (held.until_ms and held.until_ms <= now_ms):
        raise GrantEnded(grant=row.grant, reason=held.end_reason or "-")
    purposes.find(
        conn,
        party=party,
        resource=row.resource,
        purpose=grants_held.terms_of(held).purpose,
        grant=row.grant,
        department=department or None,
        now_ms=now_ms,
        rules=rules,
    )


def _hash(path: Path) -> str:
    made = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK_BYTES):
            made.update(block)
    return made.hexdigest()
