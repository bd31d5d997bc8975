"""Files: fetching one, ordering a table as one. Where they go is a folder of the station's own
machine, so that whoever looks after it says so."""

from __future__ import annotations

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field
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

ACTIONS = (
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
