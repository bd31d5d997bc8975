"""Putting days into force for the whole plane."""

from __future__ import annotations

import base64
from typing import Any

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.errors import CalendarFile
from ortoo_protocol.core.law import calendar_files
from ortoo_protocol.i18n import mark

_BY = Field("by", mark("By"), "me")
_SOURCE = Field(
    "source", mark("Notice that names the days"), required=False, hint=mark("Such as 国办发明电.")
)
_NOTE = mark(
    "It goes to every station at once, and every open deadline is reckoned anew; another version"
    " can follow."
)


def _year(params: dict[str, Any]) -> dict[str, Any]:
    """A file as calendar_files reads it. Raises CalendarFile."""
    name = params["days"]["name"]
    try:
        text = base64.b64decode(params["days"]["content"]).decode("utf-8")
    except UnicodeDecodeError as error:
        raise CalendarFile(path=name, detail=error) from None
    found = calendar_files.read(text, name)
    return {
        "year": found.year,
        "source": params.get("source") or found.source,
        "by": params["by"],
        "days": [
            {"day": each.day, "working": each.working, "name": each.name} for each in found.days
        ],
    }


ACTIONS = (
    Action(
        "calendar.set",
        mark("Set a day"),
        Right.DECIDE,
        (
            Field("day", mark("Day"), hint=mark("Such as 2027-07-15.")),
            Field(
                "kind",
                mark("Kind"),
                "choice",
                words=("off", "work", "weekday"),
                hint=mark("The last: as its weekday says."),
            ),
            Field("name", mark("Name"), required=False),
            _SOURCE,
            _BY,
        ),
        back="/calendar",
        subject="day",
        note=_NOTE,
    ),
    Action(
        "calendar.import",
        mark("Import a year"),
        Right.DECIDE,
        (
            Field(
                "days",
                mark("File"),
                "file",
                hint=mark("CSV (day,kind,name) or JSON; it takes the place of the year."),
            ),
            _SOURCE,
            _BY,
        ),
        back="/calendar/{year}",
        note=_NOTE,
        prepare=_year,
    ),
)
