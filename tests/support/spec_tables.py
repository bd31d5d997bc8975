"""The tables of SPEC.md as the code has them; `python -m tests.support.spec_tables` writes them."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ortoo_protocol.core import (
    announcement,
    bundles,
    cases,
    codec,
    demands,
    directory,
    enrolment,
    envelope,
    errors,
    evidence,
    frames,
    ids,
    journal,
    keys,
    messages,
)
from ortoo_protocol.core.messages import Kind, Route
from ortoo_protocol.core.supervision import notices as written
from ortoo_protocol.core.supervision import submissions
from ortoo_protocol.core.use import onward

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "protocol" / "SPEC.md"

_NAMED = (
    (codec.Count, "count"),
    (ids.PartyId, "party"),
    (ids.FeedId, "feed"),
    (ids.HexId, "hex id"),
    (ids.Digest, "digest"),
    (ids.ColumnName, "column"),
    (ids.Plane, '`"extranet"` / `"intranet"`'),
    (str, "text"),
    (bytes, "bytes"),
    (int, "int"),
    (bool, "bool"),
)

DOCUMENTS = (
    directory.SignedDocument,
    directory.DocumentSignature,
    directory.PublicKey,
    directory.Root,
    directory.Directory,
    directory.PartyEntry,
    directory.SigningKeyEntry,
    directory.Timestamp,
    announcement.Announcement,
    announcement.WrapKeyEntry,
    announcement.DepartmentEntry,
    enrolment.EnrolmentRequest,
    enrolment.Welcome,
    evidence.Evidence,
    evidence.Selection,
)

# Whose codes travel: in receipts, refusals and journal rows. What a program adds below them for its
# own work bears another first word.
FIRST_WORDS = {
    *("envelope", "codec", "trust", "feed", "grant", "case", "stop", "catalog", "journal"),
    *("evidence", "file", "query", "calendar", "contact", "supervision"),
}
FAMILIES = (
    errors.EnvelopeError,
    errors.CodecError,
    errors.TrustError,
    errors.FeedError,
    errors.GrantError,
    errors.LawError,
    errors.GazetteError,
    errors.JournalError,
    errors.FileError,
    errors.QueryError,
    errors.SupervisionError,
)


def _type(hint: Any) -> str:
    for known, name in _NAMED:
        if hint == known:
            return name
    inner = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        return f"list of {_type(inner[0])}"
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return f"{_type(inner[0])} or nil"
    if typing.get_origin(hint) is typing.Literal:
        return " / ".join(f'`"{each}"`' for each in inner)
    return str(hint.__name__)


def _structs_in(hint: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    for inner in typing.get_args(hint):
        yield from _structs_in(inner)


def body_row(shape: type[msgspec.Struct]) -> str:
    hints = typing.get_type_hints(shape, include_extras=True)
    fields = [
        f"`{field.name}`{'?' if field.default is not msgspec.NODEFAULT else ''} "
        f"{_type(hints[field.name])}"
        for field in msgspec.structs.fields(shape)
    ]
    form = "array" if shape.__struct_config__.array_like else "map"
    return f"| {shape.__name__} | {form} | {', '.join(fields)} |"


def kind_row(kind: Kind) -> str:
    carrier = "item" if kind.item else "head" if kind.route is Route.FEED else "letter"
    cls = "lean" if kind.lean else kind.cls.value
    return (
        f"| `{kind.name}` | {cls} | {carrier} | {kind.route.value} | {kind.senders} | "
        f"{'yes' if kind.durable else ''} | {'yes' if kind.rows else ''} | {kind.shape.__name__} |"
    )


def kinds() -> list[str]:
    return [kind_row(kind) for kind in messages.KINDS]


def bodies() -> list[str]:
    """Each shape of a kind and the records within, in order of appearance."""
    found: dict[type[msgspec.Struct], None] = {}
    waiting: list[type[msgspec.Struct]] = [kind.shape for kind in messages.KINDS]
    while waiting:
        shape = waiting.pop(0)
        if shape in found:
            continue
        found[shape] = None
        hints = typing.get_type_hints(shape, include_extras=True)
        for hint in hints.values():
            waiting = [*_structs_in(hint), *waiting]
    return [body_row(shape) for shape in found]


def documents() -> list[str]:
    return [body_row(shape) for shape in DOCUMENTS]


def moves(machine: Mapping[Any, Any]) -> list[str]:
    return [
        f"| {before.value} | {event.value} | {after.value} |"
        for (before, event), after in machine.items()
    ]


def steps() -> list[str]:
    """Who may take each event, what carries it, what it needs, what it does to clocks."""
    return [
        f"| {event.value} | {_listed(each.value for each in step.by)}"
        f" | {_listed(f'`{kind}`' for kind in step.kinds)}"
        f" | {_listed(need.value for need in step.needs)}"
        f" | {', '.join(f'{effect.act.value} {effect.duty.value}' for effect in step.clocks)} |"
        for event, step in cases.STEPS.items()
    ]


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))


def _tree(error: type[errors.OrtooError]) -> Iterator[type[errors.OrtooError]]:
    yield error
    for each in error.__subclasses__():
        yield from _tree(each)


def error_codes() -> list[str]:
    return [
        f"| `{each.code}` | {each.fault.value} | {each.what} |"
        for family in FAMILIES
        for each in _tree(family)
        if each.code.partition(".")[0] in FIRST_WORDS
    ]


def limits() -> list[str]:
    values = (
        ("header", f"{envelope.MAX_HEADER_BYTES:,} bytes"),
        ("body", f"{envelope.MAX_BODY_BYTES:,} bytes"),
        ("content, unpacked", f"{frames.MAX_CONTENT_BYTES:,} bytes"),
        ("parts of a content", f"{frames.MAX_PARTS:,}"),
        ("envelopes of a bundle", f"{bundles.MAX_ENVELOPES:,}"),
        ("bundle", f"{bundles.MAX_BUNDLE_BYTES:,} bytes"),
        ("items of a msgpack array, entries of a map", f"{codec.MAX_ARRAY_ITEMS:,}"),
        ("arrays and maps in one body", f"{codec.MAX_CONTAINERS:,}"),
        ("wraps", f"{envelope.MAX_WRAPS}"),
        ("life of a letter", f"{messages.LETTER_LIFE_MS // messages.DAY_MS} days"),
        ("document", f"{directory.MAX_DOCUMENT_BYTES:,} bytes"),
        ("signatures of a document", f"{directory.MAX_SIGNATURES}"),
        ("keys of a role or a party", f"{directory.MAX_KEYS}"),
        ("life of a root", f"{directory.ROOT_LIFE_MS // messages.DAY_MS} days"),
        ("life of a directory", f"{directory.DIRECTORY_LIFE_MS // messages.DAY_MS} days"),
        ("departments of a party", f"{announcement.MAX_DEPARTMENTS:,}"),
        ("name of a party or department", f"{directory.MAX_NAME_CHARACTERS} characters"),
        ("checkpoint note", f"{journal.MAX_NOTE_BYTES:,} bytes"),
        ("signatures of a note", f"{journal.MAX_SIGNATURES}"),
        ("key id", f"{keys.KEY_ID_BYTES} bytes"),
    )
    return [f"| {name} | {value} |" for name, value in values]


def labels() -> set[str]:
    """Every domain label that the sources write."""
    found: set[str] = set()
    for folder in ("protocol", "hub", "node"):
        for path in (ROOT / folder).rglob("*.py"):
            found |= set(re.findall(r'"(ortoo/[a-z-]+)"', path.read_text(encoding="utf-8")))
    types = typing.get_args(directory.DocumentType)
    return (found | {f"ortoo/doc-{each}" for each in types}) - {"ortoo/doc-"}


TABLES: dict[str, Callable[[], list[str]]] = {
    "## 6 Kinds": kinds,
    "### 6.1 Bodies": bodies,
    "### 8.1 Documents": documents,
    "## 9 Cases": lambda: moves(cases.MOVES),
    "### 9.3 Written notices": lambda: moves(written.MOVES),
    "### 9.4 Half-yearly submissions": lambda: moves(submissions.MOVES),
    "### 9.5 Steps": steps,
    "### 9.8 Demands": lambda: moves(demands.MOVES),
    "### 9.11 Consent to passing on": lambda: moves(onward.MOVES),
    "## 13 Error codes": error_codes,
    "## 14 Limits": limits,
}


def table_under(text: str, heading: str) -> list[str]:
    """The rows of the first table under `heading`."""
    chapter = text.split(f"\n{heading}", 1)[1].split("\n#", 1)[0]
    return [line for line in chapter.splitlines() if line.startswith("|")][2:]


def rewritten(text: str) -> str:
    for heading, rows in TABLES.items():
        before, after = text.split(f"\n{heading}", 1)
        held = "\n".join(table_under(text, heading))
        text = f"{before}\n{heading}" + after.replace(held, "\n".join(rows()), 1)
    return text


if __name__ == "__main__":
    SPEC.write_text(rewritten(SPEC.read_text(encoding="utf-8")), encoding="utf-8")
