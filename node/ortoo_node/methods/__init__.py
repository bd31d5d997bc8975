"""The control methods of a station, one file a subject; the CLI and programs here call them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ortoo_node.app import NodeApp
from ortoo_node.flows import flows_of
from ortoo_node.methods.catalog import catalog_methods
from ortoo_node.methods.catalog.changes import ChangeMethods
from ortoo_node.methods.catalog.lists import ListMethods
from ortoo_node.methods.catalog.sources import AttachmentMethods
from ortoo_node.methods.coordination import CoordinationMethods
from ortoo_node.methods.corrections import CorrectionMethods
from ortoo_node.methods.demands import DemandMethods
from ortoo_node.methods.dispatches import DispatchMethods
from ortoo_node.methods.file_orders import FileOrderMethods
from ortoo_node.methods.file_saving import FileSavingMethods
from ortoo_node.methods.files import FileMethods
from ortoo_node.methods.folders import FolderMethods
from ortoo_node.methods.grants import GrantMethods
from ortoo_node.methods.grants_in_use import GrantUseMethods
from ortoo_node.methods.onward import OnwardMethods
from ortoo_node.methods.publications import PublicationMethods
from ortoo_node.methods.quality import QualityMethods
from ortoo_node.methods.queries import QueryMethods
from ortoo_node.methods.requests import RequestMethods
from ortoo_node.methods.sinks import SinkMethods
from ortoo_node.methods.sources import SourceMethods
from ortoo_node.methods.subscriptions import SubscriptionMethods
from ortoo_node.methods.tokens import TokenMethods
from ortoo_node.methods.trace import TraceMethods
from ortoo_node.methods.use import UseMethods
from ortoo_node.supervision.sources import sources
from ortoo_protocol.station.accounts.methods import AccountMethods
from ortoo_protocol.station.clocks.methods import ClockMethods
from ortoo_protocol.station.common_methods import CommonMethods, Method
from ortoo_protocol.station.contacts.methods import ContactMethods
from ortoo_protocol.station.control_client import error_to
from ortoo_protocol.station.gazette.methods import AnnouncementMethods
from ortoo_protocol.station.journal.archive_methods import ArchiveMethods
from ortoo_protocol.station.journal.export import EvidenceMethods
from ortoo_protocol.station.journal.methods import JournalMethods
from ortoo_protocol.station.notify.methods import NotifyMethods
from ortoo_protocol.station.supervision import findings as supervision
from ortoo_protocol.station.supervision.methods import supervision_methods

TROUBLED = ("failed", "schema", "gone", "paused")


@dataclass
class NodeMethods:
    app: NodeApp
    common: CommonMethods
    stopping: asyncio.Event

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            **self.common.as_mapping(),
            **catalog_methods(self.app),
            **RequestMethods(self.app).as_mapping(),
            **CoordinationMethods(self.app).as_mapping(),
            **GrantMethods(self.app).as_mapping(),
            **DemandMethods(self.app).as_mapping(),
            **GrantUseMethods(self.app).as_mapping(),
            **CorrectionMethods(self.app).as_mapping(),
            **UseMethods(self.app).as_mapping(),
            **OnwardMethods(self.app).as_mapping(),
            **SubscriptionMethods(self.app).as_mapping(),
            **FolderMethods(self.app).as_mapping(),
            **QualityMethods(self.app).as_mapping(),
            **QueryMethods(self.app).as_mapping(),
            "status": self.status,
            "doctor": self.doctor,
            **PublicationMethods(self.app).as_mapping(),
            **SourceMethods(self.app).as_mapping(),
            **SinkMethods(self.app).as_mapping(),
            **FileMethods(self.app).as_mapping(),
            **FileOrderMethods(self.app).as_mapping(),
            **FileSavingMethods(self.app).as_mapping(),
            **TokenMethods(self.app).as_mapping(),
            **TraceMethods(self.app).as_mapping(),
            **JournalMethods(self.app.station, flows_of).as_mapping(),
            **EvidenceMethods(self.app.station, self.app.settings.folder).as_mapping(),
            **ArchiveMethods(self.app.station, self.app.settings.folder).as_mapping(),
            **DispatchMethods(self.app).as_mapping(),
            **ClockMethods(self.app.station).as_mapping(),
            **AnnouncementMethods(self.app.station).as_mapping(),
            **self.contacts.as_mapping(),
            **AccountMethods(self.app.station, self.app.settings.accounts).as_mapping(),
            **supervision_methods(self.app.station, sources(self.app.station.party)),
            **NotifyMethods(self.app.notifier).as_mapping(),
            "stop": self.stop,
        }

    async def status(self) -> dict[str, Any]:
        """What every party says, and what this station's data are like."""
        answer = await self.common.status()
        warnings = [*answer["warnings"], *map(error_to, await self.contacts.findings())]
        return {**answer, "warnings": warnings, **await QualityMethods(self.app).counts()}

    async def doctor(self) -> dict[str, Any]:
        """What every party checks, each subscription that does not go on by itself, and
        whether the catalog follows its sources and the law."""
        findings = (await self.common.doctor())["findings"]
        listed = await SubscriptionMethods(self.app).listed()
        for one in listed["subscriptions"]:
            if one["error"] is not None and one["state"] in TROUBLED:
                subject = f"{one['sink']}: {one['table']}"
                findings.append(
                    {"check": "sinks", "subject": subject, "level": "error", "error": one["error"]}
                )
        findings += await AttachmentMethods(self.app).findings()
        findings += await ChangeMethods(self.app).findings()
        findings += await ListMethods(self.app).findings()
        findings += await self.contacts.for_doctor()
        findings += await ClockMethods(self.app.station).findings()
        findings += await CoordinationMethods(self.app).findings()
        findings += await OnwardMethods(self.app).findings()
        findings += await NotifyMethods(self.app.notifier).findings()
        findings += await supervision.for_doctor(self.app.station)
        return {"findings": findings}

    @property
    def contacts(self) -> ContactMethods:
        return ContactMethods(self.app.station)

    async def stop(self) -> dict[str, bool]:
        self.stopping.set()
        return {"stopping": True}
