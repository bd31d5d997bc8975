"""catalog.propose, catalog.attach, catalog.drift: resources and where their data come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ortoo_node.app import NodeApp
from ortoo_node.catalog import attachment, drafts
from ortoo_node.catalog.attachment import QUERY, TABLE, Place
from ortoo_protocol.core.errors import CatalogDrifted, OrtooError
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.control_client import error_to


@dataclass
class AttachmentMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "catalog.propose": self.propose,
            "catalog.attach": self.attach,
            "catalog.detach": self.detach,
            "catalog.drift": self.drift,
        }

    async def propose(
        self, source: str, table: str, draft: str = "", by: str = ""
    ) -> dict[str, Any]:
        """Items for an entry over `table`; with `draft` they become that draft's."""
        items = await self.app.attachments.propose(source, table)
        if draft:
            await self.app.station.write(partial(_put_items, draft=draft, items=items, by=by))
        return {"items": items, "draft": draft}

    async def attach(
        self, resource: str, source: str = "", table: str = "", query: str = "", by: str = ""
    ) -> dict[str, Any]:
        """Tie a resource to a table, view, pattern of files, or a declared query."""
        place = Place(resource, QUERY if query else TABLE, source, query or table)
        onward = self.app.publisher.onward
        async with onward.lock:
            if place.kind == TABLE:
                await onward.check_source(resource, source, table)
            return (await self.app.attachments.attach(place, by)).view()

    async def detach(self, resource: str) -> dict[str, Any]:
        await self.app.station.write(lambda tx: attachment.detach(tx, resource))
        return {"resource": resource}

    async def drift(
        self, resource: str = "", now: bool = False, limit: int = 0, offset: int = 0
    ) -> dict[str, Any]:
        """What the last looks found, by resource; `now`: look again first. `limit` 0: all."""
        if now and resource:
            await self.app.attachments.check(resource)
        elif now:
            await self.app.attachments.check_all()
        found = await self.app.station.read(lambda conn: attachment.looked(conn, resource))
        end = offset + limit if limit > 0 else None
        return {"places": [each.view() for each in found[max(0, offset) : end]]}

    async def findings(self) -> list[dict[str, Any]]:
        """For doctor: what differs, and sources that nobody could look at."""
        found = await self.app.station.read(attachment.looked)
        return [
            {
                "check": "catalog",
                "subject": each.place.resource,
                "level": "warning",
                "error": each.error or error_to(_drifted(each)),
            }
            for each in found
            if each.drift or each.error
        ]


def _drifted(found: attachment.Looked) -> OrtooError:
    return CatalogDrifted(resource=found.place.resource, count=len(found.drift))


def _put_items(tx: Tx, draft: str, items: list[dict[str, Any]], by: str) -> None:
    """What a person wrote of an item stays; its type, length and key are the source's."""
    found = drafts.find(tx.conn, draft)
    written = {
        item.get("column") or item.get("name_en") or item.get("name", ""): item
        for item in found.fields.get("items", ())
    }
    merged = [{**written.get(item["column"], {}), **_of_source(item, written)} for item in items]
    drafts.save_draft(tx, {**found.fields, "items": merged}, by, "", found.draft)


def _of_source(item: dict[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(item)
    if item["column"] in written:
        made["name"] = written[item["column"]].get("name") or item["name"]
    return made
