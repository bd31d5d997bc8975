"""What this station does with letters about use, and when they settle or a clock strikes."""

from __future__ import annotations

from collections.abc import Mapping

from ortoo_node import cases
from ortoo_node.corrections import answering, doubting
from ortoo_node.use import announcing, consenting, disposing, recording, suspending
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.use.records import DisposalDeclared
from ortoo_protocol.core.use.suspension import GrantTermination
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.context import ClockHook, Handler, SettledLetter, Tx
from ortoo_protocol.station.corrections import keeping
from ortoo_protocol.station.use.suspensions import RECTIFY


def handlers() -> Mapping[str, Handler]:
    return {
        "grant.suspended": suspending.on_suspended,
        "grant.rectified": suspending.on_rectified,
        "grant.resumed": suspending.on_resumed,
        "grant.terminate": _on_termination,
        "grant.ending": announcing.on_ending,
        "grant.ending-answer": announcing.on_answer,
        "grant.kept": announcing.on_kept,
        "use.ask": recording.on_ask,
        "use.records": recording.on_records,
        "disposal.declared": _on_declared,
        "disposal.asked": disposing.on_asked,
        "disposal.done": disposing.on_done,
        "onward.ask": consenting.on_ask,
        "onward.answer": consenting.on_answer,
        "onward.revoked": consenting.on_revoked,
        "correction.raised": answering.on_raised,
        "correction.detail": answering.on_detail,
        "correction.closed": answering.on_closed,
        "correction.answered": doubting.on_answered,
        "correction.evidence": doubting.on_evidence,
    }


def clocks() -> Mapping[str, ClockHook]:
    return {RECTIFY: suspending.on_clock, keeping.DUTY: keeping.on_clock}


def on_settled(tx: Tx, letter: SettledLetter) -> None:
    suspending.on_settled(tx, letter)
    announcing.on_settled(tx, letter)
    consenting.on_settled(tx, letter)
    answering.on_settled(tx, letter)


def _on_termination(tx: Tx, opened: Opened[Shape]) -> None:
    suspending.on_termination(tx, opened)
    body = as_body(opened, GrantTermination).body
    cases.ended(tx, grants_held.terms_of(grants_held.row(tx, body.grant)).case, body.reason)


def _on_declared(tx: Tx, opened: Opened[Shape]) -> None:
    case = disposing.on_declared(tx, opened)
    if case:
        cases.ended(tx, case, as_body(opened, DisposalDeclared).body.why)
