"""The catalog in numbers: by kind, share type, theme, league and department, and how fresh it is.

Counted from the index alone: no entry is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from ortoo_protocol.core.catalog.elements import STOPPED
from ortoo_protocol.core.catalog.freshness import STATES, Judged
from ortoo_protocol.station.catalog.searching import judged, state_of
from ortoo_protocol.station.catalog.wanted import ANYTHING, Filter
from ortoo_protocol.station.store.tables import catalog_index

_I = catalog_index.c
SHARES = ("1", "2", "3")
# What is counted by: the columns that make a group.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "kind": ("kind",),
    "theme": ("theme",),
    "league": ("league",),
    "department": ("department", "provider", "league"),
    "cycle": ("cycle",),
    "mode": ("modes",),
}


@dataclass
class Count:
    """Entries of one group; what was stopped counts in `stopped` alone. `shares` by share type,
    `freshness` by state."""

    entries: int = 0
    items: int = 0
    stopped: int = 0
    shares: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SHARES, 0))
    freshness: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))

    def add(self, share: str, state: str, status: str, entries: int, items: int) -> None:
        if status == STOPPED:
            self.stopped += entries
            return
        self.entries += entries
        self.items += items
        self.shares[share] = self.shares.get(share, 0) + entries
        self.freshness[state] += entries

    def plain(self) -> dict[str, Any]:
        return {
            "entries": self.entries,
            "items": self.items,
            "stopped": self.stopped,
            "shares": self.shares,
            "freshness": self.freshness,
        }


def statistics(conn: Connection, now_ms: int, chosen: Filter = ANYTHING) -> dict[str, Any]:
    """All of it as plain values; of `chosen` provider, league and department count. Groups with the
    most entries come first."""
    where = _where(chosen)
    by = judged(conn, now_ms)
    counted = {name: _counted(conn, by, GROUPS[name], where) for name in GROUPS}
    whole = Count()
    for part in counted["kind"].values():
        _join(whole, part)
    counted["mode"] = _by_mode(counted["mode"])
    names = _department_names(conn)
    found: dict[str, Any] = {"now_ms": now_ms, "total": whole.plain()}
    for name, groups in counted.items():
        found[name] = [
            {**_named(name, group, names), **count.plain()} for group, count in _sorted(groups)
        ]
    return found


def _where(chosen: Filter) -> list[ColumnElement[bool]]:
    named = "department" if chosen.department.isascii() else "department_name"
    given = {
        "provider": chosen.provider,
        "league": chosen.league,
        named: chosen.department,
    }
    return [catalog_index.c[name] == value for name, value in given.items() if value]


Groups = dict[tuple[str, ...], Count]


def _counted(
    conn: Connection, by: Judged, group: Sequence[str], where: Sequence[ColumnElement[bool]]
) -> Groups:
    columns = [
        *(catalog_index.c[name] for name in group), _I.share, state_of(by).label("state"),
        _I.status,
    ]  # fmt: skip
    query = select(*columns, func.count(), func.sum(_I["items"])).where(*where).group_by(*columns)
    found: Groups = {}
    for row in map(tuple, conn.execute(query)):
        share, state, status, entries, items = row[len(group) :]
        count = found.setdefault(tuple(map(str, row[: len(group)])), Count())
        count.add(str(share), state, status, int(entries), int(items))
    return found


def _by_mode(groups: Groups) -> Groups:
    """An entry of two modes counts for each."""
    found: Groups = {}
    for (modes,), count in groups.items():
        for mode in modes.split():
            _join(found.setdefault((mode,), Count()), count)
    return found


def _join(into: Count, part: Count) -> None:
    into.entries += part.entries
    into.items += part.items
    into.stopped += part.stopped
    for share, number in part.shares.items():
        into.shares[share] = into.shares.get(share, 0) + number
    for state, number in part.freshness.items():
        into.freshness[state] += number


def _department_names(conn: Connection) -> Mapping[str, str]:
    query = select(_I.department, func.max(_I.department_name)).group_by(_I.department)
    return {code: name for code, name in map(tuple, conn.execute(query))}


def _sorted(groups: Groups) -> Iterable[tuple[tuple[str, ...], Count]]:
    return sorted(groups.items(), key=lambda pair: (-pair[1].entries, pair[0]))


def _named(name: str, group: tuple[str, ...], departments: Mapping[str, str]) -> dict[str, str]:
    if name != "department":
        return {"value": group[0]}
    code, provider, league = group
    return {
        "value": code,
        "name": departments.get(code, ""),
        "provider": provider,
        "league": league,
    }
