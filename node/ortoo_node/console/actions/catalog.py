"""The catalog: the steps of drafts and entries, one action a step, each by whose duty it is.

Who may take a step of one draft after whom is judged where it is taken (core/catalog/steps.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field, Options
from ortoo_protocol.console.page import Page
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.catalog.steps import DUTIES, Act
from ortoo_protocol.i18n import mark

STEP, MANY = "catalog.step", "catalog.step.many"
DRAFT_PAGE = "/catalog/drafts/{draft}"
_DRAFT = Field("draft", mark("Draft"), "hidden")
_BY = Field("by", mark("By"), "me")
# Who of this console may take a step: compilers, whoever looks for secrets, heads.
_STEPS: tuple[tuple[Act, str, Right], ...] = (
    (Act.REVIEW, mark("Approve for the department"), Right.DECIDE),
    (Act.CHECK, mark("Secrecy check passed"), Right.CHECK),
    (Act.ASSESS, mark("Impact on personal information assessed"), Right.CHECK),
    (Act.FILE, mark("Register and file"), Right.DECIDE),
    (Act.RATIFY, mark("Ratify the share type"), Right.DECIDE),
    (Act.PUBLISH, mark("Publish"), Right.DECIDE),
    (Act.PLAN, mark("Announce as planned"), Right.DECIDE),
    (Act.TAKE_OVER, mark("Take over from the project"), Right.DECIDE),
    (Act.REVISE, mark("Revise"), Right.COMPILE),
    (Act.FILE_STOP, mark("File the stop"), Right.COMPILE),
    (Act.KEEP, mark("Take the stop back"), Right.COMPILE),
    (Act.STOP, mark("Stop supplying"), Right.DECIDE),
    (Act.SEND_BACK, mark("Send back"), Right.DECIDE),
    (Act.WITHDRAW, mark("Withdraw the draft"), Right.COMPILE),
)
_DANGER = frozenset((Act.FILE_STOP, Act.STOP, Act.WITHDRAW))
_TOGETHER = (Act.REVIEW, Act.CHECK, Act.FILE, Act.RATIFY, Act.PUBLISH, Act.SEND_BACK)
# Names of the actions that are a step, and those of them that begin from a published entry.
STEP_NAMES: Mapping[str, tuple[str, ...]] = {
    each.value: (f"{STEP}.{each.value}",) for each, _, _ in _STEPS
} | {Act.SEND_BACK.value: (f"{STEP}.{Act.SEND_BACK.value}", f"{STEP}.object")}
CODE_STEPS = (f"{STEP}.{Act.REVISE.value}",)
MANY_NAMES = (*(f"{MANY}.{each.value}" for each in _TOGETHER), f"{MANY}.object")


async def drafts(page: Page, _given: Mapping[str, Any]) -> Options:
    """Those on their way."""
    found = (await page.call("catalog.draft.list"))["drafts"]
    return [
        (each["draft"], f"{each['name']} · {each['code']} · {page.t.text(each['state'])}")
        for each in found
    ]


def _why(act: Act) -> Field:
    return Field("why", mark("Reason"), "long", required=DUTIES[act].reason)


def _step(act: Act, title: str, right: Right, key: str = "") -> Action:
    return Action(
        STEP,
        title,
        right,
        (_DRAFT, _BY, _why(act)),
        back=DRAFT_PAGE,
        subject="draft",
        danger=act in _DANGER,
        params={"act": act.value},
        key=key or f"{STEP}.{act.value}",
    )


def _many(act: Act, title: str, right: Right, key: str = "") -> Action:
    return Action(
        MANY,
        title,
        right,
        (Field("drafts", mark("Drafts"), "many", choices=drafts), _BY, _why(act)),
        back="/catalog/drafts",
        subject="drafts",
        shows="catalog-steps.html",
        note=mark("Each by itself: what one is refused for holds up no other."),
        params={"act": act.value},
        key=key or f"{MANY}.{act.value}",
    )


_OBJECT = mark("Send back: secrecy")
ACTIONS = (
    *(_step(*each) for each in _STEPS),
    _step(Act.SEND_BACK, _OBJECT, Right.CHECK, f"{STEP}.object"),
    *(_many(*each) for each in _STEPS if each[0] in _TOGETHER),
    _many(Act.SEND_BACK, _OBJECT, Right.CHECK, f"{MANY}.object"),
    Action(
        "catalog.stop",
        mark("Stop supplying at once"),
        Right.DECIDE,
        (
            Field("code", mark("Code"), "hidden"),
            Field("reason", mark("Reason"), "long"),
            Field("by", mark("Filed by")),
            Field("approver", mark("Approver (负责人)"), "me"),
        ),
        back="/catalog/entries/{code}",
        subject="code",
        note=mark("Its grants end, each with this reason; a filing is made first."),
        danger=True,
    ),
)
