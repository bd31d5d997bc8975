"""Catalog entries: what the Measures and a reader's software ask of them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ortoo_protocol.core import catalog
from ortoo_protocol.core.errors import CatalogBasis, CatalogField, CodecIdentifier, OrtooError
from tests.support.bodies import ENTRY
from tests.support.forge import OTHER

replace = msgspec.structs.replace
KEY, NAME = ENTRY.items


def test_a_good_entry() -> None:
    assert catalog.check_entry(ENTRY) is ENTRY
    conditional = replace(ENTRY, share_type=catalog.CONDITIONAL, basis="《条例》第三条")
    assert catalog.check_entry(conditional) is conditional


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"provider": "x"}, CodecIdentifier),
        ({"department": "x"}, CodecIdentifier),
        ({"feed": "x"}, CodecIdentifier),
        ({"feed": f"{OTHER}.townships"}, CatalogField),
        ({"code": ""}, CatalogField),
        ({"code": "4150700001"}, CatalogField),
        ({"code": "3' OR 1=1"}, CatalogField),
        ({"code": "3" * 65}, CatalogField),
        ({"name": " "}, CatalogField),
        ({"name": "名" * 201}, CatalogField),
        ({"abstract": ""}, CatalogField),
        ({"abstract": "a" * 4_001}, CatalogField),
        ({"department_name": ""}, CatalogField),
        ({"version": 0}, CatalogField),
        ({"cycle": "常常"}, CatalogField),
        ({"status": "draft"}, CatalogField),
        ({"share_type": 4}, CatalogField),
        ({"share_type": catalog.CONDITIONAL}, CatalogBasis),
        ({"share_type": catalog.NOT_SHARED, "basis": " "}, CatalogBasis),
        ({"secrecy_checked_by": ""}, CatalogField),
        ({"approved_by": ""}, CatalogField),
        ({"approved_by": ENTRY.compiled_by}, CatalogField),
        ({"items": ()}, CatalogField),
        ({"items": (KEY, KEY)}, CatalogField),
        ({"items": (NAME,)}, CatalogField),
        ({"items": (KEY,) * (catalog.MAX_ITEMS + 1)}, CatalogField),
        ({"items": (KEY, replace(NAME, column=""))}, CatalogField),
        ({"items": (replace(KEY, type="X"),)}, CatalogField),
        ({"items": (replace(KEY, share_type=0),)}, CatalogField),
        ({"code": "1150700001", "items": (replace(KEY, share_type=2),)}, CatalogField),
    ],
)
def test_other_entries(changes: dict[str, Any], error: type[OrtooError]) -> None:
    with pytest.raises(error):
        catalog.check_entry(replace(ENTRY, **changes))
