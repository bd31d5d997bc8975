"""Sources, sinks and publications: trying them, looking, publishing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ortoo_node.captures import How
from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field, Options
from ortoo_protocol.console.page import Page
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.i18n import mark

_NAME = Field("name", mark("Source"))
_TABLE = Field(
    "table", mark("Table or files"), hint=mark("A table or view; of a folder a pattern: *.csv.")
)


async def sources(page: Page, _given: Mapping[str, Any]) -> Options:
    found = (await page.call("source.list"))["sources"]
    return [(each["name"], f"{each['name']} ({page.t.text(each['kind'])})") for each in found]


ACTIONS = (
    Action(
        "source.test",
        mark("Test"),
        Right.OPERATE,
        (_NAME,),
        back="/sources",
        subject="name",
        note=mark("It is connected to, as a run would. No row is read."),
    ),
    Action(
        "sink.test",
        mark("Test"),
        Right.OPERATE,
        (Field("name", mark("Sink")),),
        back="/sources",
        subject="name",
        note=mark("It is connected to, as a subscription would. Nothing is written."),
    ),
    Action(
        "source.preview",
        mark("Preview"),
        Right.OPERATE,
        (_NAME, _TABLE),
        back="/sources",
        subject="name",
        note=mark("Twenty rows at most. That somebody looked is recorded."),
        shows="source-preview.html",
    ),
    Action(
        "source.check",
        mark("Ways to find changes"),
        Right.OPERATE,
        (
            _NAME,
            Field("table", mark("Table")),
            Field("watermark", mark("Column that rises with every change"), required=False),
        ),
        back="/sources",
        subject="name",
        shows="source-check.html",
    ),
    Action(
        "publish",
        mark("Publish now"),
        Right.OPERATE,
        (
            Field("resource", mark("Code of the resource")),
            Field("source", mark("Source"), "choice", required=False, choices=sources),
            Field("table", mark("Table or files"), required=False),
        ),
        back="/publications",
        subject="resource",
        note=mark("Left empty, source and table stay those of the last time."),
        shows="published.html",
    ),
    Action(
        "publication.set",
        mark("Set up a publication"),
        Right.OPERATE,
        (
            Field("resource", mark("Code of the resource")),
            Field("source", mark("Source"), "choice", required=False, choices=sources),
            Field("table", mark("Table or files"), required=False),
            Field(
                "capture",
                mark("Changes are found by"),
                "choice",
                required=False,
                words=tuple(each.value for each in How),
                hint=mark("auto: the best that is ready."),
            ),
            Field("watermark", mark("Column that rises with every change"), required=False),
            Field(
                "overlap",
                mark("Read again below the highest value"),
                "number",
                required=False,
                hint=mark("Seconds of a moment, or units of a number."),
            ),
            Field("whole_every_s", mark("Compare whole every … seconds"), "number", required=False),
            Field(
                "every_s",
                mark("Publish every … seconds"),
                "number",
                required=False,
                hint=mark("0: only when somebody says so."),
            ),
            Field("follow", mark("Publish as soon as the database tells"), "yes", required=False),
        ),
        back="/publications",
        subject="resource",
    ),
)
