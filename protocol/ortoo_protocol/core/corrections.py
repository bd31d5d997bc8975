"""Corrections (校核): a reader doubts a row, the provider answers with evidence, the corrected row
flows and closes the case (Measures art. 21, Decree 809 art. 26).

The case itself (who, which resource, until when, what was answered) is notarised. Rows, values and
evidence are sealed to the other side; they pass the hub unopened, so that they arrive when the
grant has ended too.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

from ortoo_protocol.core.codec import Count, Packed, Shape
from ortoo_protocol.core.errors import CaseField, CorrectionMove
from ortoo_protocol.core.ids import ColumnName, FeedId, HexId, PartyId
from ortoo_protocol.core.use.filled import check_filled

S = TypeVar("S", bound=Shape)
WRONG, DOUBTFUL, MISSING = "wrong", "doubtful", "missing"  # 错误, 疑义, 缺失
ABOUT = (WRONG, DOUBTFUL, MISSING)
CORRECTED, RIGHT, PASSED = "corrected", "right", "passed"  # 已更正, 经核实无误, 转数源部门
OUTCOMES = (CORRECTED, RIGHT, PASSED)
APPLIED, ACCEPTED, WITHDRAWN, ENDED = "applied", "accepted", "withdrawn", "grant-ended"
CLOSINGS = (APPLIED, ACCEPTED, WITHDRAWN, ENDED)
MAX_EVIDENCE_BYTES = 512 << 10
MAX_FIELDS = 200


class CorrectionRaised(Shape, frozen=True):
    """校核申请. `found_ms`: when it was discovered; `late`: reported after the days for that."""

    correction: HexId
    grant: HexId
    resource: str
    provider: PartyId
    provider_department: str
    reader: PartyId
    reader_department: str
    about: str
    fields: Count
    found_ms: Count
    late: bool
    by: str


class FieldDoubt(Packed, frozen=True):
    """What was seen and what is expected, as people wrote it."""

    column: ColumnName
    seen: str
    expected: str


class CorrectionDetail(Shape, frozen=True):
    """`key`: the row's key as it stands in `feed`, msgpack array; `seq`: the item up to which the
    reader had applied. The second part of the letter, if there is one, is evidence."""

    correction: HexId
    feed: FeedId
    incarnation: Count
    seq: Count
    key: bytes
    fields: tuple[FieldDoubt, ...]
    text: str
    evidence: str  # its name


class CorrectionAnswered(Shape, frozen=True):
    """校核处理结果. `corrected`: the row stands so from item `seq` of `feed` on (0: it is no row of
    a feed); `passed`: `source` is the department whose data they are (数源部门)."""

    correction: HexId
    outcome: str
    reason: str
    incarnation: Count
    seq: Count
    source: str
    handler: str
    approver: str


class CorrectionEvidence(Shape, frozen=True):
    """What the answer rests on; the second part of the letter is the evidence itself."""

    correction: HexId
    text: str
    evidence: str


class CorrectionClosed(Shape, frozen=True):
    """By the reader's station when it has applied item `seq`, or by its people."""

    correction: HexId
    how: str
    seq: Count
    reason: str
    by: str


class State(enum.Enum):
    NONE = "none"
    RAISED = "raised"
    OVERDUE = "overdue"
    CORRECTED = "corrected"
    RIGHT = "right"
    PASSED = "passed"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Event(enum.Enum):
    RAISE = "raise"
    ESCALATE = "escalate"
    CORRECT = "corrected"
    CONFIRM = "right"
    REFER = "passed"
    APPLY = "applied"
    ACCEPT = "accepted"
    WITHDRAW = "withdrawn"
    END = "grant-ended"


_S, _E = State, Event
_ANSWERS = {_E.CORRECT: _S.CORRECTED, _E.CONFIRM: _S.RIGHT, _E.REFER: _S.PASSED}

MOVES: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (_S.NONE, _E.RAISE): _S.RAISED,
        (_S.RAISED, _E.ESCALATE): _S.OVERDUE,
        **{
            (state, event): after
            for state in (_S.RAISED, _S.OVERDUE)
            for event, after in {**_ANSWERS, _E.WITHDRAW: _S.WITHDRAWN}.items()
        },
        (_S.CORRECTED, _E.APPLY): _S.CLOSED,
        (_S.CORRECTED, _E.END): _S.CLOSED,  # the row flows no more: the reader's people see to it
        **{(state, _E.ACCEPT): _S.CLOSED for state in (_S.CORRECTED, _S.RIGHT, _S.PASSED)},
    }
)
ANSWERS, ENDINGS = tuple(_ANSWERS), (_E.ACCEPT, _E.WITHDRAW)  # by people, of either side
OPEN = (State.RAISED.value, State.OVERDUE.value)
ANSWERED = (State.CORRECTED.value, State.RIGHT.value, State.PASSED.value)


def move(state: State, event: Event) -> State:
    """Raises CorrectionMove: the table does not list it."""
    try:
        return MOVES[state, event]
    except KeyError:
        raise CorrectionMove(state=state.value, event=event.value) from None


def check_raised(body: CorrectionRaised) -> CorrectionRaised:
    """Raises CaseField."""
    check_filled(body, "by")
    return _among(body, "about", ABOUT)


def check_detail(body: CorrectionDetail) -> CorrectionDetail:
    """Raises CaseField."""
    check_filled(body, "text")
    if len(body.fields) > MAX_FIELDS or len(body.key) > 4_096:
        raise CaseField(field="fields", detail="too many, or too long a key")
    return body


def check_answered(body: CorrectionAnswered) -> CorrectionAnswered:
    """An answer says why, and whose the data are if not its own. Raises CaseField."""
    check_filled(body, "reason", "handler", "approver")
    _among(body, "outcome", OUTCOMES)
    if body.outcome == PASSED and not body.source.strip():
        raise CaseField(field="source", detail="whose data are they?")
    if body.handler == body.approver:
        raise CaseField(field="approver", detail="the handler cannot approve")
    return body


def check_closed(body: CorrectionClosed) -> CorrectionClosed:
    """Raises CaseField."""
    check_filled(body, "by")
    return _among(body, "how", CLOSINGS)


def _among(body: S, field: str, values: tuple[str, ...]) -> S:
    if getattr(body, field) not in values:
        raise CaseField(field=field, detail=f"one of {', '.join(values)}")
    return body
