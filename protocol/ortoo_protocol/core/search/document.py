"""An entry of the catalog as the search sees it: texts by weight, and labels to filter by."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.catalog.elements import mode_named
from ortoo_protocol.core.search.initials import initials
from ortoo_protocol.core.search.words import fold, pieces

# Grows whenever the same entry is cut otherwise: what is indexed is then indexed anew.
VERSION = 1
FIELDS = ("name", "items", "about", "initials")
_SPARE = re.compile(r"[^\w/]+|_")


@dataclass(frozen=True)
class Document:
    """`fields`: pieces of each of FIELDS; `labels`: see `label`."""

    fields: tuple[tuple[str, ...], ...]
    labels: tuple[str, ...]


def document(entry: Entry) -> Document:
    items = dict.fromkeys(name for item in entry.items for name in (item.name, item.name_en))
    about = (
        entry.abstract,
        entry.department_name,
        entry.office,
        entry.source_system,
        entry.project,
        entry.replaces_paper,
    )
    texts = (
        f"{entry.name} {entry.name_en}",
        " ".join(items),
        " ".join(about),
        f"{initials(entry.name)} {initials(entry.department_name)}",
    )
    return Document(tuple(tuple(pieces(text)) for text in texts), tuple(labels(entry)))


def labels(entry: Entry) -> Iterable[str]:
    yield label("code", entry.code)
    yield label("provider", entry.provider)
    yield label("league", league_of(entry.provider))
    yield label("department", entry.department)
    yield label("department_name", entry.department_name)
    yield label("kind", entry.code[:1])
    yield label("theme", theme_of(entry.code))
    yield label("share", str(entry.share_type))
    yield label("cycle", entry.cycle)
    yield label("status", entry.status)
    yield label("grade", entry.grade)
    for mode in modes_of(entry):
        yield label("mode", mode)


def modes_of(entry: Entry) -> list[str]:
    """By their own names, each once."""
    return sorted({mode_named(mode) for mode in entry.modes})


_LETTERS = {
    "code": "k",
    "provider": "p",
    "league": "l",
    "department": "d",
    "department_name": "n",
    "kind": "c",
    "theme": "t",
    "share": "s",
    "cycle": "y",
    "status": "a",
    "grade": "g",
    "mode": "m",
}
LABELLED = frozenset(_LETTERS)


def label(what: str, value: str) -> str:
    """One word that stands for `what` being `value`, of letters, digits and / alone."""
    return _LETTERS[what] + _SPARE.sub("", fold(value))


def league_of(provider: str) -> str:
    """League or city of a party, by its division: the first four digits."""
    return provider[1:5]


def theme_of(code: str) -> str:
    """类 and 项 of a code: which base, which theme, which kind of department."""
    return code[:3]
