"""The machine of share requests (共享申请) as one table, the same for applicant, provider and
authority: Measures art. 18 and 19, Decree 809 art. 20 to 22 and 28.

`MOVES` says which state follows; what it does not list is refused. `STEPS` says of each event who
may take it, which kind of letter carries it, what it needs, and what becomes of the clocks. What
may happen once (补正, 延期) leads to a state from which it cannot happen again.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ortoo_protocol.core.errors import CaseMove


class State(enum.Enum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"  # 退回补正: told once what is missing
    COMPLETED = "completed"  # 已补正
    ACCEPTED = "accepted"  # 受理
    EXTENDED = "extended"  # 延期答复
    OFFERED = "offered"  # a yes under conditions that the reader has not accepted yet
    GRANTED = "granted"
    REFUSED = "refused"
    NEGOTIATING = "negotiating"  # 协商
    COORDINATING = "coordinating"  # 协调: with the authority of that level
    REFERRED = "referred"  # 报本级政府决定
    DECIDED = "decided"  # to be shared: obliges the provider's people, opens nothing by itself
    UPHELD = "upheld"  # not to be shared
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"  # 期满
    ENDED = "ended"  # 终止
    REJECTED = "rejected"  # the opening letter itself was not taken


class Event(enum.Enum):
    SUBMIT = "submit"
    REJECT = "reject"
    RETURN = "return"
    COMPLETE = "complete"
    ACCEPT = "accept"
    ASK_EXTENSION = "ask-extension"
    EXTEND = "extend"
    DENY_EXTENSION = "deny-extension"
    GRANT = "grant"
    OFFER = "offer"
    AGREE = "agree"
    REFUSE = "refuse"
    NEGOTIATE = "negotiate"
    DISAGREE = "disagree"
    COORDINATE = "coordinate"
    REFER = "refer"
    DECIDE = "decide"
    UPHOLD = "uphold"
    WITHDRAW = "withdraw"
    STOP = "stop"  # the resource is no longer supplied
    END = "end"
    EXPIRE = "expire"
    DELIVER = "deliver"  # the data are there to be read
    SIGN = "sign"  # 签收: a person has the paper in hand; the state stays


class Side(enum.Enum):
    APPLICANT = "applicant"
    PROVIDER = "provider"
    AUTHORITY = "authority"  # of the same level (本级): the station inside one city, else the hub
    SYSTEM = "system"  # a receipt, or the date


class Need(enum.Enum):
    """What an event needs beside the state."""

    REASON = "a reason"
    GROUND = "a legal ground, where the profile asks for one"
    LIMITED = "a resource that is not unconditional"
    MISSING = "a list of what is missing"
    RETURNING = "a profile under which what is incomplete is returned"
    EXTENDING = "a profile that knows an extension"
    ASKED = "an extension that was asked for"
    ANSWER_DUE = "a refusal, or an answer that is overdue"
    NO_AGREEMENT = "both sides without agreement, or the negotiation's days run out"
    GOVERNMENT = "a profile under which the government decides last"


class Duty(enum.Enum):
    """A duty with a clock; its days are the profile's."""

    ANSWER = "answer"
    NEGOTIATION = "negotiation"
    COORDINATION = "coordination"
    DELIVERY = "delivery"


class Act(enum.Enum):
    START = "start"
    STOP = "stop"  # met, or late
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    EXTEND = "extend"


@dataclass(frozen=True)
class Effect:
    """What an event does to a clock."""

    act: Act
    duty: Duty


@dataclass(frozen=True)
class Step:
    by: frozenset[Side]
    kinds: tuple[str, ...]  # of the letters that carry it
    needs: frozenset[Need] = frozenset()
    clocks: tuple[Effect, ...] = ()
    approved: bool = True  # by a second person


_S, _E = State, Event
_ANSWERABLE = (_S.SUBMITTED, _S.COMPLETED, _S.ACCEPTED, _S.EXTENDED)
_DISPUTED = (_S.NEGOTIATING, _S.COORDINATING, _S.REFERRED, _S.DECIDED)
_OPEN = (*_ANSWERABLE, _S.RETURNED, *_DISPUTED)
_SIGNED_FOR = tuple(state for state in State if state not in (_S.DRAFT, _S.REJECTED))


def _from(states: tuple[State, ...], event: Event, to: State) -> dict[tuple[State, Event], State]:
    return {(state, event): to for state in states}


def _stay(states: tuple[State, ...], event: Event) -> dict[tuple[State, Event], State]:
    return {(state, event): state for state in states}


# Everything that affects the machine stands here; what is not listed is refused.
MOVES: Mapping[tuple[State, Event], State] = MappingProxyType(
    {
        (_S.DRAFT, _E.SUBMIT): _S.SUBMITTED,
        (_S.DRAFT, _E.NEGOTIATE): _S.NEGOTIATING,  # type 3 begins here (art. 19)
        (_S.DRAFT, _E.WITHDRAW): _S.WITHDRAWN,
        **_from((_S.SUBMITTED, _S.NEGOTIATING), _E.REJECT, _S.REJECTED),
        (_S.SUBMITTED, _E.RETURN): _S.RETURNED,
        (_S.RETURNED, _E.COMPLETE): _S.COMPLETED,
        **_from((_S.SUBMITTED, _S.COMPLETED), _E.ACCEPT, _S.ACCEPTED),
        **_stay((_S.SUBMITTED, _S.COMPLETED, _S.ACCEPTED), _E.ASK_EXTENSION),
        **_stay((_S.SUBMITTED, _S.COMPLETED, _S.ACCEPTED), _E.DENY_EXTENSION),
        **_from((_S.SUBMITTED, _S.COMPLETED, _S.ACCEPTED), _E.EXTEND, _S.EXTENDED),
        **_from((*_ANSWERABLE, *_DISPUTED), _E.GRANT, _S.GRANTED),
        **_from((*_ANSWERABLE, *_DISPUTED), _E.OFFER, _S.OFFERED),
        (_S.OFFERED, _E.AGREE): _S.GRANTED,
        **_from(_ANSWERABLE, _E.REFUSE, _S.REFUSED),
        **_from((*_ANSWERABLE, _S.REFUSED), _E.NEGOTIATE, _S.NEGOTIATING),
        (_S.NEGOTIATING, _E.DISAGREE): _S.NEGOTIATING,
        (_S.NEGOTIATING, _E.COORDINATE): _S.COORDINATING,
        (_S.COORDINATING, _E.REFER): _S.REFERRED,
        **_from((_S.COORDINATING, _S.REFERRED), _E.DECIDE, _S.DECIDED),
        **_from((_S.COORDINATING, _S.REFERRED), _E.UPHOLD, _S.UPHELD),
        **_from((*_OPEN, _S.OFFERED), _E.WITHDRAW, _S.WITHDRAWN),
        **_from(_OPEN, _E.STOP, _S.ENDED),
        **_from((_S.OFFERED, _S.GRANTED), _E.END, _S.ENDED),
        **_from((_S.OFFERED, _S.GRANTED), _E.EXPIRE, _S.EXPIRED),
        (_S.GRANTED, _E.DELIVER): _S.GRANTED,
        **_stay(_SIGNED_FOR, _E.SIGN),
    }
)

# Nothing but a signature for receipt moves these any more.
CLOSED = frozenset((_S.UPHELD, _S.WITHDRAWN, _S.EXPIRED, _S.ENDED, _S.REJECTED))
OPEN = frozenset(_OPEN)

_APPLICANT, _PROVIDER = frozenset((Side.APPLICANT,)), frozenset((Side.PROVIDER,))
_AUTHORITY, _SYSTEM = frozenset((Side.AUTHORITY,)), frozenset((Side.SYSTEM,))
_BOTH = _APPLICANT | _PROVIDER
_STEP, _RULING = ("case.step",), ("case.ruling",)
_YES = ("grant.issued",)  # the answer beside it moves nothing


def _effects(act: Act, *duties: Duty) -> tuple[Effect, ...]:
    return tuple(Effect(act, duty) for duty in duties)


_STOP_ALL = _effects(Act.STOP, Duty.ANSWER, Duty.NEGOTIATION, Duty.COORDINATION)
_CANCEL_ALL = _effects(Act.CANCEL, *Duty)
_START_DELIVERY = _effects(Act.START, Duty.DELIVERY)

STEPS: Mapping[Event, Step] = MappingProxyType(
    {
        _E.SUBMIT: Step(_APPLICANT, ("case.application",), clocks=_effects(Act.START, Duty.ANSWER)),
        _E.REJECT: Step(_SYSTEM, ("receipt.hub",), clocks=_CANCEL_ALL),
        _E.RETURN: Step(
            _PROVIDER,
            _STEP,
            frozenset((Need.MISSING, Need.RETURNING)),
            _effects(Act.PAUSE, Duty.ANSWER),
        ),
        _E.COMPLETE: Step(
            _APPLICANT, ("case.completion",), clocks=_effects(Act.RESUME, Duty.ANSWER)
        ),
        _E.ACCEPT: Step(_PROVIDER, _STEP, approved=False),
        _E.ASK_EXTENSION: Step(_PROVIDER, _STEP, frozenset((Need.REASON, Need.EXTENDING))),
        _E.EXTEND: Step(
            _AUTHORITY,
            _RULING,
            frozenset((Need.EXTENDING, Need.ASKED)),
            _effects(Act.EXTEND, Duty.ANSWER),
        ),
        _E.DENY_EXTENSION: Step(_AUTHORITY, _RULING, frozenset((Need.REASON, Need.ASKED))),
        _E.GRANT: Step(_PROVIDER, _YES, clocks=(*_STOP_ALL, *_START_DELIVERY)),
        _E.OFFER: Step(_PROVIDER, _YES, clocks=_STOP_ALL),
        _E.AGREE: Step(_APPLICANT, _STEP, clocks=_START_DELIVERY),
        _E.REFUSE: Step(
            _PROVIDER,
            ("case.answer",),
            frozenset((Need.REASON, Need.GROUND, Need.LIMITED)),
            _effects(Act.STOP, Duty.ANSWER),
        ),
        _E.NEGOTIATE: Step(
            _APPLICANT,
            ("case.application", "case.step"),
            frozenset((Need.ANSWER_DUE,)),
            (*_effects(Act.STOP, Duty.ANSWER), *_effects(Act.START, Duty.NEGOTIATION)),
        ),
        _E.DISAGREE: Step(_BOTH, _STEP, frozenset((Need.REASON,))),
        _E.COORDINATE: Step(
            _APPLICANT,
            _STEP,
            frozenset((Need.REASON, Need.NO_AGREEMENT)),
            (*_effects(Act.STOP, Duty.NEGOTIATION), *_effects(Act.START, Duty.COORDINATION)),
        ),
        _E.REFER: Step(
            _AUTHORITY,
            _RULING,
            frozenset((Need.REASON, Need.GOVERNMENT)),
            _effects(Act.STOP, Duty.COORDINATION),
        ),
        _E.DECIDE: Step(
            _AUTHORITY, _RULING, frozenset((Need.REASON,)), _effects(Act.STOP, Duty.COORDINATION)
        ),
        _E.UPHOLD: Step(
            _AUTHORITY, _RULING, frozenset((Need.REASON,)), _effects(Act.STOP, Duty.COORDINATION)
        ),
        _E.WITHDRAW: Step(_APPLICANT, ("case.withdrawal",), frozenset((Need.REASON,)), _CANCEL_ALL),
        _E.STOP: Step(_PROVIDER, _STEP, frozenset((Need.REASON,)), _CANCEL_ALL, approved=False),
        _E.END: Step(_PROVIDER, ("grant.ended",), frozenset((Need.REASON,)), _CANCEL_ALL),
        _E.EXPIRE: Step(_SYSTEM, (), clocks=_CANCEL_ALL),
        _E.DELIVER: Step(
            _PROVIDER, _STEP, clocks=_effects(Act.STOP, Duty.DELIVERY), approved=False
        ),
        _E.SIGN: Step(_BOTH, _STEP, approved=False),
    }
)
# What a case.step may say: all that has a letter of its own is left out.
SPOKEN = frozenset(event for event, step in STEPS.items() if "case.step" in step.kinds)
RULINGS = frozenset(event for event, step in STEPS.items() if "case.ruling" in step.kinds)


def move(state: State, event: Event) -> State:
    """The state after `event`; raises CaseMove when the table does not list it."""
    try:
        return MOVES[state, event]
    except KeyError:
        raise CaseMove(state=state.value, event=event.value) from None


def open_events(state: State, side: Side) -> list[Event]:
    """What `side` may do with a case that is `state`, as far as the table alone says."""
    return [event for event in Event if (state, event) in MOVES and side in STEPS[event].by]
