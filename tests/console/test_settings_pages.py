"""Settings in the browser: what is in force and where it stands; never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ortoo_node import settings as node_settings
from ortoo_protocol.core.accounts.roles import Role
from ortoo_protocol.station.settings import write_secret
from ortoo_protocol.station.settings_shown import shown, without_secrets
from tests.console.kit import front
from tests.node.kit import open_node, running
from tests.support.stations import Kit

EVIL = "<script>alert(1)</script>"
SECRET = "correct-horse-battery"
FILE = """\
[station]
party = "s150700"
plane = "extranet"
name = "<script>alert(1)</script>"

[broker]
host = "broker.example"
password_file = "broker.password"

[[sources]]
name = "civil"
url = "sqlite:///civil.sqlite"

[[sources]]
name = "health"
url_file = "health.url"

[watch]
token_file = "watch.token"

[[services]]
name = "household"
base_url = "https://household.example/api"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "station.toml").write_text(FILE, encoding="utf-8")
    write_secret(tmp_path / "broker.password", SECRET)
    write_secret(tmp_path / "health.url", f"postgresql://u:{SECRET}@db/health")
    (tmp_path / "watch.token").write_text(SECRET, encoding="utf-8")
    (tmp_path / "watch.token").chmod(0o644)
    return tmp_path


def entries(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["key"]: each for section in found["sections"] for each in section["entries"]}


def test_each_setting_says_where_it_stands_and_no_secret_is_shown(folder: Path) -> None:
    found = shown(node_settings.load(folder))
    said = entries(found)
    assert SECRET not in str(found)
    assert found["file"] == str(folder / "station.toml")
    assert not found["changed"]
    assert said["station.party"]["line"] == 2
    assert said["sources[1].url_file"]["line"] == 16
    assert said["sources[1].url_file"]["secret"] == "usable"
    assert said["broker.password_file"]["secret"] == "usable"
    assert said["watch.token_file"]["secret"] == "settings.secret"
    assert (said["broker.port"]["value"], said["broker.port"]["default"]) == ("5671", True)
    assert not said["broker.host"]["default"]
    lines = FILE.splitlines()
    for key, each in said.items():
        if each["line"]:
            assert lines[each["line"] - 1].startswith(f"{key.rpartition('.')[2]} = ")


def test_a_file_that_was_changed_or_broken_since_the_start_is_said(folder: Path) -> None:
    running_ = node_settings.load(folder)
    file = folder / "station.toml"
    file.write_text(FILE.replace("broker.example", "other.example"), encoding="utf-8")
    found = shown(running_)
    assert found["changed"]
    assert found["error"] is None
    assert entries(found)["broker.host"]["value"] == "broker.example"  # what is in force
    file.write_text(FILE.replace("party", "parti"), encoding="utf-8")
    broken = shown(running_)
    assert broken["error"]["code"] == "settings.unknown"
    file.unlink()
    away = shown(running_)
    assert (away["file"], away["changed"], away["error"]) == ("", False, None)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://u:p@h.example/a?key=1#x", "https://h.example/a?…"),
        ("https://u:p@x@h.example/a", "https://h.example/a"),
        ("postgresql://u:p@db/health", "postgresql://db/health"),
        ("sqlite:///a.sqlite", "sqlite:///a.sqlite"),
        ("工作参考?a=1@b", "工作参考?a=1@b"),
    ],
)
def test_addresses_are_shown_without_what_opens_them(address: str, said: str) -> None:
    assert without_secrets(address) == said


async def test_the_page_is_the_system_administrators(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_node(kit, "s150700", online=False)
    async with running(kit, node), front(node) as at:
        await at.known("bao", "宝音", Role.SYSTEM_ADMIN)
        await at.known("li", "李静", Role.AUDITOR)
        home = node.app.settings.folder
        (home / "station.toml").write_text(
            f'[station]\nparty = "s150700"\nplane = "extranet"\nname = "{EVIL}"\n',
            encoding="utf-8",
        )
        async with at.visitor("bao") as visitor:
            page = await visitor.get("/settings")
            assert "sources[0].url" in page
            assert "第 2 行" in page
            assert 'role="status"' in page  # the file says something else
            (home / "station.toml").write_text(f"[station]\n{EVIL} = 1\n", encoding="utf-8")
            broken = await visitor.get("/settings")
            assert 'class="said bad"' in broken
            assert EVIL not in broken
            await visitor.get("/language/en?next=/settings", 303)
            assert "Changed here" in await visitor.get("/settings")
        async with at.visitor("li") as other:
            await other.get("/settings", 403)
