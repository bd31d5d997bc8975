"""publication.list, publication.set: what is published from where, when, and how that went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection

from ortoo_node import catalog
from ortoo_node.app import NodeApp
from ortoo_node.catalog.mirror import resource_name
from ortoo_node.publishing import plans, rejects
from ortoo_node.publishing.listening import can_tell
from ortoo_node.quality import store
from ortoo_node.sources.tables import Capture, How
from ortoo_protocol.core.errors import CatalogOwner, PublicationOption
from ortoo_protocol.station.common_methods import Method


@dataclass
class PublicationMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {"publication.list": self.listed, "publication.set": self.set}

    async def listed(self) -> dict[str, Any]:
        def read(conn: Connection) -> list[dict[str, Any]]:
            open_rejects, runs = rejects.counts(conn), store.runs(conn)
            return [
                {
                    **each,
                    "resource_name": resource_name(conn, each["resource"]),
                    "rejects": open_rejects.get(each["resource"], 0),
                    "warned": store.warned(runs.get(each["resource"])),
                }
                for each in plans.listed(conn)
            ]

        return {"publications": await self.app.station.read(read)}

    async def set(
        self,
        resource: str,
        source: str | None = None,
        table: str | None = None,
        capture: str | None = None,
        watermark: str | None = None,
        overlap: int | None = None,
        whole_every_s: int | None = None,
        every_s: int | None = None,
        follow: bool | None = None,
    ) -> dict[str, Any]:
        """What is not given stays as it was."""
        station = self.app.station
        entry = await station.read(lambda conn: catalog.entry(conn, resource))
        if entry.provider != station.party:
            raise CatalogOwner(resource=resource)
        plan = await station.read(lambda conn: plans.plan_of(conn, resource))
        how = plan.capture.how if capture is None else _how(capture)
        old = plan.capture
        found = Capture(
            how,
            old.watermark if watermark is None else watermark,
            _check(old.overlap if overlap is None else overlap, "overlap"),
            _check(old.whole_every_s if whole_every_s is None else whole_every_s, "whole_every_s"),
        )
        if how is How.WATERMARK and not found.watermark:
            raise PublicationOption(option="watermark", detail="it needs the name of a column")
        plan = replace(
            plan,
            capture=found,
            every_s=_check(plan.every_s if every_s is None else every_s, "every_s"),
            follow=plan.follow if follow is None else follow,
        )
        place = await self.app.publisher.place(resource, source, table)
        if plan.follow and not self._tells(place.source):
            raise PublicationOption(option="follow", detail="only PostgreSQL tells of changes")
        await station.write(partial(plans.keep, resource=resource, plan=plan))
        self.app.schedule.changed.set()
        listed = await self.listed()
        return next(one for one in listed["publications"] if one["resource"] == resource)

    def _tells(self, source: str) -> bool:
        settings = self.app.settings
        if not any(each.name == source for each in settings.sources):
            return False
        return can_tell(settings.source(source).read_url(), source)


def _how(capture: str) -> How:
    try:
        return How(capture)
    except ValueError:
        detail = f"{capture!r} is none of {', '.join(How)}"
        raise PublicationOption(option="capture", detail=detail) from None


def _check(value: int, option: str) -> int:
    if not 0 <= value < 1 << 31:
        raise PublicationOption(option=option, detail=f"{value} is out of range")
    return value
