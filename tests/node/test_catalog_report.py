"""The catalog in numbers: as tables, as JSON, and as a page that needs nothing from outside."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import create_engine
from typer.testing import Result

from ortoo_node.cli import app
from ortoo_protocol.core.catalog.freshness import DAY_MS, Carriage
from ortoo_protocol.station.catalog.index import Change, Word, put
from ortoo_protocol.station.catalog.statistics import statistics
from ortoo_protocol.station.store.migrate import STATION, upgrade
from tests.support.commands import invoke
from tests.support.made_catalog import LEAGUES, entries
from tests.support.service import FakeService, settings_folder
from tests.support.trust import NOW_MS

CHINESE = {"ORTOO_LANG": "zh_CN"}
_EMPTY = {"meta", "br", "link", "img", "rect"}


def counted() -> dict[str, Any]:
    engine = create_engine("sqlite://")
    with engine.begin() as conn:
        upgrade(conn, (STATION,))
        made = list(entries(400))
        odd = made[0].department
        made = [
            replace(each, department_name="<b>某局</b> & 'x'") if each.department == odd else each
            for each in made
        ]
        put(conn, [Change(None, each, NOW_MS) for each in made])
        late = [Carriage(each.code, 1, NOW_MS - 60 * DAY_MS) for each in made[::3]]
        put(conn, [Word(each.provider, of) for each, of in zip(made[::3], late, strict=True)])
        found = statistics(conn, NOW_MS)
    engine.dispose()
    for group in ("kind", "theme", "league"):
        for row in found[group]:
            row["name"] = LEAGUES.get(f"s{row['value']}00", row["value"])
    for row in found["department"]:
        row["league_name"] = LEAGUES[f"s{row['league']}00"]
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return settings_folder(tmp_path / "plain", "s150700")


@pytest.fixture
def service(folder: Path) -> Iterator[FakeService]:
    with FakeService(folder, {"catalog.statistics": counted()}) as running:
        yield running


def run(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Result:
    return invoke(app, ["-c", str(folder), *arguments], env=env or CHINESE)


class Page(HTMLParser):
    """Elements, whatever they would load, and whether each that is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.loads: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.loads += [f"{name}={value}" for name, value in attributes if name in ("src", "href")]
        self.loads += [f"on={name}" for name, _ in attributes if name.startswith("on")]
        if tag not in _EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _EMPTY:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page(folder: Path, service: FakeService, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    made = run(folder, "catalog", "report", "--html", str(file), "--league", "包头市")
    assert made.exit_code == 0, made.output
    assert service.asked == [("catalog.statistics", {"filters": {"league": "1502"}})]
    text = file.read_text(encoding="utf-8")
    page = Page(text)
    assert page.elements.count("svg") >= 6
    assert page.elements.count("table") >= 7
    assert page.loads == []
    assert "script" not in page.elements
    assert not re.search(r"https?://|url\(|@import|<b>某局", text)
    words = "".join(page.words)
    assert "<b>某局</b> & 'x'" in words
    for shown in ("政务信息资源目录统计", "各盟市更新情况", "包头市", "无条件共享", "长期未更新"):
        assert shown in words
    again = run(folder, "catalog", "report", "--html", str(file))
    assert again.exit_code != 0, "what is there is not written over"
    english = tmp_path / "english.html"
    run(folder, "catalog", "report", "--html", str(english), env={"ORTOO_LANG": "en"})
    assert "The catalog in numbers" in english.read_text(encoding="utf-8")


def test_the_tables(folder: Path, service: FakeService) -> None:
    shown = run(folder, "catalog", "statistics", "--departments", "3").output
    total = counted()["total"]
    assert f"共 {total['entries']} 条目录、{total['items']} 个信息项" in shown
    for word in ("盟市", "类目", "逾期", "长期未更新", "联机查询", "每半年", "另有"):
        assert word in shown
    read = json.loads(run(folder, "catalog", "statistics", "--json").stdout)
    assert read == counted()


def test_a_catalog_of_nothing(folder: Path, tmp_path: Path) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as conn:
        upgrade(conn, (STATION,))
        empty = statistics(conn, NOW_MS)
    engine.dispose()
    with FakeService(folder, {"catalog.statistics": empty}):
        file = tmp_path / "empty.html"
        assert run(folder, "catalog", "report", "--html", str(file)).exit_code == 0
        assert run(folder, "catalog", "statistics").exit_code == 0
    assert Page(file.read_text(encoding="utf-8")).elements.count("svg") == 0
