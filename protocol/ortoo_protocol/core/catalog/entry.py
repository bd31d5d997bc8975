"""The catalog entry (目录条目): what a department says it holds.

After 《政务信息资源目录编制指南（试行）》.
"""

from __future__ import annotations

from ortoo_protocol.core.codec import Count, Shape
from ortoo_protocol.core.ids import ColumnName, FeedId, PartyId

MAX_ITEMS = 1_000
MAX_NAME_CHARACTERS = 200
MAX_TEXT_CHARACTERS = 4_000
MAX_LISTED = 100  # modes, purposes, related resources


class Item(Shape, frozen=True):
    """信息项: one datum of a resource. `column` is its name in the rows that are exchanged."""

    name: str
    column: ColumnName
    type: str
    length: Count
    share_type: Count
    base: bool = False  # 基础信息项, else 业务信息项 (art. 14)
    key: bool = False
    remark: str = ""


class Entry(Shape, frozen=True):
    """政务信息资源: one resource. Immutable; a change is the same code with a higher version."""

    code: str
    version: Count
    name: str
    provider: PartyId
    department: str
    department_name: str
    office: str
    abstract: str
    format_class: Count
    format_type: str
    items: tuple[Item, ...]
    share_type: Count
    share_condition: str
    basis: str
    modes: tuple[str, ...]
    purposes: tuple[str, ...]
    open_to_society: bool
    open_condition: str
    cycle: str
    published_ms: Count
    related: tuple[str, ...]
    feed: FeedId
    status: str  # published | stopped
    replaces_paper: str = ""  # which paper it spares the citizen (art. 20)
    compiled_by: str = ""
    secrecy_checked_by: str = ""
    approved_by: str = ""


class Federated(Shape, frozen=True):
    """An entry as the hub passes it on: the provider's signed envelope, untouched."""

    envelope: bytes
    accepted_ms: Count


class Refusal(Shape, frozen=True):
    """The hub does not take an entry into the regional catalog; the compiler learns why."""

    code: str
    version: Count
    error: str
    reason: str
