"""Whole catalogs as departments keep them: imported from a file, all of it or nothing.

`data/inner-mongolia-catalog.csv` has 400 resources of the departments of region and leagues; each
station of the plane takes those of its own.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from ortoo_demo.checks import check
from ortoo_demo.plane import Plane
from ortoo_demo.texts import Text

FILE = "inner-mongolia-catalog.csv"
_NAME, _CODE = "信息资源提供方", "信息资源提供方代码"
_DIVISION = slice(2, 8)  # in a unified social credit code
_HEADS = 2  # a title and the headings
Rows = Sequence[Sequence[str]]


@cache
def _rows() -> Rows:
    text = files("ortoo_demo").joinpath("data", FILE).read_text(encoding="utf-8")
    return list(csv.reader(text.splitlines()))


def of_station(station: str) -> Rows:
    """The title, the headings, and the rows of the departments of a station."""
    rows = _rows()
    place, chosen, mine = rows[_HEADS - 1].index(_CODE), list(rows[:_HEADS]), False
    for row in rows[_HEADS:]:
        # A resource's own cells are written once, above its items.
        mine = row[place][_DIVISION] == station[1:] if row[place] else mine
        if mine:
            chosen.append(row)
    return chosen


def departments(station: str) -> dict[str, str]:
    """Codes and names of the departments that have resources in the catalog."""
    rows = of_station(station)
    code, name = rows[_HEADS - 1].index(_CODE), rows[_HEADS - 1].index(_NAME)
    return {row[code]: row[name] for row in rows[_HEADS:] if row[code]}


def resources(station: str) -> int:
    rows = of_station(station)
    code = rows[_HEADS - 1].index(_CODE)
    return sum(1 for row in rows[_HEADS:] if row[code])


def imported(plane: Plane) -> Text:
    """A file with one wrong check digit leaves nothing behind but a marked copy; the right one
    becomes entries of the region's catalog."""
    stations = plane.cast.stations
    counts = dict(zip(stations, plane.pool.map(lambda s: _import(plane, s), stations), strict=True))
    wanted = sum(counts.values()) + len(plane.cast.resources)
    for party in stations:
        plane.patience.until(
            lambda p=party: plane.call(p, "catalog.list", limit=1)["total"] == wanted,  # type: ignore[misc]
            f"{wanted} entries are in the catalog of {party}",
        )
    total = sum(counts.values())
    return Text(
        f"{len(stations)} 个节点从表格文件导入 {total} 条目录，到达各方；"
        "校验码有误的文件整份退回，并逐格标注",
        f"{len(stations)} stations imported {total} entries from files, and all hold them; a file"
        " with a wrong check digit came back whole, its cell marked",
    )


def _refuse_whole(plane: Plane, station: str) -> None:
    rows = _with_a_wrong_digit(of_station(station))
    wrong = _write(plane.desk(f"catalog-{station}-wrong.csv"), rows)
    marked = plane.desk(f"catalog-{station}-marked.xlsx")
    found = plane.refused(station, *_taken(wrong), "--marked", str(marked))
    check(found == "catalog.sheet-problems", f"a wrong check digit was met with {found}")
    check(marked.exists(), f"{marked} was not written")


def _import(plane: Plane, station: str) -> int:
    if station == plane.cast.stations[0]:
        _refuse_whole(plane, station)
    file = _write(plane.desk(f"catalog-{station}.csv"), of_station(station))
    count = int(plane.cli(station, *_taken(file))["resources"])
    check(count == resources(station), f"{station} took {count} of {resources(station)} resources")
    return count


def _taken(file: Path) -> tuple[str, ...]:
    return ("catalog", "import", str(file), "--by", "编目员甲", "--publish")


def _with_a_wrong_digit(rows: Rows) -> Rows:
    place = rows[_HEADS - 1].index(_CODE)
    last = max(number for number, row in enumerate(rows) if number >= _HEADS and row[place])
    changed = list(rows[last])
    code = changed[place]
    changed[place] = code[:-1] + ("0" if code[-1] != "0" else "1")
    return [*rows[:last], changed, *rows[last + 1 :]]


def _write(file: Path, rows: Rows) -> Path:
    """As spreadsheet programs in China write CSV."""
    with file.open("w", encoding="gb18030", newline="") as out:
        csv.writer(out).writerows(rows)
    return file
