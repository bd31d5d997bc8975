"""The letters of a share request (共享申请), and what each must hold whatever the profile says."""

from __future__ import annotations

from ortoo_protocol.core.cases.table import RULINGS, SPOKEN, STEPS, Event, Need, State
from ortoo_protocol.core.catalog.names import is_among, says_nothing
from ortoo_protocol.core.codec import Count, Shape
from ortoo_protocol.core.errors import CaseField, CaseReason
from ortoo_protocol.core.grants import check_id, check_texts
from ortoo_protocol.core.ids import ColumnName, Digest, HexId, PartyId, check_department
from ortoo_protocol.core.law.instants import check_times

MAX_ATTACHMENTS = 8
MAX_ATTACHMENT_BYTES = 8 << 20
ATTACHMENT_PART_BYTES = 512 << 10
MAX_ATTACHMENT_NAME_CHARACTERS = 200
MEDIA_TYPES = frozenset(("application/pdf", "image/jpeg", "image/png"))
MAX_MISSING = 50
AUTOMATIC = "系统自动"  # who acts when no person does


class Attachment(Shape, frozen=True):
    """附件: a scan that comes in letters of its own; `hash` is the suite's, of all its bytes."""

    name: str
    media_type: str
    size_bytes: Count
    hash: Digest


class Application(Shape, frozen=True, omit_defaults=True):
    """申请. For an unconditional resource the same letter is a subscription: answered at once.
    Applications of one paper bear one `group`."""

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
    group: str = ""
    contact: str = ""
    share_type: Count = 0  # as the applicant's catalog says; 0: not said
    attachments: tuple[Attachment, ...] = ()


class Completion(Shape, frozen=True):
    """补正: the application anew, whole, under the number of its case."""

    application: Application
    note: str


class AttachmentPart(Shape, frozen=True):
    """Part `part` of `parts` (from 0) of attachment `position`; its bytes are the second part of
    the letter. `hash`: of the whole scan, so that a late part of one that a completion replaced is
    not taken for one of the new."""

    case: HexId
    position: Count
    part: Count
    parts: Count
    hash: Digest


class Answer(Shape, frozen=True, omit_defaults=True):
    """答复. A refusal states its reason, and where the profile asks for it the legal ground; a yes
    is followed by the grant it names. With `conditions` the grant opens once they are accepted."""

    case: HexId
    outcome: str  # granted | refused
    reason: str
    grant: str
    items: tuple[ColumnName, ...]
    handler: str
    approver: str
    ground_kind: str = ""  # 法律 | 行政法规 | 国务院决定
    ground: str = ""
    conditions: str = ""


class Withdrawal(Shape, frozen=True):
    """撤回: the applicant no longer asks."""

    case: HexId
    reason: str
    handler: str


class CaseStep(Shape, frozen=True):
    """A step of applicant or provider that has no letter of its own; `missing`: what a returned
    application lacks (一次性告知)."""

    case: HexId
    event: str
    reason: str
    missing: tuple[str, ...]
    handler: str
    approver: str


class Ruling(Shape, frozen=True):
    """A step of the authority (协调处理意见), told to both sides."""

    case: HexId
    event: str
    reason: str
    handler: str
    approver: str


class Record(Shape, frozen=True):
    """The notary's record of one event, told to both sides: its place in the order of the case,
    its legal instant, and the state that it led to."""

    case: HexId
    number: Count
    event: str
    party: PartyId
    state: str
    time_ms: Count


class Records(Shape, frozen=True):
    """What was recorded together."""

    records: tuple[Record, ...]


class CaseStanding(Shape, frozen=True):
    case: HexId
    state: str


class Standings(Shape, frozen=True):
    """What a station holds of its cases, for the hub to compare."""

    cases: tuple[CaseStanding, ...]


class Compared(Shape, frozen=True):
    """The hub's states of the cases it was asked about, in that order; empty: unknown there."""

    cases: tuple[CaseStanding, ...]


# --- checks -------------------------------------------------------------------------------------


def check_application(application: Application) -> Application:
    check_texts(application)
    check_times(application)
    check_id(application.case, "case")
    check_department(application.department)
    for field in ("purpose", "basis", "scenario", "handler", "approver"):
        if not getattr(application, field).strip():
            raise CaseField(field=field, detail="empty")
    check_people(application.handler, application.approver)
    if application.group:
        check_id(application.group, "group")
    _check_attachments(application.attachments)
    return application


def _check_attachments(attachments: tuple[Attachment, ...]) -> None:
    if len(attachments) > MAX_ATTACHMENTS:
        raise CaseField(field="attachments", detail=f"above {MAX_ATTACHMENTS}")
    for each in attachments:
        name = each.name
        if not name.strip() or len(name) > MAX_ATTACHMENT_NAME_CHARACTERS or not name.isprintable():
            raise CaseField(field="attachments", detail="its name")
        if each.media_type not in MEDIA_TYPES:
            raise CaseField(field="attachments", detail="a PDF, JPEG or PNG")
        if not 0 < each.size_bytes <= MAX_ATTACHMENT_BYTES:
            raise CaseField(field="attachments", detail=f"above {MAX_ATTACHMENT_BYTES >> 20} MiB")


def check_completion(completion: Completion) -> Completion:
    check_texts(completion)
    check_application(completion.application)
    return completion


def check_part(part: AttachmentPart) -> AttachmentPart:
    most = -(-MAX_ATTACHMENT_BYTES // ATTACHMENT_PART_BYTES)
    if part.position >= MAX_ATTACHMENTS or not part.part < part.parts <= most:
        raise CaseField(field="attachments", detail=f"part {part.part} of {part.parts}")
    return part


def check_answer(answer: Answer) -> Answer:
    check_texts(answer)
    check_id(answer.case, "case")
    if answer.outcome not in ("granted", "refused"):
        raise CaseField(field="outcome", detail=answer.outcome)
    if answer.outcome == "refused" and says_nothing(answer.reason):
        raise CaseReason()
    if answer.outcome == "refused":
        check_people(answer.handler, answer.approver)
    else:
        check_id(answer.grant, "grant")
    return answer


def check_withdrawal(withdrawal: Withdrawal) -> Withdrawal:
    check_texts(withdrawal)
    if not withdrawal.handler.strip():
        raise CaseField(field="handler", detail="empty")
    _check_reason(Event.WITHDRAW, withdrawal.reason)
    return withdrawal


def check_step(step: CaseStep) -> CaseStep:
    """Refuse a step that is none, or that leaves out what the table says it needs."""
    check_texts(step)
    event = _event(step.event)
    if event not in SPOKEN:
        raise CaseField(field="event", detail=step.event[:32])
    if STEPS[event].approved:
        check_people(step.handler, step.approver)
    elif not step.handler.strip():
        raise CaseField(field="handler", detail="empty")
    _check_reason(event, step.reason)
    lacking = Need.MISSING in STEPS[event].needs
    if lacking != bool(step.missing) or len(step.missing) > MAX_MISSING:
        raise CaseField(field="missing", detail="what is missing, all at once")
    if any(not each.strip() or len(each) > 500 for each in step.missing):
        raise CaseField(field="missing", detail="empty, or above 500 characters")
    return step


def check_ruling(ruling: Ruling) -> Ruling:
    check_texts(ruling)
    event = _event(ruling.event)
    if event not in RULINGS:
        raise CaseField(field="event", detail=ruling.event[:32])
    check_people(ruling.handler, ruling.approver)
    _check_reason(event, ruling.reason)
    return ruling


def check_record(record: Record) -> Record:
    """The notary counts from 1, and clocks run from its instants."""
    check_times(record)
    for field in ("number", "time_ms"):
        if not getattr(record, field):
            raise CaseField(field=field, detail="0")
    _event(record.event)
    check_state(record.state)
    return record


def check_state(state: str) -> State:
    try:
        return State(state)
    except ValueError:
        raise CaseField(field="state", detail=state[:32]) from None


def _event(name: str) -> Event:
    try:
        return Event(name)
    except ValueError:
        raise CaseField(field="event", detail=name[:32]) from None


def _check_reason(event: Event, reason: str) -> None:
    if Need.REASON in STEPS[event].needs and says_nothing(reason):
        raise CaseField(field="reason", detail="empty")


def check_people(handler: str, approver: str) -> None:
    """Two persons, and no person is called as the software is: what it does alone is nobody's
    answer time, and nobody approves it. Raises CaseField."""
    for field, name in (("handler", handler), ("approver", approver)):
        if not name.strip():
            raise CaseField(field=field, detail="empty")
        if is_among(name, (AUTOMATIC,)):
            raise CaseField(field=field, detail="that is no person")
    if is_among(approver, (handler,)):
        raise CaseField(field="approver", detail="the handler cannot approve")
