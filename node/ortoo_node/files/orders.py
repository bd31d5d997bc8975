"""Tables ordered as files, in the store of both ends: who, under which grant, for what, how.

    open ── the provider made the file ──> made ── kept long enough, or the grant ended ──> removed
      └──── it cannot be, or may not ────> refused

Where it was ordered, `made` means that it is fetched, as the transfer `transfer`; `removed` is the
provider's alone. Rows are never deleted: they are the record of downloads (Measures art. 24).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from ortoo_node.files import transfers
from ortoo_node.files.contents import Known, learn
from ortoo_node.files.transfers import Wanted
from ortoo_node.store.tables import file_hashes, file_orders
from ortoo_node.use import purpose
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import (
    CaseField,
    FileOrders,
    FileOrderUnknown,
    FileUnfit,
    GrantEnded,
    GrantUnknown,
    OrtooError,
    QueryMode,
)
from ortoo_protocol.core.files import FileMade, FileNotMade, FileOrder, check_name, ordered_name
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.ids import is_code
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.core.queries import only_query
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.context import SettledLetter, Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.tables import grants
from ortoo_protocol.station.use import suspensions

ASKED, MADE_FOR = "asked", "made for"  # roles: what this station ordered, what it makes for others
OPEN, MADE, REFUSED, REMOVED = "open", "made", "refused", "removed"
MOST_OPEN_A_GRANT = 4
MOST_LISTED = 1_000
MADE_FOLDER = ".made"  # among known files; no name that settings could give a folder
_O = file_orders.c


@dataclass(frozen=True)
class Made:
    """A file that was made: `rows` as they stood after item `seq`."""

    known: Known
    rows: int
    incarnation: int
    seq: int


def _terms(tx: Tx, row: Row[Any] | None, order: FileOrder) -> GrantTerms:
    """The terms that an order is under. Raises GrantUnknown, GrantEnded, QueryMode, UsePurpose."""
    if row is None:
        raise GrantUnknown(grant=order.grant)
    over = row.until_ms and row.until_ms <= tx.now_ms
    if row.ended_ms is not None or over or row.from_ms > tx.now_ms:
        raise GrantEnded(grant=order.grant, reason=row.end_reason or "-")
    terms = grants_held.terms_of(row)
    if only_query(terms.mode):
        raise QueryMode(detail=terms.mode[:100])
    suspensions.check(tx.conn, order.grant)
    purpose.check(order.purpose, terms, profile_named(tx.trust.profile).sharing)
    return terms


def find(conn: Connection, role: str, order: str) -> Row[Any]:
    """Raises FileOrderUnknown."""
    row = conn.execute(select(file_orders).where(_O.role == role, _O.order == order)).first()
    if row is None:
        raise FileOrderUnknown(order=order)
    return row


def in_order() -> Select[Any]:
    """Of both roles, the newest first."""
    return select(file_orders).order_by(_O.asked_ms.desc(), _O.order, _O.role)


def listed(conn: Connection) -> Sequence[Row[Any]]:
    return conn.execute(in_order().limit(MOST_LISTED)).all()


# --- the reader ---------------------------------------------------------------------------------


def ask(tx: Tx, order: FileOrder, target: Path) -> str:
    """Order a file for `target`; returns the order, or the open one of the same.

    Raises GrantUnknown, GrantEnded, QueryMode, UsePurpose: what is refused at home needs no
    journey.
    """
    query = select(grants).where(grants.c.grant == order.grant, grants.c.reader == tx.party)
    terms = _terms(tx, tx.conn.execute(query).first(), order)
    same = select(_O.order).where(
        _O.role == ASKED,
        _O.grant == order.grant,
        _O.form == order.form,
        _O.target == str(target),
        _O.state == OPEN,
    )
    under_way = tx.conn.execute(same).scalar()
    if under_way is not None:
        return str(under_way)
    letter = send(tx, terms.provider, order, case=terms.case)
    _keep(tx, ASKED, terms.provider, order, terms, letter, str(target))
    return order.order


def came(tx: Tx, sender: str, made: FileMade) -> str:
    """What was ordered can be fetched; returns its transfer, empty if nobody waits for it.

    Raises FileUnfit: it is not what was ordered, or not of whom.
    """
    row = _waiting(tx, sender, made.order)
    if row is None:
        return ""
    if made.feed != row.feed:
        raise FileUnfit(file=made.order, detail=f"it is of {made.feed}")
    wanted = Wanted(
        resource=row.resource,
        feed=row.feed,
        grant=row.grant,
        name=check_name(made.name),
        sha256=made.file.hex(),
        size_bytes=made.size_bytes,
        target=Path(row.target),
    )
    transfer = transfers.begin(tx, wanted)
    _move(tx, row, MADE, transfer=transfer, rows=made.rows, seq=made.seq, **_contents(made))
    return transfer


def _contents(made: FileMade) -> dict[str, Any]:
    return {
        "name": made.name,
        "sha256": made.file.hex(),
        "size_bytes": made.size_bytes,
        "incarnation": made.incarnation,
    }


def on_not_made(tx: Tx, opened: Opened[Shape]) -> None:
    """Raises FileUnfit: another station answers, or what it says is no code."""
    letter = as_body(opened, FileNotMade)
    refusal = letter.body
    if not is_code(refusal.error):  # people see it as it stands
        raise FileUnfit(file=refusal.order, detail="its refusal is no code")
    row = _waiting(tx, letter.header.sender, refusal.order)
    if row is not None:
        _move(tx, row, REFUSED, error=refusal.error, detail=refusal.detail[:500])


def on_settled(tx: Tx, letter: SettledLetter) -> None:
    """An order that its provider's station refused as a letter."""
    if letter.kind != "file.order" or letter.status != "refused":
        return
    query = select(file_orders).where(_O.role == ASKED, _O.letter == letter.id, _O.state == OPEN)
    row = tx.conn.execute(query).first()
    if row is not None:
        _move(tx, row, REFUSED, error=letter.error)


def _waiting(tx: Tx, sender: str, order: str) -> Row[Any] | None:
    query = select(file_orders).where(_O.role == ASKED, _O.order == order)
    row = tx.conn.execute(query).first()
    if row is not None and row.peer != sender:
        raise FileUnfit(file=order, detail=f"{row.peer} was asked, {sender} answers")
    return row if row is not None and row.state == OPEN else None


# --- the provider -------------------------------------------------------------------------------


def take(tx: Tx, sender: str, order: FileOrder, letter: bytes) -> None:
    """Note what is to be made. Raises GrantUnknown, GrantEnded, QueryMode, UsePurpose,
    FileOrders, CaseField."""
    query = select(grants).where(
        grants.c.grant == order.grant,
        grants.c.reader == sender,
        grants.c.provider == tx.party,
    )
    terms = _terms(tx, tx.conn.execute(query).first(), order)
    used = select(_O.order).where(_O.role == MADE_FOR, _O.peer == sender, _O.order == order.order)
    if tx.conn.execute(used).first():
        raise CaseField(field="order", detail="this number was used before")
    waiting = select(func.count()).where(
        _O.role == MADE_FOR, _O.grant == order.grant, _O.state == OPEN
    )
    if (tx.conn.execute(waiting).scalar() or 0) >= MOST_OPEN_A_GRANT:
        raise FileOrders(detail=str(MOST_OPEN_A_GRANT))
    _keep(tx, MADE_FOR, sender, order, terms, letter, "")


def next_open(conn: Connection) -> Row[Any] | None:
    """The oldest order that is to be made here."""
    query = select(file_orders).where(_O.role == MADE_FOR, _O.state == OPEN)
    return conn.execute(query.order_by(_O.asked_ms, _O.order).limit(1)).first()


def made(tx: Tx, order: str, file: Made) -> None:
    """The file is whole on the disk: its reader is told."""
    row = find(tx.conn, MADE_FOR, order)
    learn(tx.conn, MADE_FOLDER, [(row.name, file.known)])
    body = FileMade(
        order=order,
        feed=row.feed,
        name=row.name,
        file=bytes.fromhex(file.known.sha256),
        size_bytes=file.known.stamp.size,
        rows=file.rows,
        incarnation=file.incarnation,
        seq=file.seq,
    )
    _move(tx, row, MADE, rows=file.rows, seq=file.seq, **_contents(body))
    send(tx, row.peer, body, case=_case(tx, row), causation=row.letter)


def not_made(tx: Tx, order: str, error: OrtooError) -> None:
    row = find(tx.conn, MADE_FOR, order)
    _move(tx, row, REFUSED, error=error.code, detail=str(error.facts.get("detail", "")))
    refuse(tx, row.peer, order, error, _case(tx, row))


def refuse(tx: Tx, asker: str, order: str, error: OrtooError, case: str | None = None) -> None:
    """Only what `detail` says travels beside the code."""
    detail = str(error.facts.get("detail", ""))[:500]
    send(tx, asker, FileNotMade(order=order, error=error.code, detail=detail), case=case)


def note(tx: Tx, order: str, error: str) -> None:
    """Why it is not made yet."""
    tx.conn.execute(
        update(file_orders)
        .where(_O.role == MADE_FOR, _O.order == order, _O.state == OPEN)
        .values(error=error)
    )


def is_made(conn: Connection, asker: str, grant: str, name: str, sha256: str) -> bool:
    """Whether this file was made for `asker` under `grant`, and is still kept."""
    query = select(_O.order).where(
        _O.role == MADE_FOR,
        _O.peer == asker,
        _O.grant == grant,
        _O.name == name,
        _O.sha256 == sha256,
        _O.state == MADE,
    )
    return conn.execute(query).first() is not None


def remove_old(tx: Tx, before_ms: int) -> list[str]:
    """Files that were made before `before_ms`, or whose grant is over, are kept no longer; returns
    the names of all that are not kept, so that a file which a crash left is found too."""
    dead = select(grants.c.grant).where(~grants_held.live(tx.now_ms))
    mine = (_O.role == MADE_FOR) & (_O.state == MADE)
    tx.conn.execute(
        update(file_orders)
        .where(mine & ((_O.changed_ms < before_ms) | _O.grant.in_(dead)))
        .values(state=REMOVED, changed_ms=tx.now_ms)
    )
    kept = select(_O.name).where(mine)
    known = file_hashes.c
    tx.conn.execute(
        file_hashes.delete().where(known.folder == MADE_FOLDER, known.name.not_in(kept))
    )
    return list(tx.conn.execute(kept).scalars())


# --- both ---------------------------------------------------------------------------------------


def _keep(
    tx: Tx, role: str, peer: str, order: FileOrder, terms: GrantTerms, letter: bytes, target: str
) -> None:
    values = {
        "role": role,
        "peer": peer,
        "order": order.order,
        "grant": terms.grant,
        "resource": terms.resource,
        "feed": terms.feed,
        "department": terms.reader_department,
        "form": order.form,
        "purpose": order.purpose,
        "handler": order.handler,
        "letter": letter,
        "target": target,
        "name": ordered_name(order.order, terms.resource, order.form),
        "sha256": "",
        "size_bytes": 0,
        "rows": 0,
        "incarnation": 0,
        "seq": 0,
        "transfer": "",
        "state": OPEN,
        "error": "",
        "detail": "",
        "asked_ms": tx.now_ms,
        "changed_ms": tx.now_ms,
    }
    tx.conn.execute(insert(file_orders).values(values))


def _move(tx: Tx, row: Row[Any], state: str, *, error: str = "", **values: Any) -> None:
    tx.conn.execute(
        update(file_orders)
        .where(_O.role == row.role, _O.peer == row.peer, _O.order == row.order)
        .values(state=state, error=error, changed_ms=tx.now_ms, **values)
    )


def _case(tx: Tx, row: Row[Any]) -> str:
    return grants_held.terms_of(grants_held.row(tx, row.grant)).case
