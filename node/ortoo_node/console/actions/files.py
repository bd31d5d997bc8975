"""Files: fetching one, ordering a table as one. To a folder of the station's own machine whoever
looks after it fetches; to be saved by browser, whoever uses the data, of the own department."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field
from ortoo_protocol.console.page import Page
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.files import FORMS
from ortoo_protocol.i18n import mark

_TO = Field(
    "to",
    mark("Goes to"),
    hint=mark("A folder or file on the station's machine, from / on. Nothing is replaced."),
)
_TERMS = (
    Field("resource", mark("Code of the resource")),
    Field("grant", mark("Grant"), "hidden"),
    Field("purpose", mark("Purpose"), hint=mark("As it was granted.")),
)


async def _bring(page: Page, params: Mapping[str, Any]) -> Any:
    """Of the own department: whose it is, the form does not say."""
    given = {**params, "department": page.me.department}
    return await page.recorded("file.bring", given, str(params.get("name") or params["resource"]))


ACTIONS = (
    Action(
        "file.bring",
        mark("Fetch to save"),
        Right.APPLY,
        (Field("name", mark("File")), *_TERMS),
        back="/files",
        note=mark("Once it has come it is saved from the list of transfers, for three days."),
        does=_bring,
    ),
    Action(
        "file.bring",
        mark("Order to save"),
        Right.APPLY,
        (
            Field("form", mark("Form"), "choice", words=tuple(FORMS)),
            *_TERMS,
            Field("handler", mark("Handler (经办人)"), "me"),
        ),
        back="/files",
        note=mark("Once it has come it is saved from the list of transfers, for three days."),
        does=_bring,
        key="file.bring-table",
    ),
    Action(
        "file.get",
        mark("Fetch"),
        Right.OPERATE,
        (Field("name", mark("File")), _TO, *_TERMS),
        back="/files",
        subject="name",
    ),
    Action(
        "file.order",
        mark("Order as a file"),
        Right.OPERATE,
        (
            Field("form", mark("Form"), "choice", words=tuple(FORMS)),
            _TO,
            *_TERMS,
            Field("handler", mark("Handler (经办人)"), "me"),
        ),
        back="/files",
        subject="resource",
    ),
    Action(
        "file.cancel",
        mark("Give up"),
        Right.OPERATE,
        (Field("transfer", mark("Transfer"), "hidden"),),
        back="/files",
        subject="transfer",
        note=mark("What has come so far is thrown away."),
        danger=True,
    ),
)
