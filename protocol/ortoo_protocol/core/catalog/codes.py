"""Codes of resources (信息资源代码): 类, 项, 目, 细目 / sequence, by a table that can be replaced.

After the guide: 类 one digit (1 base, 2 theme, 3 department), 项 two, 目 three, 细目 as many as the
scheme likes, then a slash and a sequence number. Inner Mongolia has a standard of its own
(DB15/T 1875): whoever has it writes it down as a table and names that in the settings; what the
table does not say is free. The built-in one has the five base catalogs and the twelve themes of
art. 7, kinds of departments, and a division as 细目: two stations never allocate the same code.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ortoo_protocol.core.catalog import divisions
from ortoo_protocol.core.catalog.elements import CATALOG_TYPES
from ortoo_protocol.core.errors import (
    CatalogCode,
    CatalogCodesFull,
    CatalogRange,
    CatalogScheme,
    CodecIdentifier,
)
from ortoo_protocol.core.ids import check_department, is_hub

LEVELS = (1, 3, 6)  # digits of 类, 类项, 类项目
_CODE = re.compile(r"([1-9])([0-9]{2})([0-9]{3})([0-9A-Z]{0,40})/([0-9A-Z]{1,16})")
_CLASS = re.compile(r"[1-9](?:[0-9]{2}(?:[0-9]{3}[0-9A-Z]{0,40})?)?")
DIVISION, FREE, NONE = "division", "free", "none"
MAX_CLASSES = 20_000


@dataclass(frozen=True)
class Parsed:
    kind: str  # 类
    group: str  # 项
    section: str  # 目
    detail: str  # 细目, perhaps empty
    sequence: str

    @property
    def prefix(self) -> str:
        return self.kind + self.group + self.section + self.detail


@dataclass(frozen=True)
class Scheme:
    """`classes`: names by their digits; a level that has none under its parent is free. `leads`:
    the lead department of a class and all below it. `detail`: what a 细目 is."""

    name: str
    classes: Mapping[str, str]
    leads: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    detail: str = DIVISION
    sequence_digits: int = 6

    def name_of(self, prefix: str) -> str:
        """Names from 类 down, as far as the table has them."""
        names = [
            self.classes[prefix[:n]] for n in (*LEVELS, len(prefix)) if prefix[:n] in self.classes
        ]
        return " / ".join(dict.fromkeys(names))

    def lead_of(self, code: str) -> str:
        """The lead department of the class of `code`; none: ""."""
        prefix = code.partition("/")[0]
        for length in range(len(prefix), 0, -1):
            if prefix[:length] in self.leads:
                return self.leads[prefix[:length]]
        return ""

    def children(self, prefix: str) -> dict[str, str]:
        """The classes one level below `prefix`, for menus."""
        deeper = [length for length in LEVELS if length > len(prefix)]
        if not deeper:
            return {}
        return {
            each: name
            for each, name in sorted(self.classes.items())
            if len(each) == deeper[0] and each.startswith(prefix)
        }


def parse(code: str) -> Parsed:
    """Raises CatalogCode."""
    found = _CODE.fullmatch(code)
    if found is None:
        raise CatalogCode(code=code[:64], detail="it is no 类 项 目 细目 / sequence")
    return Parsed(*found.groups())


def check_code(scheme: Scheme, code: str) -> Parsed:
    """Raises CatalogCode for a code that the scheme does not have."""
    parsed = parse(code)
    check_class(scheme, parsed.prefix)
    if len(parsed.sequence) != scheme.sequence_digits or not parsed.sequence.isdigit():
        raise CatalogCode(code=code, detail="its sequence number has another length")
    return parsed


def check_class(scheme: Scheme, prefix: str) -> str:
    """A class of codes, whole (类 项 目, perhaps 细目). Raises CatalogCode."""
    if not _CLASS.fullmatch(prefix) or len(prefix) < LEVELS[-1]:
        raise CatalogCode(code=prefix[:64], detail="a class has 类, 项 and 目: six digits at least")
    for parent, level in zip((0, *LEVELS), LEVELS, strict=False):
        listed = scheme.children(prefix[:parent])
        if listed and prefix[:level] not in listed:
            detail = "the scheme has no such class"
            raise CatalogCode(code=prefix, detail=detail)
    _check_detail(scheme, prefix)
    return prefix


def _check_detail(scheme: Scheme, prefix: str) -> None:
    detail = prefix[LEVELS[-1] :]
    if not detail:
        return
    if scheme.detail == DIVISION and not divisions.is_known(detail):
        raise CatalogCode(code=prefix, detail="its 细目 is no division of the region")
    if scheme.detail == NONE:
        raise CatalogCode(code=prefix, detail="the scheme has no 细目")


def class_for(scheme: Scheme, given: str, party: str) -> str:
    """The class that `given` (perhaps without 细目) means at `party`: with its division, where the
    scheme has divisions as 细目."""
    prefix = check_class(scheme, given)
    if scheme.detail == DIVISION and len(prefix) == LEVELS[-1]:
        return check_class(scheme, prefix + party[1:])
    return prefix


def check_range(scheme: Scheme, code: str, party: str, parties: Iterable[str]) -> None:
    """Refuse a code whose 细目 is a division of another of the stations `parties`: of those whose
    territory holds a division it is the nearest's. Raises CatalogRange."""
    found = _CODE.fullmatch(code)
    division = found.group(4) if found else ""
    if scheme.detail != DIVISION or not divisions.is_known(division):
        return
    stations = {party, *(each for each in parties if not is_hub(each))}
    holders = [each for each in stations if divisions.is_within(division, each[1:])]
    owner = max(holders, key=lambda each: len(divisions.territory(each[1:])), default="")
    if owner != party:
        raise CatalogRange(code=code, division=division, owner=owner or division)


def allocate(scheme: Scheme, prefix: str, taken: Iterable[str]) -> str:
    """The next code of a class: one above the highest of `taken`, so none is ever given twice.

    Raises CatalogCodesFull.
    """
    highest = 0
    for code in taken:
        head, slash, sequence = code.partition("/")
        if slash and head == prefix and sequence.isdigit():
            highest = max(highest, int(sequence))
    if highest + 1 >= 10**scheme.sequence_digits:
        raise CatalogCodesFull(prefix=prefix)
    return f"{prefix}/{highest + 1:0{scheme.sequence_digits}d}"


# --- tables -------------------------------------------------------------------------------------


def from_toml(text: str) -> Scheme:
    """A scheme written as TOML: name, detail, sequence_digits, [classes], [leads].

    Raises CatalogScheme.
    """
    try:
        given = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise CatalogScheme(detail=str(error)) from None
    unknown = given.keys() - {"name", "detail", "sequence_digits", "classes", "leads"}
    if unknown:
        raise CatalogScheme(detail=f"{min(unknown)}?")
    return _made(
        given.get("name", ""),
        given.get("classes", {}),
        given.get("leads", {}),
        given.get("detail", DIVISION),
        given.get("sequence_digits", 6),
    )


def from_csv(text: str, name: str) -> Scheme:
    """A scheme written as CSV: columns code, name and, if wished, lead. Raises CatalogScheme."""
    try:
        rows = list(csv.DictReader(text.lstrip("\ufeff").splitlines(), strict=True))
    except csv.Error as error:
        raise CatalogScheme(detail=str(error)) from None
    classes, leads = {}, {}
    for row in rows:
        code, title = (row.get("code") or "").strip(), (row.get("name") or "").strip()
        if code in classes:
            raise CatalogScheme(detail=f"{code}: twice")
        classes[code] = title
        if (row.get("lead") or "").strip():
            leads[code] = row["lead"].strip()
    return _made(name, classes, leads, DIVISION, 6)


def _made(name: Any, classes: Any, leads: Any, detail: Any, sequence_digits: Any) -> Scheme:
    if not isinstance(classes, dict) or not isinstance(leads, dict) or not isinstance(name, str):
        raise CatalogScheme(detail="name is a text, classes and leads are tables")
    if not 1 <= len(classes) <= MAX_CLASSES:
        raise CatalogScheme(detail=f"{len(classes)} classes")
    if detail not in (DIVISION, FREE, NONE):
        raise CatalogScheme(detail=f"detail = {detail!r}")
    if type(sequence_digits) is not int or not 1 <= sequence_digits <= 16:
        raise CatalogScheme(detail=f"sequence_digits = {sequence_digits!r}")
    for code, title in classes.items():
        _check_listed(code, title, classes)
    for code, lead in leads.items():
        try:
            check_department(lead)
        except CodecIdentifier:
            raise CatalogScheme(detail=f"{code}: {lead}") from None
    return Scheme(name, MappingProxyType(classes), MappingProxyType(leads), detail, sequence_digits)


def _check_listed(code: str, title: Any, classes: Mapping[str, Any]) -> None:
    if not _CLASS.fullmatch(code) or (len(code) < LEVELS[-1] and len(code) not in LEVELS):
        raise CatalogScheme(detail=f"{code!r}")
    if code[0] not in CATALOG_TYPES:
        raise CatalogScheme(detail=f"{code!r}: 1, 2, 3")
    if not isinstance(title, str) or not title.strip():
        raise CatalogScheme(detail=f"{code!r} = {title!r}")
    parents = [length for length in LEVELS if length < len(code)]
    if parents and code[: parents[-1]] not in classes:
        raise CatalogScheme(detail=f"{code!r} < {code[: parents[-1]]!r}?")


# --- the built-in table -------------------------------------------------------------------------

_BASES = ("人口", "法人单位", "自然资源和空间地理", "社会信用", "电子证照")
_THEMES = (
    *("公共服务", "健康保障", "社会保障", "食品药品安全", "安全生产", "价格监管"),
    *("能源安全", "信用体系", "城乡建设", "社区治理", "生态环保", "应急维稳"),
)
_DEPARTMENTS = (
    *("政府办公", "发展和改革", "教育", "科学技术", "工业和信息化", "公安", "民政", "司法行政"),
    *("财政", "人力资源和社会保障", "自然资源", "生态环境", "住房和城乡建设", "交通运输", "水利"),
    *("农牧", "商务", "文化和旅游", "卫生健康", "退役军人事务", "应急管理", "审计", "外事"),
    *("国有资产监督管理", "市场监督管理", "广播电视", "体育", "统计", "医疗保障", "林业和草原"),
    *(
        "能源",
        "民族事务",
        "政务服务与数据管理",
        "信访",
        "国防动员",
        "税务",
        "气象",
        "网络安全和信息化",
    ),
    *("消防救援", "邮政管理", "烟草专卖", "海关", "金融监管", "残疾人工作", "红十字会"),
)
OTHER_DEPARTMENTS = "399"


def _built_in() -> Scheme:
    classes = dict(CATALOG_TYPES)
    for kind, names in (("1", _BASES), ("2", _THEMES), ("3", _DEPARTMENTS)):
        classes |= {f"{kind}{number:02d}": name for number, name in enumerate(names, 1)}
    classes[OTHER_DEPARTMENTS] = "其他部门"
    return Scheme("built-in", MappingProxyType(classes))


BUILT_IN = _built_in()
