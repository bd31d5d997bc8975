"""What is to be fetched, in the station's store: a transfer outlives the process that began it.

    waiting ── manifest came ──> running ── whole, hash right ──> done
       └─────────────┬──────────────┴──> refused    by its provider, or the grant ended
                     ├─────────────────> failed     came whole and was another file; no place for it
                     └─────────────────> cancelled  by people here

`waiting` and `running` are alive: whatever is the matter with them (no link, full disk, a silent
provider) is their `error`, and they go on once it has passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from ortoo_node.files.incoming import Plan
from ortoo_node.store.tables import file_transfers
from ortoo_node.use import received
from ortoo_protocol.core.errors import (
    FileDiskFull,
    FileTransferUnknown,
    FileUnfit,
    GrantEnded,
    OrtooError,
)
from ortoo_protocol.core.files import FileManifest
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.core.verify import Opened
from ortoo_protocol.station import feed_reader, grants_held, quarantine
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import grants
from ortoo_protocol.station.use import suspensions

WAITING, RUNNING = "waiting", "running"
DONE, REFUSED, FAILED, CANCELLED = "done", "refused", "failed", "cancelled"
ALIVE = (WAITING, RUNNING)
MOST_ENDED_KEPT = 1_000
MOST_LOOKED_AT = 500
_T = file_transfers.c


@dataclass(frozen=True)
class Wanted:
    """One file that somebody here wants. `sha256` hex; `subscription` empty: people asked."""

    resource: str
    feed: str
    grant: str
    name: str
    sha256: str
    size_bytes: int
    target: Path
    subscription: str = ""


def begin(tx: Tx, wanted: Wanted) -> str:
    """A transfer of `wanted`: the one that is under way already, if there is one."""
    query = select(_T.transfer).where(
        _T.feed == wanted.feed,
        _T.name == wanted.name,
        _T.sha256 == wanted.sha256,
        _T.target == str(wanted.target),
        _T.state.in_(ALIVE),
    )
    under_way = tx.conn.execute(query).scalar()
    if under_way is not None:
        return str(under_way)
    transfer = tx.new_id().hex()
    values = {
        "transfer": transfer,
        "resource": wanted.resource,
        "feed": wanted.feed,
        "grant": wanted.grant,
        "subscription": wanted.subscription,
        "name": wanted.name,
        "sha256": wanted.sha256,
        "size_bytes": wanted.size_bytes,
        "target": str(wanted.target),
        "manifest": None,
        "chunk_bytes": 0,
        "chunks": 0,
        "done": 0,
        "state": WAITING,
        "error": "",
        "began_ms": tx.now_ms,
        "changed_ms": tx.now_ms,
    }
    tx.conn.execute(insert(file_transfers).values(values))
    return transfer


def find(conn: Connection, transfer: str) -> Row[Any]:
    """Raises FileTransferUnknown."""
    row = conn.execute(select(file_transfers).where(_T.transfer == transfer)).first()
    if row is None:
        raise FileTransferUnknown(transfer=transfer)
    return row


def in_order(*, only_alive: bool = False) -> Select[Any]:
    """The newest first."""
    query = select(file_transfers).order_by(_T.began_ms.desc(), _T.transfer.desc())
    return query.where(_T.state.in_(ALIVE)) if only_alive else query


def listed(conn: Connection) -> Sequence[Row[Any]]:
    return conn.execute(in_order()).all()


def alive(conn: Connection) -> Sequence[Row[Any]]:
    """The oldest first, those that people asked for before those of subscriptions; what waits for
    room on one disk after all that another disk may have room for."""
    order = (_T.error == FileDiskFull.code, _T.subscription != "", _T.began_ms, _T.transfer)
    query = select(file_transfers).where(_T.state.in_(ALIVE)).order_by(*order)
    return conn.execute(query.limit(MOST_LOOKED_AT)).all()


def of_subscription(conn: Connection, subscription: str) -> Sequence[Row[Any]]:
    return conn.execute(select(file_transfers).where(_T.subscription == subscription)).all()


def plan_of(row: Row[Any]) -> Plan:
    target = Path(row.target)
    return Plan(
        row.transfer,
        row.name,
        row.sha256,
        row.size_bytes,
        row.chunk_bytes,
        row.chunks,
        target,
        target.parents[row.name.count("/")] if row.subscription else None,
    )


def check_granted(tx: Tx, grant: str) -> None:
    """The grant that a transfer runs under is in force. Raises GrantEnded, GrantIsSuspended."""
    query = select(grants.c.grant).where(grants.c.grant == grant, grants_held.live(tx.now_ms))
    if tx.conn.execute(query).first() is None:
        raise GrantEnded(grant=grant, reason="-")
    suspensions.check(tx.conn, grant)


# --- moves --------------------------------------------------------------------------------------


def take_manifest(tx: Tx, opened: Opened[FileManifest]) -> list[str]:
    """The provider says how a file comes: those that waited for it run. Returns which.

    Raises FileUnfit: it is not the file that the feed named.
    """
    body = opened.body
    query = select(file_transfers).where(
        _T.feed == body.feed,
        _T.name == body.name,
        _T.sha256 == body.file.hex(),
        _T.state == WAITING,
    )
    waiting = tx.conn.execute(query).all()
    if any(row.size_bytes != body.size_bytes for row in waiting):
        raise FileUnfit(file=body.name, detail=f"{body.size_bytes} bytes")
    for row in waiting:
        values = {
            "manifest": opened.message.envelope.raw,
            "chunk_bytes": body.chunk_bytes,
            "chunks": body.chunks,
            "state": RUNNING,
        }
        _set(tx, row.transfer, **values)
    if waiting:
        tx.journal(opened.message, Direction.RECEIVED, State.ACCEPTED, flow=body.feed)
    return [row.transfer for row in waiting]


def note(tx: Tx, transfer: str, *, error: str) -> None:
    """What it waits for."""
    tx.conn.execute(
        update(file_transfers)
        .where(_T.transfer == transfer, _T.state.in_(ALIVE))
        .values(error=error)
    )


def came(tx: Tx, transfer: str, done: int) -> None:
    """`done` chunks are on disk."""
    tx.conn.execute(
        update(file_transfers)
        .where(_T.transfer == transfer, _T.state == RUNNING)
        .values(done=done, error="", changed_ms=tx.now_ms)
    )


def finished(tx: Tx, transfer: str) -> None:
    row = find(tx.conn, transfer)
    _set(tx, transfer, state=DONE, done=row.chunks, error="")
    received.keep_file(tx, row.sha256, row.grant, row.resource, row.name)
    _journal_end(tx, row, State.APPLIED, "")
    _forget(tx)


def placed(tx: Tx, transfer: str) -> None:
    """It has its name, whatever was said of it meanwhile."""
    if find(tx.conn, transfer).state != DONE:
        finished(tx, transfer)


def failed(tx: Tx, transfer: str, error: OrtooError) -> None:
    """Not to be had, whoever asks again; the reason stays visible."""
    row = find(tx.conn, transfer)
    _set(tx, transfer, state=FAILED, error=error.code)
    _journal_end(tx, row, State.REFUSED, error.code)
    if row.manifest:
        quarantine.keep(tx, row.manifest, error, row.feed.partition(".")[0])
    _forget(tx)


def refuse(tx: Tx, transfer: str, code: str) -> None:
    row = find(tx.conn, transfer)
    if row.state in ALIVE:
        _set(tx, transfer, state=REFUSED, error=code)
        _journal_end(tx, row, State.REFUSED, code)
        _forget(tx)


def refused(tx: Tx, feed: str, name: str, file: bytes, code: str) -> list[str]:
    """The provider does not give the file; returns the transfers that this ends."""
    query = select(_T.transfer).where(
        _T.feed == feed, _T.name == name, _T.sha256 == file.hex(), _T.state.in_(ALIVE)
    )
    ended = list(tx.conn.execute(query).scalars())
    for transfer in ended:
        refuse(tx, transfer, code)
    return ended


def cancel(tx: Tx, transfer: str) -> Row[Any]:
    """Raises FileTransferUnknown."""
    row = find(tx.conn, transfer)
    if row.state in ALIVE:
        _set(tx, transfer, state=CANCELLED, error="")
        _journal_end(tx, row, State.REFUSED, CANCELLED)
    return find(tx.conn, transfer)


def _set(tx: Tx, transfer: str, **values: object) -> None:
    tx.conn.execute(
        update(file_transfers).where(_T.transfer == transfer).values(changed_ms=tx.now_ms, **values)
    )


def _journal_end(tx: Tx, row: Row[Any], state: State, code: str) -> None:
    """One row where it began, one where it ended, whatever the file's size."""
    if row.manifest:
        message = feed_reader.stored_message(tx, row.manifest)
        tx.journal(message, Direction.RECEIVED, state, flow=row.feed, error=code)


def _forget(tx: Tx) -> None:
    """Of those that ended, the newest are kept for people to look at."""
    ended = select(_T.transfer).where(_T.state.not_in(ALIVE)).order_by(_T.changed_ms.desc())
    old = tx.conn.execute(ended.offset(MOST_ENDED_KEPT)).scalars().all()
    if old:
        tx.conn.execute(delete(file_transfers).where(_T.transfer.in_(old)))
