"""What notices say. A template is two English texts, translated when it is sent.

Of `values` those in `_SAID` are words of the protocol and are translated too; `lines` are listed
below the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ortoo_protocol.i18n import Translator, mark

_SAID = frozenset(("duty", "article", "state"))
MOST_LINES = 30


@dataclass(frozen=True)
class Template:
    title: str
    text: str


TEMPLATES: Mapping[str, Template] = MappingProxyType(
    {
        "clock.warn": Template(
            mark("Due on {day}: {duty}"),
            mark("{duty} of {subject} is due on {day} ({article}); {left} working days are left."),
        ),
        "clock.late": Template(
            mark("Overdue: {duty}"),
            mark("{duty} of {subject} was due on {day} ({article}) and is not done."),
        ),
        "clock.escalated": Template(
            mark("Overdue at {party}: {duty}"),
            mark("{duty} of {subject} at {party} {department} was due on {day} ({article})."),
        ),
        "clock.moved": Template(
            mark("Now due on {day}: {duty}"),
            mark("Another calendar is in force: {duty} of {subject} is due on {day} ({article})."),
        ),
        "digest": Template(
            mark("To do: {count}, overdue: {late}"),
            mark("Open on {day}: {count}, of which {late} are overdue."),
        ),
        "several": Template(mark("{count} notices"), mark("{count} notices at once:")),
        "text": Template("{title}", "{text}"),
        "test": Template(
            mark("A test from Ortoo"),
            mark("{party} sends this to see whether it arrives. Nothing is to be done."),
        ),
    }
)


@dataclass(frozen=True)
class Said:
    title: str
    text: str


def said(say: Translator, template: str, values: Mapping[str, Any]) -> Said:
    """A notice in a language. A template that this version does not know shows its values."""
    found = TEMPLATES.get(template)
    if found is None:
        return Said(template, "\n".join(f"{name}: {value}" for name, value in values.items()))
    facts = {
        name: say.text(value) if name in _SAID and isinstance(value, str) else value
        for name, value in values.items()
        if name != "lines"
    }
    lines = [_line(say, each) for each in values.get("lines", ())]
    text = say(found.text, **facts)
    return Said(say(found.title, **facts), "\n".join((text, *shortened(say, lines))))


def shortened(say: Translator, lines: Sequence[str]) -> list[str]:
    left = len(lines) - MOST_LINES
    more = [say(mark("and {count} more"), count=left)] if left > 0 else []
    return [*lines[:MOST_LINES], *more]


def _line(say: Translator, line: object) -> str:
    """A text, or one for each part: day, duty, subject."""
    if isinstance(line, Mapping):
        facts = {n: say.text(v) if n in _SAID else v for n, v in line.items()}
        return say(mark("{day} {duty} {subject}"), **facts)
    return str(line)
