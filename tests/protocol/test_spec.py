"""SPEC.md and the code say the same: every table that can be read off the code."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from ortoo_protocol.core.envelope import Header
from tests.support import spec_tables

TEXT = spec_tables.SPEC.read_text(encoding="utf-8")
TABLES: dict[str, Callable[[], list[str]]] = {
    "## 6 Kinds": spec_tables.kinds,
    "### 6.1 Bodies": spec_tables.bodies,
    "### 8.1 Documents": spec_tables.documents,
    "## 9 Cases": spec_tables.moves,
    "## 13 Error codes": spec_tables.error_codes,
    "## 14 Limits": spec_tables.limits,
}


def table_under(heading: str) -> list[str]:
    """The rows of the first table under `heading`."""
    chapter = TEXT.split(f"\n{heading}", 1)[1].split("\n#", 1)[0]
    lines = [line for line in chapter.splitlines() if line.startswith("|")]
    return lines[2:]


@pytest.mark.parametrize("heading", TABLES)
def test_tables(heading: str) -> None:
    wanted = TABLES[heading]()
    assert table_under(heading) == wanted, "SPEC.md has to say:\n" + "\n".join(wanted)


def test_header_fields() -> None:
    fields = [row.split("|")[2].strip().strip("`") for row in table_under("### 4.1 Header")]
    assert fields == [*Header.__struct_fields__]


def test_domain_labels() -> None:
    chapter = TEXT.split("### 3.1 Domain strings", 1)[1].split("### 3.2", 1)[0]
    assert set(re.findall(r"`(ortoo/[a-z-]+)`", chapter)) == spec_tables.labels()


def test_every_code_in_the_text_exists() -> None:
    known = set(re.findall(r"^\| `([a-z.-]+)` \|", TEXT.split("## 13 Error codes")[1], re.M))
    families = "|".join({code.partition(".")[0] for code in known} | {"envelope", "codec"})
    kinds = {row.split("`")[1] for row in spec_tables.kinds()} | {"feed.again"}
    named = set(re.findall(rf"`((?:{families})\.[a-z-]+)`", TEXT))
    assert named - kinds <= known
