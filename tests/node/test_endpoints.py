"""Sources and sinks as people see them: where, without secrets; whether they answer; first rows."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ortoo_node.folders import Folder
from ortoo_node.interfaces import Pull, Webhook
from ortoo_node.settings import Database, FunctionTable
from ortoo_protocol.core.errors import (
    SinkFolder,
    SinkUnreachable,
    SinkWebhookFailed,
    SourceCall,
    SourceFolder,
    SourceMissing,
    SourceUnreachable,
)
from tests.node.kit import Node, fill, open_node
from tests.support.stations import Kit

PARTY = "s150700"
SECRET = "s3cret-of-a-department"


def station(folder: Path) -> Node:
    """With one of each kind, none of which answers but the SQLite files."""
    secret = folder / "hidden.url"
    secret.write_text(f"postgresql://reader:{SECRET}@127.0.0.1:9/people?sslkey={SECRET}")
    secret.chmod(0o600)
    signing = folder / "hook.secret"
    signing.write_text("whsec_" + "QUJD" * 12)
    signing.chmod(0o600)
    hidden = Database(name="hidden", url_file=secret)
    node = open_node(
        Kit(folder),
        PARTY,
        sources=(hidden,),
        folders=(Folder(name="front", path=folder / "front", settle_s=0),),
        functions=(FunctionTable(name="made", call="no_such_module:rows"),),
    )
    node.app.settings = msgspec.structs.replace(
        node.app.settings,
        sinks=(*node.app.settings.sinks, hidden),
        webhooks=(Webhook(name="hook", url=f"http://127.0.0.1:9/{SECRET}", secret_file=signing),),
        pulls=(Pull(name="kept"),),
    )
    return node


async def test_they_are_listed_without_secrets(tmp_path: Path) -> None:
    node = station(tmp_path)
    listed = [await node.call("source.list"), await node.call("sink.list")]
    assert SECRET not in str(listed)
    sources = {each["name"]: each for each in listed[0]["sources"]}
    assert sources["hidden"]["address"] == "127.0.0.1:9/people"
    assert set(sources) == {"business", "hidden", "front", "made"}
    sinks = {each["name"]: each for each in listed[1]["sinks"]}
    assert sinks["hook"]["address"] == "http://127.0.0.1:9"
    assert set(sinks) == {"shared", "hidden", "front", "hook", "kept"}


async def test_a_url_that_cannot_be_read_says_so_in_the_list(tmp_path: Path) -> None:
    node = station(tmp_path)
    os.chmod(tmp_path / "hidden.url", 0o644)
    found = {each["name"]: each for each in (await node.call("source.list"))["sources"]}
    assert found["hidden"]["error"]["code"] == "settings.secret"
    assert found["business"]["error"] is None


@pytest.mark.parametrize(
    ("method", "name", "error"),
    [
        ("source.test", "business", SourceUnreachable),
        ("source.test", "hidden", SourceUnreachable),
        ("source.test", "front", SourceFolder),
        ("source.test", "made", SourceCall),
        ("sink.test", "hidden", SinkUnreachable),
        ("sink.test", "hook", SinkWebhookFailed),
    ],
)
async def test_what_does_not_answer_says_so(
    tmp_path: Path, method: str, name: str, error: Any
) -> None:
    node = station(tmp_path)
    with pytest.raises(error) as caught:
        await node.call(method, name=name)
    assert SECRET not in str(caught.value)


async def test_what_answers_is_left_as_it_was(tmp_path: Path) -> None:
    node = station(tmp_path)
    fill(node.source, 3)
    (tmp_path / "front" / "in").mkdir(parents=True)
    assert await node.call("source.test", name="business") == {"name": "business"}
    await node.call("source.test", name="front")
    await node.call("sink.test", name="shared")
    assert not node.sink.exists()
    await node.call("sink.test", name="kept")
    out = tmp_path / "front" / "out"
    with pytest.raises(SinkFolder):  # nobody makes it: its mount may be away
        await node.call("sink.test", name="front")
    out.write_text("a file in its place")
    with pytest.raises(SinkFolder):
        await node.call("sink.test", name="front")
    out.unlink()
    out.mkdir()
    await node.call("sink.test", name="front")
    assert list(out.iterdir()) == []


async def test_a_preview_is_twenty_rows_and_cut(tmp_path: Path) -> None:
    node = station(tmp_path)
    fill(node.source, 50)
    with sqlite3.connect(node.source) as conn:
        conn.execute("ALTER TABLE people ADD COLUMN photo BLOB")
        conn.execute("UPDATE people SET name = ? WHERE id = '00000'", ("长" * 5_000,))
    found = await node.call("source.preview", name="business", table="people")
    assert found["columns"] == ("id", "name", "income"), "what is binary is not read"
    assert len(found["rows"]) == 20
    assert found["rows"][0] == ("00000", "长" * 200 + "…", "0")
    with pytest.raises(SourceMissing):
        await node.call("source.preview", name="business", table="people; DROP TABLE people")


async def test_a_preview_of_a_folder_shows_its_newest_file(tmp_path: Path) -> None:
    node = station(tmp_path)
    folder = tmp_path / "front" / "in"
    folder.mkdir(parents=True)
    text = "编号,姓名\n" + "".join(f"{n},人{n}\n" for n in range(40))
    (folder / "people.csv").write_text(text, encoding="utf-8")
    found = await node.call("source.preview", name="front", table="*.csv")
    assert found["rows"][0] == ("编号", "姓名")
    assert len(found["rows"]) == 20
