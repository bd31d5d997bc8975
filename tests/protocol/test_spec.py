"""SPEC.md and the code say the same: every table that can be read off the code."""

from __future__ import annotations

import re

import pytest

from ortoo_protocol.core.envelope import Header
from tests.support import spec_tables
from tests.support.spec_tables import table_under

TEXT = spec_tables.SPEC.read_text(encoding="utf-8")


@pytest.mark.parametrize("heading", spec_tables.TABLES)
def test_tables(heading: str) -> None:
    """If it differs and should: python -m tests.support.spec_tables."""
    assert table_under(TEXT, heading) == spec_tables.TABLES[heading]()


def test_header_fields() -> None:
    fields = [row.split("|")[2].strip().strip("`") for row in table_under(TEXT, "### 4.1 Header")]
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
