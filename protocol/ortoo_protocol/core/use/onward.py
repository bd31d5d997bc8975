"""Consent to passing on what was received (提供给第三方): asked for, answered, taken back.

Decree 809 art. 25: what was shared goes to no third party, nor into another use, without the
consent of whoever provided it. The Measures (art. 20) know no such consent.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

from ortoo_protocol.core.cases import check_people
from ortoo_protocol.core.catalog.law import MAX_CODE_CHARACTERS
from ortoo_protocol.core.codec import Count, Shape
from ortoo_protocol.core.errors import CaseField, OnwardClause, OnwardMove
from ortoo_protocol.core.ids import HexId, PartyId, check_department
from ortoo_protocol.core.law.profiles import Sharing
from ortoo_protocol.core.use.filled import check_filled


class OnwardAsk(Shape, frozen=True):
    """The reader of `grant` asks to supply a department of `third` with what it makes of it,
    through its own `resource`, until `until_ms`. `clause`: the article under which that can be
    consented to; `form`: in what form it goes on (原样, 汇总, 核验结果)."""

    onward: HexId
    grant: HexId
    resource: str
    third: PartyId
    third_department: str
    clause: str
    basis: str
    purpose: str
    form: str
    until_ms: Count
    handler: str
    approver: str


class OnwardAnswer(Shape, frozen=True):
    """The provider's. `until_ms`: until when, at the latest what was asked for; 0 in a refusal."""

    onward: HexId
    grant: HexId
    consented: bool
    reason: str
    conditions: str
    until_ms: Count
    handler: str
    approver: str


class OnwardRevoked(Shape, frozen=True):
    """The provider takes its consent back."""

    onward: HexId
    grant: HexId
    reason: str
    by: str


class State(enum.Enum):
    NONE = "none"
    ASKED = "asked"
    CONSENTED = "consented"
    REFUSED = "refused"
    REVOKED = "revoked"
    LAPSED = "lapsed"  # its time is over, or its grant ended
    VOID = "void"  # the notary did not take it


class Event(enum.Enum):
    ASK = "ask"
    CONSENT = "consent"
    REFUSE = "refuse"
    REVOKE = "revoke"
    LAPSE = "lapse"
    DROP = "drop"


_S, _E = State, Event

MOVES: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (_S.NONE, _E.ASK): _S.ASKED,
        (_S.ASKED, _E.CONSENT): _S.CONSENTED,
        (_S.ASKED, _E.REFUSE): _S.REFUSED,
        (_S.ASKED, _E.LAPSE): _S.LAPSED,
        (_S.ASKED, _E.DROP): _S.VOID,
        (_S.CONSENTED, _E.REVOKE): _S.REVOKED,
        (_S.CONSENTED, _E.LAPSE): _S.LAPSED,
        (_S.CONSENTED, _E.DROP): _S.VOID,
        (_S.REFUSED, _E.DROP): _S.VOID,
    }
)
OPEN = (State.ASKED.value, State.CONSENTED.value)


def move(state: State, event: Event) -> State:
    """Raises OnwardMove: the table does not list it."""
    try:
        return MOVES[state, event]
    except KeyError:
        raise OnwardMove(state=state.value, event=event.value) from None


def may(state: State, event: Event) -> bool:
    return (state, event) in MOVES


def clause_of(rules: Sharing) -> str:
    """The article under which passing on may be consented to. Raises OnwardClause: there is none,
    and what was received stays where it is."""
    if rules.onward is None:
        raise OnwardClause(clause="-", article=rules.use.article)
    return rules.onward.article


def check_ask(body: OnwardAsk, rules: Sharing, now_ms: int) -> OnwardAsk:
    """Raises OnwardClause, CaseField."""
    clause = clause_of(rules)
    if body.clause != clause:
        raise OnwardClause(clause=body.clause[:100] or "-", article=clause)
    check_people(body.handler, body.approver)
    if body.until_ms <= now_ms:
        raise CaseField(field="until", detail="it lies behind us")
    if len(body.resource) > MAX_CODE_CHARACTERS:
        raise CaseField(field="resource", detail=f"above {MAX_CODE_CHARACTERS} characters")
    check_department(body.third_department)
    return check_filled(body, "resource", "basis", "purpose", "form")


def check_answer(body: OnwardAnswer) -> OnwardAnswer:
    """A refusal says why, a consent until when. Raises CaseField."""
    check_people(body.handler, body.approver)
    if body.consented != bool(body.until_ms):
        raise CaseField(field="until", detail="of a consent, and of nothing else")
    return check_filled(body) if body.consented else check_filled(body, "reason")
