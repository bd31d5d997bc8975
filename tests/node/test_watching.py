"""`/healthz` and `/metrics` of a station, on its programming interface."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import httpx
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select

from ortoo_node import tokens
from ortoo_node.api.server import http_listener
from ortoo_protocol.cli.json_lines import JsonFormatter
from ortoo_protocol.core.errors import SettingsSecret
from ortoo_protocol.station import traffic
from ortoo_protocol.station.settings import WatchTable, write_secret
from ortoo_protocol.station.store.tables import journal
from tests.node.api_kit import CODE, PARTY, add_entry, bearer, open_station, serving, subscribe
from tests.node.kit import Node
from tests.support.stations import Kit, until

TOKEN = "only-for-the-watch"


def metrics(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """By name of the sample, then by the values of its labels."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def top(client: httpx.AsyncClient, path: str) -> str:
    return str(client.base_url.copy_with(path=path))


def watched(kit: Kit, node: Node) -> Node:
    file = kit.folder / "watch.token"
    write_secret(file, TOKEN)
    node.app.settings = msgspec.structs.replace(
        node.app.settings, watch=WatchTable(token_file=file)
    )
    return node


async def test_health_is_told_in_both_languages(tmp_path: Path) -> None:
    """A station without a broker: it does not exchange."""
    kit = Kit(tmp_path)
    async with serving(kit, open_station(kit)) as client:
        answer = await client.get(top(client, "/healthz"))
        assert answer.status_code == 503
        (problem,) = answer.json()["problems"]
        assert (problem["code"], problem["check"]) == ("settings.lacking", "broker")
        assert not problem["what"].isascii()
        english = await client.get(top(client, "/healthz"), headers={"accept-language": "en-GB,en"})
        (problem,) = english.json()["problems"]
        assert problem["cure"].isascii()


async def test_from_elsewhere_only_codes(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    async with serving(kit, watched(kit, open_station(kit))) as client:
        passed_on = {"x-forwarded-for": "10.0.0.9"}
        answer = await client.get(top(client, "/healthz"), headers=passed_on)
        assert answer.json() == {"ok": False, "codes": ["settings.lacking"]}
        refused = await client.get(top(client, "/metrics"), headers=passed_on)
        assert (refused.status_code, refused.json()) == (401, {"code": "api.token"})
        wrong = {**passed_on, "authorization": "Bearer something"}
        assert (await client.get(top(client, "/metrics"), headers=wrong)).status_code == 401
        right = {**passed_on, "authorization": f"Bearer {TOKEN}"}
        assert (await client.get(top(client, "/metrics"), headers=right)).status_code == 200
        told = await client.get(top(client, "/healthz"), headers=right)
        assert told.json()["problems"][0]["cure"]


async def test_a_token_file_that_others_may_read(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = watched(kit, open_station(kit))
    os.chmod(tmp_path / "watch.token", 0o644)
    assert node.app.settings.http is not None
    with pytest.raises(SettingsSecret):
        http_listener(node.app, node.app.settings.http, node.methods).open()
    await node.app.station.close()


async def test_figures_follow_what_happens(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        await add_entry(node)
        token = await bearer(node, f"push:{CODE}")
        rows = [{"upsert": {"id": f"{n:05}", "name": "甲", "income": 1}} for n in range(20)]
        await client.post(f"/resources/{CODE}/rows", json=rows, headers=token)
        bad = [{"upsert": {"id": "x" * 99, "name": "甲", "income": 1}}]
        await client.post(f"/resources/{CODE}/rows", json=bad, headers=token)
        await subscribe(node, "shared")
        await until(lambda: len(node.rows("people")) == 20)
        while await traffic.advance(node.app.station.database, PARTY):
            pass
        answer = await client.get(top(client, "/metrics"))
        found = metrics(answer.text)
        assert await _agree(node, found)
        assert set(found["ortoo_subscription_rows_total"].values()) == {20.0}
        assert set(found["ortoo_subscription_lag_items"].values()) == {0.0}
        assert found["ortoo_rejected_rows_total"][(CODE,)] == 1
        assert found["ortoo_http_requests_total"]["api", "POST", "2xx"] == 2
        assert found["ortoo_link_up"][()] == 0
        assert found["ortoo_healthy"][()] == 0
        assert found["ortoo_problem"]["broker", "settings.lacking", "error"] == 1
        assert found["ortoo_commit_seconds_count"][()] > 0
        assert found["ortoo_store_bytes"][("store",)] > 0
        assert found["ortoo_key_days_left"][("encryption",)] == pytest.approx(60, abs=1)
        assert found["process_resident_memory_bytes"][()] > 0


async def _agree(node: Node, found: dict[str, dict[tuple[str, ...], float]]) -> bool:
    size = found["ortoo_journal_rows_total"][()]
    here = await node.app.station.read(lambda conn: len(conn.execute(select(journal.c.seq)).all()))
    return size == here and sum(found["ortoo_messages_total"].values()) <= size


async def test_a_request_has_an_id_that_the_log_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = Kit(tmp_path)
    seen: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(JsonFormatter().format(record))

    kept, logger = Kept(), logging.getLogger("ortoo_node.api.problems")
    logger.addHandler(kept)
    node = open_station(kit)

    async def broken(*_: object) -> None:
        raise ValueError("甲 1980")

    try:
        async with serving(kit, node) as client:
            await add_entry(node)
            token = await bearer(node, f"push:{CODE}")
            monkeypatch.setattr(tokens, "check", broken)
            answer = await client.post(f"/resources/{CODE}/rows", json=[], headers=token)
            monkeypatch.undo()
    finally:
        logger.removeHandler(kept)
    correlation = answer.headers["x-correlation-id"]
    assert len(correlation) == 16
    assert answer.status_code == 500
    assert seen
    assert all(f'"request":"{correlation}"' in line for line in seen)
