"""Use records (使用记录) and disposal (处置): what was done with what was received, and its end.

Decree 809 art. 29: scenario, process, effect, storage and destruction are recorded; provider and
authority may look. Art. 27: when the purpose is met, cannot be met, or is no longer needed, data
are disposed of as the provider asks.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

from ortoo_protocol.core.codec import Count, Packed, Shape
from ortoo_protocol.core.errors import CaseField, DisposalMove
from ortoo_protocol.core.ids import HexId
from ortoo_protocol.core.use.filled import check_filled

MET, IMPOSSIBLE, UNNEEDED = "met", "impossible", "unneeded"  # 已实现, 无法实现, 不再必要
WHY = (MET, IMPOSSIBLE, UNNEEDED)
ROWS, QUERIES, DOWNLOADS = "rows", "queries", "downloads"
MOST_RECORDS, MOST_DAYS = 500, 1_500


class UseRecord(Packed, frozen=True):
    """By the reader's people: 使用场景, 使用过程, 应用成效, 存储情况, 销毁情况."""

    record: HexId
    time_ms: Count
    scenario: str
    process: str
    effect: str
    storage: str
    destruction: str
    by: str


class UseDay(Packed, frozen=True):
    """By the reader's station: on `day` (ISO 8601), how often and how much (rows, bytes of
    downloads)."""

    day: str
    how: str
    times: Count
    amount: Count


class UseAsk(Shape, frozen=True):
    """查阅: of one grant, by its provider or by the authority."""

    ask: HexId
    grant: HexId
    reason: str
    by: str


class UseRecords(Shape, frozen=True):
    """The newest of each; `cut`: there are more."""

    ask: HexId
    grant: HexId
    purpose: str
    records: tuple[UseRecord, ...]
    days: tuple[UseDay, ...]
    cut: bool


class DisposalDeclared(Shape, frozen=True):
    """The reader needs the data no longer; its provider ends the grant on that."""

    disposal: HexId
    grant: HexId
    why: str
    detail: str
    by: str


class DisposalAsked(Shape, frozen=True):
    """The provider's requirements, to be met within `days` working days."""

    disposal: HexId
    grant: HexId
    requirements: str
    days: Count
    by: str


class DisposalDone(Shape, frozen=True):
    """Destroyed: what, how, with what evidence, by whom."""

    disposal: HexId
    grant: HexId
    what: str
    how: str
    evidence: str
    done_ms: Count
    by: str


class State(enum.Enum):
    NONE = "none"
    DECLARED = "declared"
    ASKED = "asked"
    DONE = "done"


class Event(enum.Enum):
    DECLARE = "declare"
    ASK = "ask"
    DESTROY = "destroy"


_S, _E = State, Event

MOVES: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (_S.NONE, _E.DECLARE): _S.DECLARED,
        (_S.NONE, _E.ASK): _S.ASKED,
        (_S.DECLARED, _E.ASK): _S.ASKED,
        (_S.ASKED, _E.ASK): _S.ASKED,
        (_S.ASKED, _E.DECLARE): _S.ASKED,
        (_S.DECLARED, _E.DESTROY): _S.DONE,
        (_S.ASKED, _E.DESTROY): _S.DONE,
    }
)


def move(state: State, event: Event) -> State:
    """Raises DisposalMove: the table does not list it."""
    try:
        return MOVES[state, event]
    except KeyError:
        raise DisposalMove(state=state.value, event=event.value) from None


def check_ask(body: UseAsk) -> UseAsk:
    """Raises CaseField."""
    return check_filled(body, "reason", "by")


def check_records(body: UseRecords) -> UseRecords:
    """Raises CaseField."""
    if len(body.records) > MOST_RECORDS or len(body.days) > MOST_DAYS:
        raise CaseField(field="records", detail="too many in one letter")
    return check_filled(body)


def check_declared(body: DisposalDeclared) -> DisposalDeclared:
    """Raises CaseField."""
    if body.why not in WHY:
        raise CaseField(field="why", detail=f"one of {', '.join(WHY)}")
    return check_filled(body, "by")


def check_asked(body: DisposalAsked) -> DisposalAsked:
    """Raises CaseField."""
    if not 1 <= body.days <= 365:
        raise CaseField(field="days", detail="1 to 365 working days")
    return check_filled(body, "requirements", "by")


def check_done(body: DisposalDone) -> DisposalDone:
    """Raises CaseField."""
    return check_filled(body, "what", "how", "evidence", "by")
