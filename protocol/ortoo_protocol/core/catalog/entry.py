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
    name_en: str = ""
    share_condition: str = ""  # of this item alone
    modes: tuple[str, ...] = ()  # none: those of the resource
    open_to_society: bool | None = None  # None: as the resource
    open_condition: str = ""
    claims: bool = False  # 数源: this resource is the one source of this datum (art. 4)
    sensitive: bool = False


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
    status: str  # published | stopped | planned (art. 33: known, not yet supplied)
    replaces_paper: str = ""  # which paper it spares the citizen (art. 20)
    compiled_by: str = ""
    secrecy_checked_by: str = ""
    approved_by: str = ""
    name_en: str = ""
    department_code: str = ""  # 提供方代码, a unified social credit code
    source_system: str = ""  # 来源信息系统
    format_other: str = ""  # what the format is when no type of the list fits
    stored_gb: str = ""  # volumes are decimal numbers as text; records in ten thousands
    records_10k: str = ""
    shared_gb: str = ""
    shared_records_10k: str = ""
    opened_gb: str = ""
    opened_records_10k: str = ""
    related_classes: tuple[str, ...] = ()  # 关联及类目名称
    grade: str = ""  # 分类分级 (Decree 809 art. 13): 一般, 重要, 核心
    impact_checked_by: str = ""  # who made the 个人信息保护影响评估 (Decree 809 art. 13)
    personal: bool = False  # holds personal information
    lead_department: str = ""  # of base and theme catalogs: who compiles them (art. 11)
    project: str = ""  # whose catalog was drafted before the project (art. 33)
    law_changed_ms: Count = 0  # when the change of law or duties was recorded (art. 9)
    reviewed_by: str = ""  # 部门审核
    filed: str = ""  # number of 登记/备案 (art. 12)
    ratified_by: str = ""  # 核定, share types 2 and 3 (art. 14)
    share_kinds: tuple[str, ...] = ()  # 共享方式类型, one text for each of `modes`


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
