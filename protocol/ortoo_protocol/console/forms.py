"""Forms: what is asked for, how it is read, and what was typed when it has to be asked again."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from starlette.datastructures import FormData, UploadFile

from ortoo_protocol.console.showing import day_end_ms
from ortoo_protocol.i18n import mark

if TYPE_CHECKING:
    from ortoo_protocol.console.page import Page

Kind = Literal[
    "text", "long", "choice", "many", "lines", "pairs", "json", "day", "number", "yes", "hidden",
    "file", "files", "me", "secret",
]  # fmt: skip
Options = Sequence[tuple[str, str]]
Choices = Callable[["Page", Mapping[str, Any]], Awaitable[Options]]
NEEDED = mark("Please fill this in.")
NOT_A_DAY = mark("A day such as 2026-12-31.")
NOT_A_NUMBER = mark("A whole number.")
NOT_PAIRS = mark("A name, =, and a value on each line.")
NOT_JSON = mark("Not JSON: {detail}")
NOT_OFFERED = mark("Choose one of those offered.")


@dataclass(frozen=True)
class Field:
    """`name`: the control method's parameter. `words`: fixed choices, said in the user's language.
    `choices`: those that depend on what there is. `me`: the person who is signed in, not typed.
    A field that is not required and left empty is not sent: the method's own default counts."""

    name: str
    label: str
    kind: Kind = "text"
    required: bool = True
    hint: str = ""
    words: tuple[str, ...] = ()
    choices: Choices | None = None
    default: str = ""


@dataclass
class Filled:
    """`values`: as typed, by name; `params`: as the method takes them; `problems`: by name."""

    values: dict[str, list[str]] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


class _Wrong(Exception):
    pass


async def fill(fields: Sequence[Field], form: FormData, page: Page) -> Filled:
    """Read a posted form; nothing raises for what a person may type."""
    filled = Filled()
    for each in fields:
        if each.kind == "me":
            filled.params[each.name] = page.me.person
            continue
        if each.kind in ("file", "files"):
            await _files(each, form, filled, page)
            continue
        typed = [str(value) for value in form.getlist(each.name)]
        filled.values[each.name] = typed
        try:
            value = _read(each, typed, page)
        except _Wrong as wrong:
            filled.problems[each.name] = wrong.args[0]
            continue
        if value is not None:
            filled.params[each.name] = value
        elif each.required:
            filled.problems[each.name] = page.t(NEEDED)
    return filled


def _read(each: Field, typed: Sequence[str], page: Page) -> Any:
    """None: nothing was given."""
    text = typed[0].strip() if typed else ""
    match each.kind:
        case "yes":
            return bool(text)
        case "many":
            return [one for one in typed if one] or None
        case "lines":
            return [one.strip() for one in text.splitlines() if one.strip()] or None
        case "pairs":
            return _pairs(text, page) or None
    if not text:
        return None
    match each.kind:
        case "number":
            try:
                return int(text)
            except ValueError:
                raise _Wrong(page.t(NOT_A_NUMBER)) from None
        case "day":
            try:
                return day_end_ms(text)
            except ValueError:
                raise _Wrong(page.t(NOT_A_DAY)) from None
        case "json":
            try:
                return msgspec.json.decode(text.encode())
            except (msgspec.DecodeError, UnicodeEncodeError) as error:
                raise _Wrong(page.t(NOT_JSON, detail=error)) from None
        case "choice" if each.words and text not in each.words:
            raise _Wrong(page.t(NOT_OFFERED))
    return text


def _pairs(text: str, page: Page) -> dict[str, str]:
    pairs = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise _Wrong(page.t(NOT_PAIRS))
        pairs[name.strip()] = value.strip()
    return pairs


async def _files(each: Field, form: FormData, filled: Filled, page: Page) -> None:
    """Uploads as {name, content in base64}: what the control methods take."""
    found = []
    for upload in form.getlist(each.name):
        if isinstance(upload, UploadFile) and upload.filename:
            content = base64.b64encode(await upload.read()).decode()
            found.append({"name": plain_name(upload.filename), "content": content})
    if not found:
        if each.required:
            filled.problems[each.name] = page.t(NEEDED)
        return
    filled.params[each.name] = found if each.kind == "files" else found[0]


def plain_name(name: str) -> str:
    """The last part of a file's name: a browser or a script may send a path."""
    return name.replace("\\", "/").rpartition("/")[2].replace("\0", "")[:255] or "file"
