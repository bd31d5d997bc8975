"""Subscriptions (订阅) of the department, and what is fetched of those that wait for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import MaxLen

from ortoo_node.api.shapes.common import Closed, Code, Id, Name, Text, Told
from ortoo_node.api.shapes.problems import Trouble


@dataclass(frozen=True)
class SubscriptionShown(Told):
    """How far it has come; `lag` in items, `lag_s` in seconds."""

    subscription: str
    resource: str
    resource_name: str
    feed: str | None
    grant: str | None
    department: str
    sink: str
    table: str
    incarnation: int
    received: int
    applied: int
    head: int
    lag: int
    lag_s: float
    rows: int
    rejects: int
    state: str
    error: Trouble | None
    changed_ms: int


@dataclass(frozen=True)
class SubscriptionsPage(Told):
    subscriptions: list[SubscriptionShown]
    next: str | None


@dataclass(frozen=True)
class SubscriptionGiven(Closed):
    """`sink`: one of the station's `[[pulls]]`; `table`: what the program calls the place. The four
    last are for a resource that is open to all and is taken for the first time."""

    resource: Code
    sink: Id
    table: Annotated[str, MaxLen(63)]
    purpose: Name
    grant: Text = ""
    basis: Text = ""
    scenario: Text = ""
    handler: Text = ""
    approver: Text = ""


@dataclass(frozen=True)
class SubscriptionMade(Told):
    """`case`: the request that was made along with it; `state` is `waiting` until it is granted."""

    subscription: str
    resource: str
    feed: str | None
    grant: str | None
    purpose: str
    case: str | None
    state: str


@dataclass(frozen=True)
class Changes(Told):
    """Each of `changes` is a page of an item or a snapshot; `cursor` confirms them all."""

    subscription: str
    changes: list[dict[str, Any]]
    cursor: str


@dataclass(frozen=True)
class CursorGiven(Closed):
    cursor: Annotated[str, MaxLen(200)]


@dataclass(frozen=True)
class Confirmed(Told):
    subscription: str
    cursor: str
