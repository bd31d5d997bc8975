"""Dashboard and alert rules name only figures, labels and values that a hub or a station shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ortoo_hub.settings import HubSettings
from ortoo_hub.watching import watch_of as hub_watch
from ortoo_node.watching import watch_of as node_watch
from ortoo_protocol.console.requests import Requests
from ortoo_protocol.station.settings import StationTable
from tests.node.api_kit import open_station
from tests.support.hubs import HubKit
from tests.support.stations import Kit
from tests.support.trust import HUB

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "ortoo-rules.yml"
DASHBOARD = DEPLOY / "grafana" / "ortoo.json"
_FIGURE = re.compile(r"\b(?:ortoo|process)_[a-z_]+\b")
_SUFFIXES = ("_bucket", "_sum", "_count")


def rules() -> list[dict[str, str]]:
    """Alert and expression of each rule; the file keeps to one line for each key."""
    found: list[dict[str, str]] = []
    for line in RULES.read_text(encoding="utf-8").splitlines():
        key, _, value = line.strip().removeprefix("- ").partition(": ")
        if key == "alert":
            found.append({"alert": value})
        elif key in ("expr", "for", "summary"):
            found[-1][key] = value
    return found


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        yield from (target["expr"] for target in panel["targets"])


@pytest.fixture
async def shown(tmp_path: Path) -> set[str]:
    """What either daemon shows, before anything happened."""
    node = open_station(Kit(tmp_path))
    station_page = await node_watch(node.app).figures()
    await node.app.station.close()
    (tmp_path / HUB).mkdir()
    hub = HubKit(tmp_path).hub()
    plane = hub.station.parts.identity.plane
    settings = HubSettings(station=StationTable(party=HUB, plane=plane, folder=tmp_path / HUB))
    hub_page = await hub_watch(hub.station, hub.router, settings, Requests(), 1).figures()
    await hub.station.close()
    return {
        re.sub("_total$", "", family.name)
        for page in (station_page, hub_page)
        for family in text_string_to_metric_families(page.decode())
    }


async def test_every_figure_is_shown(shown: set[str]) -> None:
    named = {name for expr in expressions() for name in _FIGURE.findall(expr)}
    assert len(named) > 25
    bases = {re.sub("_total$", "", name) for name in named}
    known = shown | {f"{name}{suffix}" for name in shown for suffix in _SUFFIXES}
    assert bases - known == set()


async def test_every_figure_has_a_place(shown: set[str]) -> None:
    """What nobody looks at would be there in vain, but for a few that are asked for by hand."""
    named = {re.sub("_total$|_bucket$", "", n) for e in expressions() for n in _FIGURE.findall(e)}
    by_hand = {
        "ortoo_catalog_entries",
        "ortoo_checkpoint_age_seconds",
        "ortoo_directory_version",
        "ortoo_feed_items_unsent",
        "ortoo_figures_seconds",
        "ortoo_files",
        "ortoo_http_seconds",
        "ortoo_info",
        "ortoo_journal_rows",
        "ortoo_link_age_seconds",
        "ortoo_members",
        "ortoo_publication_failures",
        "ortoo_start_time_seconds",
        "ortoo_subscription_state",
        "ortoo_writer_failures",
        "ortoo_writer_jobs",
    }
    assert {name for name in shown if name.startswith("ortoo_")} - named == by_hand


def test_rules_are_whole() -> None:
    found = rules()
    assert len(found) == len({rule["alert"] for rule in found}) > 15
    for rule in found:
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert not rule["summary"].isascii()
        assert re.search(r"[a-z] [a-z]", rule["summary"]), "Chinese first, English second"


def test_panels_do_not_overlap() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    cells = [
        (x, y)
        for panel in panels
        for grid in (panel["gridPos"],)
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23
    assert len({panel["id"] for panel in panels}) == len(panels)
