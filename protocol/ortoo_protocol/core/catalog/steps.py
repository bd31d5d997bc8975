"""The steps of an entry as one table: 编目, 审核, 登记/备案, 核定, 发布, 更新, 停止 (art. 9 to 18).

What the table does not list is refused. The department's steps come first, so that nothing leaves
it unexamined (art. 26); then those of the authority of the same level (本级): a city's for its own
departments at its station, the region's for the region's own at theirs. Who compiles does not
approve, who approved for the department does not file for the authority, and who filed a stop does
not stop.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ortoo_protocol.core.catalog.names import is_among
from ortoo_protocol.core.errors import CatalogDuties, CatalogReason, CatalogStep


class State(enum.Enum):
    DRAFTING = "drafting"
    REVIEWED = "reviewed"
    CHECKED = "secrecy-checked"
    FILED = "filed"
    RATIFIED = "ratified"
    PLANNED = "planned"  # announced before the project exists (art. 33)
    PUBLISHED = "published"
    STOPPING = "stopping"  # the stop is filed, supplying goes on
    STOPPED = "stopped"
    SUPERSEDED = "superseded"  # a later version is published
    WITHDRAWN = "withdrawn"


class Act(enum.Enum):
    COMPILE = "compile"  # 编目: saved, and saved again
    REVIEW = "review"  # 部门审核
    CHECK = "check"  # 保密检查
    ASSESS = "assess"  # 个人信息保护影响评估
    FILE = "file"  # 登记/备案: the authority gives a number
    RATIFY = "ratify"  # 核定 of share types 2 and 3
    PLAN = "plan"  # publish what is not supplied yet
    PUBLISH = "publish"  # 发布
    TAKE_OVER = "take-over"  # a project's catalog, as an item of its acceptance (art. 33)
    REVISE = "revise"  # 更新/修改: a draft of the next version
    SUPERSEDE = "supersede"  # what the next version's publication does to this one
    FILE_STOP = "file-stop"  # reason and prior filing (art. 18)
    KEEP = "keep"  # the stop is taken back
    STOP = "stop"  # 停止
    SEND_BACK = "send-back"
    WITHDRAW = "withdraw"


class Side(enum.Enum):
    DEPARTMENT = "department"
    AUTHORITY = "authority"
    EITHER = "either"


class Of(enum.Enum):
    """For which entries a move is open: those whose share type needs 核定, or those whose not."""

    ALL = "all"
    LIMITED = "limited"
    OPEN = "open"


@dataclass(frozen=True)
class Move:
    to: State
    of: Of = Of.ALL


@dataclass(frozen=True)
class Duty:
    """Who may take a step: whose it is, which steps of this draft the same person cannot have
    taken, whether it needs a reason."""

    side: Side
    apart_from: frozenset[Act] = frozenset()
    reason: bool = False


_S, _A = State, Act

MOVES: Mapping[tuple[State, Act], Move] = MappingProxyType(
    {
        (_S.DRAFTING, _A.COMPILE): Move(_S.DRAFTING),
        (_S.DRAFTING, _A.REVIEW): Move(_S.REVIEWED),
        (_S.DRAFTING, _A.WITHDRAW): Move(_S.WITHDRAWN),
        (_S.REVIEWED, _A.ASSESS): Move(_S.REVIEWED),
        (_S.REVIEWED, _A.CHECK): Move(_S.CHECKED),
        (_S.REVIEWED, _A.SEND_BACK): Move(_S.DRAFTING),
        (_S.REVIEWED, _A.WITHDRAW): Move(_S.WITHDRAWN),
        (_S.CHECKED, _A.ASSESS): Move(_S.CHECKED),
        (_S.CHECKED, _A.FILE): Move(_S.FILED),
        (_S.CHECKED, _A.SEND_BACK): Move(_S.DRAFTING),
        (_S.CHECKED, _A.WITHDRAW): Move(_S.WITHDRAWN),
        (_S.FILED, _A.RATIFY): Move(_S.RATIFIED, Of.LIMITED),
        (_S.FILED, _A.PUBLISH): Move(_S.PUBLISHED, Of.OPEN),
        (_S.FILED, _A.PLAN): Move(_S.PLANNED, Of.OPEN),
        (_S.FILED, _A.SEND_BACK): Move(_S.DRAFTING),
        (_S.FILED, _A.WITHDRAW): Move(_S.WITHDRAWN),
        (_S.RATIFIED, _A.PUBLISH): Move(_S.PUBLISHED, Of.LIMITED),
        (_S.RATIFIED, _A.PLAN): Move(_S.PLANNED, Of.LIMITED),
        (_S.RATIFIED, _A.SEND_BACK): Move(_S.DRAFTING),
        (_S.RATIFIED, _A.WITHDRAW): Move(_S.WITHDRAWN),
        (_S.PLANNED, _A.TAKE_OVER): Move(_S.PUBLISHED),
        (_S.PLANNED, _A.REVISE): Move(_S.PLANNED),
        (_S.PLANNED, _A.SUPERSEDE): Move(_S.SUPERSEDED),
        (_S.PLANNED, _A.WITHDRAW): Move(_S.STOPPED),
        (_S.PUBLISHED, _A.REVISE): Move(_S.PUBLISHED),
        (_S.PUBLISHED, _A.SUPERSEDE): Move(_S.SUPERSEDED),
        (_S.PUBLISHED, _A.FILE_STOP): Move(_S.STOPPING),
        (_S.STOPPING, _A.KEEP): Move(_S.PUBLISHED),
        (_S.STOPPING, _A.STOP): Move(_S.STOPPED),
        (_S.STOPPED, _A.REVISE): Move(_S.STOPPED),
        (_S.STOPPED, _A.SUPERSEDE): Move(_S.SUPERSEDED),
    }
)

_COMPILED = frozenset((_A.COMPILE,))
_EXAMINED = frozenset((_A.COMPILE, _A.REVIEW, _A.CHECK))

DUTIES: Mapping[Act, Duty] = MappingProxyType(
    {
        _A.COMPILE: Duty(Side.DEPARTMENT),
        _A.REVIEW: Duty(Side.DEPARTMENT, _COMPILED),
        _A.CHECK: Duty(Side.DEPARTMENT, _COMPILED),
        _A.ASSESS: Duty(Side.DEPARTMENT, _COMPILED),
        _A.FILE: Duty(Side.AUTHORITY, _EXAMINED),
        _A.RATIFY: Duty(Side.AUTHORITY, _EXAMINED),
        _A.PLAN: Duty(Side.AUTHORITY, _COMPILED),
        _A.PUBLISH: Duty(Side.AUTHORITY, _COMPILED),
        _A.TAKE_OVER: Duty(Side.AUTHORITY, _COMPILED),
        _A.REVISE: Duty(Side.DEPARTMENT),
        _A.SUPERSEDE: Duty(Side.AUTHORITY),
        _A.FILE_STOP: Duty(Side.DEPARTMENT, reason=True),
        _A.KEEP: Duty(Side.DEPARTMENT, reason=True),
        _A.STOP: Duty(Side.AUTHORITY, frozenset((_A.FILE_STOP,))),
        _A.SEND_BACK: Duty(Side.EITHER, reason=True),
        _A.WITHDRAW: Duty(Side.DEPARTMENT, reason=True),
    }
)
# Before these the entry stands as its compiler left it; sent back, all are taken anew.
OPEN_STATES = frozenset((_S.DRAFTING, _S.REVIEWED, _S.CHECKED, _S.FILED, _S.RATIFIED))
LIVE_STATES = frozenset((_S.PLANNED, _S.PUBLISHED, _S.STOPPING))


@dataclass(frozen=True)
class Taken:
    """A step that was taken, by whom."""

    act: Act
    who: str


def move(state: State, act: Act, *, limited: bool, draft: str = "") -> State:
    """The state after `act`; `limited`: its share type needs 核定. Raises CatalogStep."""
    found = MOVES.get((state, act))
    closed = Of.OPEN if limited else Of.LIMITED
    if found is None or found.of is closed:
        raise CatalogStep(state=state.value, step=act.value, draft=draft)
    return found.to


def check_duty(act: Act, who: str, why: str, round_: Iterable[Taken]) -> Duty:
    """Who takes `act` and why. `round_`: the steps of this draft that count (`this_round`).

    Raises CatalogReason, CatalogDuties.
    """
    duty = DUTIES[act]
    if not who.strip() or (duty.reason and not why.strip()):
        raise CatalogReason(step=act.value)
    if is_among(who, (taken.who for taken in round_ if taken.act in duty.apart_from)):
        raise CatalogDuties(who=who, step=act.value)
    return duty


def open_acts(state: State, *, limited: bool) -> list[Act]:
    """What can be done with a draft that is `state`; what the system does is left out."""
    closed = Of.OPEN if limited else Of.LIMITED
    return [
        act
        for (before, act), found in MOVES.items()
        if before is state and found.of is not closed and act is not Act.SUPERSEDE
    ]


def this_round(steps: Iterable[Taken]) -> list[Taken]:
    """The steps that count for separation: all compiling, and what was approved since the last
    send-back (art. 26: what was changed is examined anew); of stops the one that was not taken
    back."""
    counted: list[Taken] = []
    for taken in steps:
        if taken.act is Act.SEND_BACK:
            counted = [each for each in counted if each.act is Act.COMPILE]
        if taken.act is Act.KEEP:
            counted = [each for each in counted if each.act is not Act.FILE_STOP]
        counted.append(taken)
    return counted
