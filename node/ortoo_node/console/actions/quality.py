"""Data quality: rules put in force, checks, and the tasks that come of them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field, Options
from ortoo_protocol.console.page import Page
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.errors import QualityRule
from ortoo_protocol.i18n import mark

# Where a word alone would mean something else: an open task is not what an open door is.
SAID = {"open": mark("to be mended"), "off": mark("not by itself")}
CYCLES = ("hourly", "daily", "weekly", "monthly", "off")
PUT = "quality.put"

_RESOURCE = Field("resource", mark("Resource"), "hidden")
_TASK = Field("task", mark("Task"), "hidden")
_BY = Field("by", mark("By"), "me")


async def cycles(page: Page, _given: Mapping[str, Any]) -> Options:
    return [(each, page.t.text(SAID.get(each, each))) for each in CYCLES]


def read(params: dict[str, Any]) -> dict[str, Any]:
    """The typed rules as `quality.put` takes them. Raises QualityRule."""
    try:
        given = tomllib.loads(params["rules"].replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise QualityRule(rule="-", detail=str(error)) from None
    resource = params["resource"]
    if given.get("resource", resource) != resource:
        raise QualityRule(rule="-", detail=f"resource is not {resource}")
    return {"given": {"rules": [], **given, "resource": resource}, "by": params["by"]}


def written(shown: Mapping[str, Any]) -> str:
    """Rules in force (`quality.show`) as they are typed: what `read` reads to the same rules."""
    blocks = [_lines({"personal": shown["personal"]})]
    blocks += [f"[[rules]]\n{_lines(rule)}" for rule in shown["rules"]]
    return "\n\n".join(blocks) + "\n"


def _lines(table: Mapping[str, Any]) -> str:
    """Numbers, texts and lists of texts are written alike in JSON and TOML, but for U+007F."""
    return "\n".join(
        f"{name} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "\\u007f")
        for name, value in table.items()
    )


ACTIONS = (
    Action(
        "quality.check",
        mark("Check now"),
        Right.OPERATE,
        (_RESOURCE,),
        back="/quality/resources/{resource}",
        subject="resource",
        note=mark("Reads the source and what is published, and compares them."),
    ),
    Action(
        PUT,
        mark("Put rules in force"),
        Right.DECIDE,
        (
            Field("resource", mark("Code of the resource")),
            Field(
                "rules",
                mark("Rules"),
                "long",
                hint=mark(
                    "As TOML: [[rules]], then column, check, severity, tolerance_percent and what"
                    " the check needs. What stands here replaces all rules before."
                ),
            ),
            _BY,
        ),
        back="/quality/resources/{resource}",
        subject="resource",
        prepare=read,
    ),
    Action(
        "quality.schedule",
        mark("Check regularly"),
        Right.OPERATE,
        (_RESOURCE, Field("cycle", mark("How often"), "choice", choices=cycles)),
        back="/quality/resources/{resource}",
        subject="resource",
    ),
    Action(
        "task.answer",
        mark("Answer the task"),
        Right.COMPILE,
        (_TASK, Field("reason", mark("What was done about it"), "long"), _BY),
        back="/quality/tasks/{task}",
        subject="task",
        note=mark("The next check that the rule passes verifies it."),
    ),
    Action(
        "task.close",
        mark("Close the task"),
        Right.DECIDE,
        (_TASK, Field("reason", mark("Why nothing more is done"), "long"), _BY),
        back="/quality/tasks/{task}",
        subject="task",
        danger=True,
    ),
)
