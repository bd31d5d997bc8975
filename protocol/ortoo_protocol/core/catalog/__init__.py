"""The catalog (目录): what its entries are, and what they must be. Pure, as all of the core."""

from ortoo_protocol.core.catalog.elements import (
    CONDITIONAL,
    CYCLES,
    ITEM_TYPES,
    NOT_SHARED,
    UNCONDITIONAL,
)
from ortoo_protocol.core.catalog.entry import (
    MAX_ITEMS,
    MAX_LISTED,
    MAX_NAME_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    Entry,
    Federated,
    Item,
    Refusal,
)
from ortoo_protocol.core.catalog.law import check_entry

__all__ = [
    "CONDITIONAL",
    "CYCLES",
    "ITEM_TYPES",
    "MAX_ITEMS",
    "MAX_LISTED",
    "MAX_NAME_CHARACTERS",
    "MAX_TEXT_CHARACTERS",
    "NOT_SHARED",
    "UNCONDITIONAL",
    "Entry",
    "Federated",
    "Item",
    "Refusal",
    "check_entry",
]
