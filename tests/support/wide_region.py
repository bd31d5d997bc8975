"""A whole region in one process: a hub and any number of stations with real stores and the node's
own handlers, on the broker in memory, with their departments."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from msgspec.structs import replace
from sqlalchemy import Connection, func, select

from ortoo_hub import membership
from ortoo_hub.daemon import Hub
from ortoo_node import app as node_app
from ortoo_node import catalog
from ortoo_node.files.desk import Files
from ortoo_node.store import NODE
from ortoo_node.store.tables import catalog as held
from ortoo_protocol.bus.memory_broker import MemoryBroker
from ortoo_protocol.bus.port import Outcome
from ortoo_protocol.core.announcement import Announcement, DepartmentEntry
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.catalog.divisions import LEAGUES
from ortoo_protocol.core.catalog.divisions import counties as counties_of
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station.catalog.index import Change
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.settings import Timing
from ortoo_protocol.station.station import Station
from tests.support.hubs import HubKit, join_region, read_region
from tests.support.made_catalog import departments, entries
from tests.support.stations import PASSWORD
from tests.support.trust import HUB, Region

__all__ = ["Change", "WideKit", "WideRegion", "parties"]
A_JOB = 100
