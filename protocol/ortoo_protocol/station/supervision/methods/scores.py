"""supervise.evaluate, supervise.standard: points, by whose weights, and the same once more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from ortoo_protocol.core.supervision.leads import RULES
from ortoo_protocol.core.supervision.scores import Bound, Indicator, Standard, bounds_of
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.supervision import evaluating, standards
from ortoo_protocol.station.supervision.methods.desk import Desk


class GivenIndicator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An indicator as people write it: fields by name."""

    code: str
    weight: int
    part: str
    zero: int
    full: int
    title: str = ""
    whole: str = ""


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    indicators: tuple[GivenIndicator, ...]
    bounds: dict[str, int] = {}

    def standard(self) -> Standard:
        names = Indicator.__struct_fields__
        return Standard(
            indicators=tuple(
                Indicator(*(getattr(each, name) for name in names)) for each in self.indicators
            ),
            bounds=tuple(Bound(rule, least) for rule, least in self.bounds.items()),
        )


@dataclass(frozen=True)
class ScoreMethods(Desk):
    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "supervise.evaluate": self.evaluate,
            "supervise.evaluations": self.listed,
            "supervise.evaluation": self.show,
            "supervise.standard": self.standard,
            "supervise.standard.put": self.put,
        }

    async def evaluate(self, by: str, period: str = "") -> dict[str, Any]:
        name, _ = self.period(period)
        counter = self.counter

        def job(tx: Tx) -> dict[str, Any]:
            evaluation = evaluating.run(tx, counter, name, by)
            return _view(tx.conn, evaluating.find(tx.conn, evaluation))

        return await self.station.write(job)

    async def listed(self) -> dict[str, Any]:
        rows = await self.station.read(evaluating.listed)
        names = ("evaluation", "period", "standard", "by", "time_ms")
        return {"evaluations": [{name: getattr(row, name) for name in names} for row in rows]}

    async def show(self, evaluation: str) -> dict[str, Any]:
        return await self.station.read(lambda conn: _view(conn, evaluating.find(conn, evaluation)))

    async def standard(self, version: int = -1) -> dict[str, Any]:
        """The one in force, or an earlier one, and who changed it when and why."""

        def read(conn: Connection) -> dict[str, Any]:
            current, chosen = standards.current(conn)
            if version >= 0:
                current, chosen = version, standards.numbered(conn, version)
            names = ("version", "by", "reason", "time_ms")
            return {
                "version": current,
                **standards.view(chosen),
                "rules": [
                    {
                        "rule": rule.code,
                        "violation": rule.violation.value,
                        "at_least": bounds_of(chosen).get(rule.code, rule.at_least),
                    }
                    for rule in RULES
                ],
                "history": [
                    {name: getattr(row, name) for name in names} for row in standards.history(conn)
                ],
            }

        return await self.station.read(read)

    async def put(self, standard: Given, by: str, reason: str) -> dict[str, Any]:
        made = standard.standard()
        version = await self.station.write(lambda tx: standards.put(tx, made, by, reason))
        return {"version": version}


def _view(conn: Connection, row: Row[Any]) -> dict[str, Any]:
    """`same`: whether the kept figures give the kept result again."""
    entries, result = evaluating.entries_of(row), evaluating.result_of(row)
    names = {(each.party, each.department): each.name for each in entries.subjects}
    return {
        "evaluation": row.evaluation,
        "period": row.period,
        "standard": row.standard,
        "by": row.by,
        "time_ms": row.time_ms,
        "same": evaluating.again(conn, row.standard, entries) == result,
        **standards.view(standards.numbered(conn, row.standard)),
        "ranked": [
            {
                "party": each.party,
                "department": each.department,
                "name": names[each.party, each.department],
                "rank": each.rank,
                "total": each.total,
                "points": each.points,
                "weight": each.weight,
                "scores": [
                    {name: getattr(score, name) for name in score.__struct_fields__}
                    for score in each.scores
                ],
            }
            for each in result.ranked
        ],
    }
