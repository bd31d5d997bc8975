"""Share requests (共享申请): the bodies, and the machine as one table (Measures art. 19)."""

from __future__ import annotations

import enum
from types import MappingProxyType

from ortoo_protocol.core.codec import Count, Shape
from ortoo_protocol.core.errors import CaseField, CaseMove, CaseReason
from ortoo_protocol.core.grants import check_id, check_texts
from ortoo_protocol.core.ids import ColumnName, HexId, check_department


class Application(Shape, frozen=True):
    """申请. For an unconditional resource the same letter is a subscription: answered at once."""

    case: HexId
    resource: str
    department: str
    department_name: str
    items: tuple[ColumnName, ...]
    row_filter: str
    purpose: str
    basis: str
    scenario: str
    mode: str
    until_ms: Count
    handler: str
    approver: str


class Answer(Shape, frozen=True):
    """答复. A refusal states its reason; a yes is followed by the grant it names."""

    case: HexId
    outcome: str  # granted | refused
    reason: str
    grant: str
    items: tuple[ColumnName, ...]
    handler: str
    approver: str


class Withdrawal(Shape, frozen=True):
    """撤回: the applicant no longer asks."""

    case: HexId
    reason: str
    handler: str


class State(enum.Enum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"


class Event(enum.Enum):
    SUBMIT = "submit"
    GRANT = "grant"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    END = "end"


# Everything that affects the machine stands here; what is not listed is refused.
MOVES = MappingProxyType(
    {
        (State.DRAFT, Event.SUBMIT): State.SUBMITTED,
        (State.SUBMITTED, Event.GRANT): State.GRANTED,
        (State.SUBMITTED, Event.REFUSE): State.REFUSED,
        (State.SUBMITTED, Event.WITHDRAW): State.WITHDRAWN,
        (State.GRANTED, Event.END): State.ENDED,
    }
)


def move(state: State, event: Event) -> State:
    """The state after `event`; raises CaseMove when the table does not list it."""
    try:
        return MOVES[state, event]
    except KeyError:
        raise CaseMove(state=state.value, event=event.value) from None


def check_application(application: Application) -> Application:
    check_texts(application)
    check_id(application.case, "case")
    check_department(application.department)
    for field in ("purpose", "basis", "scenario", "handler", "approver"):
        if not getattr(application, field).strip():
            raise CaseField(field=field, detail="empty")
    if application.handler == application.approver:
        raise CaseField(field="approver", detail="the handler cannot approve")
    return application


def check_answer(answer: Answer) -> Answer:
    check_texts(answer)
    check_id(answer.case, "case")
    if answer.outcome not in ("granted", "refused"):
        raise CaseField(field="outcome", detail=answer.outcome)
    if answer.outcome == "refused" and not answer.reason.strip():
        raise CaseReason()
    if answer.outcome == "granted":
        check_id(answer.grant, "grant")
    return answer


def check_withdrawal(withdrawal: Withdrawal) -> Withdrawal:
    check_texts(withdrawal)
    return withdrawal
