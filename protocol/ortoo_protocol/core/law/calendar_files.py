"""The calendar of a year as a file: CSV (day, kind, name) or JSON, as an office can write it.

    day,kind,name
    2027-01-01,off,元旦

    {"year": 2027, "source": "国办发明电〔2026〕…号",
     "days": [{"day": "2027-01-01", "kind": "off", "name": "元旦"}]}

The kind is `off` (放假, 休) or `work` (上班, 班): a weekend that is worked (调休). Days that are as
their weekday says may be left out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from ortoo_protocol.core.errors import CalendarFile, CalendarInvalid
from ortoo_protocol.core.law.workdays import NamedDay, date_of

MAX_CHARACTERS = 64_000
OFF, WORK = "off", "work"
_KINDS: Mapping[str, bool] = MappingProxyType(
    {OFF: False, "放假": False, "休": False, WORK: True, "上班": True, "班": True}
)
_COLUMNS: Mapping[str, str] = MappingProxyType(
    {"day": "day", "日期": "day", "kind": "kind", "类型": "kind", "name": "name", "名称": "name"}
)


class _Day(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    day: str
    kind: str
    name: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    year: int
    days: tuple[_Day, ...]
    source: str = ""


@dataclass(frozen=True)
class FileYear:
    """What a file says; `source` is empty where it does not (CSV)."""

    year: int
    source: str
    days: tuple[NamedDay, ...]


def read(text: str, path: str) -> FileYear:
    """Raises CalendarFile, with the line where one is to blame."""
    if len(text) > MAX_CHARACTERS:
        raise CalendarFile(path=path, detail=f"more than {MAX_CHARACTERS:,} characters")
    text = text.lstrip("\ufeff")
    found = _read_json(text, path) if text.lstrip()[:1] == "{" else _read_csv(text, path)
    years = {each.day[:4] for each in found.days}
    if len(years) > 1:
        raise CalendarFile(path=path, detail=f"days of {len(years)} years; one file is one year")
    return found


def _read_json(text: str, path: str) -> FileYear:
    try:
        body = msgspec.json.decode(text.encode(), type=_File)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise CalendarFile(path=path, detail=error) from None
    days = [_named(each, path, f"day {place}") for place, each in enumerate(body.days, 1)]
    return FileYear(body.year, body.source, _ordered(days))


def _read_csv(text: str, path: str) -> FileYear:
    rows = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        names = [_COLUMNS.get(cell.strip(), "") for cell in next(rows, [])]
        if {"day", "kind"} - set(names):
            raise CalendarFile(path=path, detail="the first line names no columns day and kind")
        days = []
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            one = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name}
            where = f"line {rows.line_num}"
            day = _Day(one.get("day", ""), one.get("kind", ""), one.get("name", ""))
            days.append(_named(day, path, where))
    except csv.Error as error:
        raise CalendarFile(path=path, detail=f"line {rows.line_num}: {error}") from None
    if not days:
        raise CalendarFile(path=path, detail="no days")
    ordered = _ordered(days)
    return FileYear(int(ordered[0].day[:4]), "", ordered)


def _named(day: _Day, path: str, where: str) -> NamedDay:
    if day.kind not in _KINDS:
        raise CalendarFile(path=path, detail=f"{where}: {day.kind[:40]!r} is neither off nor work")
    try:
        date_of(day.day)
    except CalendarInvalid as error:
        raise CalendarFile(path=path, detail=f"{where}: {error.facts['detail']}") from None
    return NamedDay(day.day, _KINDS[day.kind], day.name)


def _ordered(days: Iterable[NamedDay]) -> tuple[NamedDay, ...]:
    return tuple(sorted(days, key=lambda each: each.day))


def kind_of(working: bool) -> str:
    return WORK if working else OFF


class _Lines(list[str]):
    """What csv writes to."""

    def write(self, line: str) -> None:
        self.append(line)


def write_csv(days: Iterable[NamedDay]) -> str:
    out = _Lines()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("day", "kind", "name"))
    writer.writerows((each.day, kind_of(each.working), each.name) for each in days)
    return "".join(out)


def write_json(year: int, source: str, days: Iterable[NamedDay]) -> str:
    listed = tuple(_Day(each.day, kind_of(each.working), each.name) for each in days)
    body = msgspec.json.encode(_File(year, listed, source))
    return msgspec.json.format(body, indent=2).decode() + "\n"
