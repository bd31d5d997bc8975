"""Consent to passing on, at both stations (core.use.onward)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from ortoo_node import granting
from ortoo_node.catalog import mirror
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import CaseField, CatalogOwner, EnvelopeSender, GrantUnknown
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.core.use.filled import check_filled
from ortoo_protocol.core.use.onward import (
    OnwardAnswer,
    OnwardAsk,
    OnwardRevoked,
    check_answer,
    clause_of,
)
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.context import SettledLetter, Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.onward_tables import onward_consents
from ortoo_protocol.station.store.tables import grants
from ortoo_protocol.station.use import consents

OVER = "转供同意已终止"
BY_ITSELF = "系统自动"


def ask(tx: Tx, grant: str, **said: Any) -> str:
    """Ask the provider of a grant that is read here; returns the number of what is asked for.

    `said`: the fields of OnwardAsk but its number, grant and clause. Raises GrantUnknown,
    CatalogUnknown, CatalogOwner, and what `consents.asked` raises.
    """
    row = grants_held.row(tx, grant)
    if row.reader != tx.party:
        raise GrantUnknown(grant=grant)
    if mirror.entry(tx.conn, said["resource"]).provider != tx.party:
        raise CatalogOwner(resource=said["resource"])
    clause = clause_of(profile_named(tx.trust.profile).sharing)
    _check_others(tx, grant, said["resource"], (said["third"], said["third_department"]))
    body = OnwardAsk(onward=tx.new_id().hex(), grant=grant, clause=clause, **said)
    letter = send(tx, row.provider, body, case=grants_held.terms_of(row).case)
    consents.asked(tx, body, tx.party, letter)
    return body.onward


def answer(
    tx: Tx,
    onward: str,
    consented: bool,
    *,
    reason: str,
    conditions: str,
    until_ms: int,
    handler: str,
    approver: str,
) -> None:
    """The provider's word. `until_ms` 0: as long as was asked for. Raises OnwardUnknown,
    GrantUnknown, OnwardClause, CaseField, OnwardMove."""
    known = consents.find(tx.conn, onward)
    row = _own(tx, known.grant, "provider")
    if consented:
        clause_of(profile_named(tx.trust.profile).sharing)
        until_ms = until_ms or known.asked_until_ms
    body = check_answer(
        OnwardAnswer(
            onward=onward,
            grant=known.grant,
            consented=consented,
            reason=reason,
            conditions=conditions,
            until_ms=until_ms,
            handler=handler,
            approver=approver,
        )
    )
    letter = send(tx, row.reader, body, case=grants_held.terms_of(row).case)
    consents.answered(tx, body, tx.party, letter)


def revoke(tx: Tx, onward: str, reason: str, by: str) -> None:
    """Raises OnwardUnknown, GrantUnknown, CaseField, OnwardMove."""
    known = consents.find(tx.conn, onward)
    row = _own(tx, known.grant, "provider")
    body = check_filled(
        OnwardRevoked(onward=onward, grant=known.grant, reason=reason, by=by), "reason", "by"
    )
    letter = send(tx, row.reader, body, case=grants_held.terms_of(row).case)
    consents.revoked(tx, body, tx.party, letter)


def lapse(tx: Tx) -> list[str]:
    """What has run out ends, and with it what was passed on under it to others; returns the cases
    of grants that ended."""
    consents.lapse(tx)
    passed_on = select(onward_consents.c.resource).where(onward_consents.c.until_ms > 0)
    ours = select(grants).where(
        grants.c.provider == tx.party, grants.c.ended_ms.is_(None), grants.c.resource.in_(passed_on)
    )
    over = []
    for row in tx.conn.execute(ours).all():
        if consents.uncovered(tx, row.resource, row.reader, row.reader_department) is not None:
            granting.end(tx, row.grant, OVER, BY_ITSELF, settled=True)
            over.append(grants_held.terms_of(row).case)
    return over


def on_ask(tx: Tx, opened: Opened[Shape]) -> None:
    body, sender = as_body(opened, OnwardAsk).body, opened.header.sender
    _from(tx, body.grant, sender, "reader")
    if sender != tx.party:
        consents.asked(tx, body, sender)


def on_answer(tx: Tx, opened: Opened[Shape]) -> None:
    body, sender = check_answer(as_body(opened, OnwardAnswer).body), opened.header.sender
    _from(tx, body.grant, sender, "provider")
    if sender != tx.party:
        consents.answered(tx, body, sender)


def on_revoked(tx: Tx, opened: Opened[Shape]) -> None:
    body, sender = as_body(opened, OnwardRevoked).body, opened.header.sender
    check_filled(body, "reason", "by")
    _from(tx, body.grant, sender, "provider")
    if sender != tx.party:
        consents.revoked(tx, body, sender)


def on_settled(tx: Tx, letter: SettledLetter) -> None:
    """The notary did not take it."""
    if letter.kind in ("onward.ask", "onward.answer") and letter.status == "refused":
        consents.void(tx, letter.id)


def _check_others(tx: Tx, grant: str, resource: str, third: tuple[str, str]) -> None:
    """Whoever reads the resource already would lose it by the consent, which does not name him.
    Raises CaseField."""
    rules = profile_named(tx.trust.profile).sharing
    named = {third} | {
        (each.third, each.third_department)
        for each in consents.in_force(tx.conn, rules, tx.now_ms)
        if (each.resource, each.grant) == (resource, grant)
    }
    given = select(grants).where(
        grants.c.provider == tx.party, grants.c.resource == resource, grants_held.live(tx.now_ms)
    )
    if any((row.reader, row.reader_department) not in named for row in tx.conn.execute(given)):
        raise CaseField(field="resource", detail="it is granted to others; name one of its own")


def _own(tx: Tx, grant: str, side: str) -> Row[Any]:
    row = grants_held.row(tx, grant)
    if getattr(row, side) != tx.party:
        raise GrantUnknown(grant=grant)
    return row


def _from(tx: Tx, grant: str, sender: str, side: str) -> None:
    row = grants_held.row(tx, grant)
    if getattr(row, side) != sender:
        raise EnvelopeSender(sender=sender, owner=getattr(row, side))
