"""catalog.*, one file a subject."""

from __future__ import annotations

from collections.abc import Mapping

from ortoo_node.app import NodeApp
from ortoo_node.methods.catalog.changes import ChangeMethods
from ortoo_node.methods.catalog.entries import EntryMethods, party_name
from ortoo_node.methods.catalog.lists import ListMethods
from ortoo_node.methods.catalog.sheets import SheetMethods
from ortoo_node.methods.catalog.sources import AttachmentMethods
from ortoo_node.methods.catalog.steps import StepMethods
from ortoo_protocol.station.common_methods import Method

__all__ = ["catalog_methods", "party_name"]


def catalog_methods(app: NodeApp) -> Mapping[str, Method]:
    return {
        **EntryMethods(app).as_mapping(),
        **StepMethods(app).as_mapping(),
        **ListMethods(app).as_mapping(),
        **AttachmentMethods(app).as_mapping(),
        **ChangeMethods(app).as_mapping(),
        **SheetMethods(app).as_mapping(),
    }
