"""catalog.draft.*, catalog.step, catalog.codes: entries on their way from compiled to stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ortoo_node.app import NodeApp
from ortoo_node.catalog import drafts, mirror, steps
from ortoo_node.catalog.drafts import Draft
from ortoo_protocol.core.catalog.intake import problems
from ortoo_protocol.core.catalog.law import Problem
from ortoo_protocol.core.catalog.steps import OPEN_STATES
from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.core.law.profiles import Profile, profile_named
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.control_client import error_to


def problem_view(problem: Problem) -> dict[str, Any]:
    """As it crosses to people: the field, the item's place (from 0) or nothing, the error."""
    return {
        "field": problem.field,
        "item": problem.item_index,
        "error": error_to(problem.error),
    }


def draft_view(draft: Draft) -> dict[str, Any]:
    names = ("draft", "code", "version", "name", "department", "compiled_by", "filed")
    times = ("created_ms", "changed_ms")
    made = {name: getattr(draft, name) for name in (*names, *times)}
    return {**made, "state": draft.state.value, "share_type": draft.fields.get("share_type", 1)}


@dataclass
class StepMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "catalog.draft.save": self.save,
            "catalog.draft.list": self.listed,
            "catalog.draft.show": self.show,
            "catalog.check": self.check,
            "catalog.step": self.step,
            "catalog.step.many": self.step_many,
            "catalog.codes": self.codes,
        }

    async def save(
        self,
        entry: dict[str, Any],
        by: str,
        why: str = "",
        draft: str = "",
        revision: int = -1,
        department: str = "",
    ) -> dict[str, Any]:
        """Keep what somebody compiled; says what still has to be mended before its review.

        `revision`: how many steps the draft had when it was read, 0 for a new one, -1 for whatever
        is there. `department`: whose drafts and entries alone may be touched; empty: anybody's.
        """

        def job(tx: Tx) -> tuple[Draft, int]:
            drafts.check_unchanged(tx.conn, entry, draft, revision, department)
            saved = drafts.save_draft(tx, entry, by, why, draft)
            return saved, len(drafts.steps_of(tx.conn, saved.draft))

        saved, now = await self.app.station.write(job)
        return {
            "draft": draft_view(saved),
            "revision": now,
            "problems": self._problems(saved.fields),
        }

    async def check(self, entry: dict[str, Any]) -> dict[str, Any]:
        """What is wrong with an entry, without keeping it."""
        return {"problems": self._problems(entry)}

    async def listed(
        self,
        states: Sequence[str] = (),
        department: str = "",
        limit: int = drafts.MOST_LISTED,
        offset: int = 0,
    ) -> dict[str, Any]:
        """What changed last first, a part at a time."""
        limit, offset = max(1, min(limit, drafts.MOST_LISTED)), max(0, offset)

        def read(conn: Connection) -> list[Draft]:
            return drafts.listed(conn, tuple(states), department, limit, offset)

        return {"drafts": [draft_view(each) for each in await self.app.station.read(read)]}

    async def show(self, draft: str) -> dict[str, Any]:
        """A draft, its fields, every step it went through, and those that are open."""

        def read(conn: Connection) -> dict[str, Any]:
            found = drafts.find(conn, draft)
            names = ("act", "before", "after", "who", "why", "time_ms")
            rows = drafts.steps_of(conn, found.draft)
            open_ = found.state in OPEN_STATES
            return {
                "draft": draft_view(found),
                "entry": dict(found.fields),
                "steps": [{name: getattr(row, name) for name in names} for row in rows],
                "next": steps.open_steps(self._profile, found),
                "problems": self._problems(found.fields) if open_ else [],
                "refusals": [
                    {name: getattr(row, name) for name in ("version", "error", "reason", "time_ms")}
                    for row in mirror.refusals_of(conn, found.code)
                ],
            }

        return await self.app.station.read(read)

    async def step(self, draft: str, act: str, by: str, why: str = "") -> dict[str, Any]:
        def job(tx: Tx) -> Draft:
            return steps.act(tx, draft, act, by, why, self.app.rules)

        return draft_view(await self.app.station.write(job))

    async def step_many(
        self, drafts: Sequence[str], act: str, by: str, why: str = ""
    ) -> dict[str, Any]:
        """The same step of many drafts, each in a transaction of its own: what one is refused for
        holds up no other."""
        taken: list[dict[str, Any]] = []
        refused: list[dict[str, Any]] = []
        for draft in drafts:
            try:
                taken.append(await self.step(draft, act, by, why))
            except OrtooError as error:
                refused.append({"draft": draft, "error": error_to(error)})
        return {"taken": taken, "refused": refused}

    async def codes(self, prefix: str = "") -> dict[str, Any]:
        """Classes of codes below `prefix`, with names and lead departments."""
        scheme = self.app.rules.scheme
        children = scheme.children(prefix)
        return {
            "scheme": scheme.name,
            "classes": [
                {"code": code, "name": name, "lead": scheme.lead_of(code)}
                for code, name in children.items()
            ],
        }

    @property
    def _profile(self) -> Profile:
        return profile_named(self.app.station.parts.trust.current.profile)

    def _problems(self, fields: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [problem_view(each) for each in problems(fields, self._profile)]
