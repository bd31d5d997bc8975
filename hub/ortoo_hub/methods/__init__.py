"""What the hub answers on its control socket, one file for each group of methods."""

from __future__ import annotations

from collections.abc import Mapping

from ortoo_hub.methods.calendar import CalendarMethods
from ortoo_hub.methods.cases import CaseMethods
from ortoo_hub.methods.catalog import CatalogMethods
from ortoo_hub.methods.demands import DemandMethods
from ortoo_hub.methods.directory import DirectoryMethods
from ortoo_hub.methods.gazette import GazetteMethods
from ortoo_hub.methods.members import MemberMethods
from ortoo_hub.methods.overview import OverviewMethods
from ortoo_hub.methods.routing import RoutingMethods
from ortoo_hub.methods.service import ServiceMethods
from ortoo_hub.methods.use import UseMethods
from ortoo_protocol.station.control import Method

__all__ = [
    "CalendarMethods",
    "CaseMethods",
    "CatalogMethods",
    "DemandMethods",
    "DirectoryMethods",
    "GazetteMethods",
    "MemberMethods",
    "Method",
    "OverviewMethods",
    "RoutingMethods",
    "ServiceMethods",
    "UseMethods",
    "merged",
]


def merged(*groups: Mapping[str, Method]) -> dict[str, Method]:
    return {name: method for group in groups for name, method in group.items()}
