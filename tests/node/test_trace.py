"""A row, a grant, a query and a download are followed to what brought them and to the people; what
is not known any more is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ortoo_protocol.core.errors import (
    CatalogUnknown,
    CorrectionKey,
    FileTransferUnknown,
    GrantUnknown,
    QueryUnknown,
)
from ortoo_protocol.station import retention
from tests.federation.exchange import CODE, PROVIDER, PURPOSE, READER, exchange
from tests.node import files_kit, query_kit
from tests.node.kit import FORM, PEOPLE, entry, open_node, running
from tests.support.stations import Kit
from tests.support.trust import DEPARTMENTS


def codes(found: dict[str, Any]) -> list[str]:
    return [each["code"] for each in found["unknown"]]


async def test_a_row_is_followed_to_its_item_grant_and_people_at_both_ends(tmp_path: Path) -> None:
    async with exchange(tmp_path) as made:
        await made.subscribe()
        await made.equal()
        made.change("UPDATE people SET income = 1 WHERE id = '00003'")
        await made.publish()
        made.change("UPDATE people SET income = 2 WHERE id = '00003'")
        await made.publish()
        made.change("DELETE FROM people WHERE id = '00004'")
        await made.publish()
        await made.equal()

        ask = {"resource": CODE, "key": {"id": "00003"}}
        answer = await made.provider.call("trace.row", **ask)
        assert answer["received"] == []
        (one,) = answer["published"]
        assert one["here"]
        assert one["source"] == {"source": "business", "table": "people"}
        # Schema, rows, and two changes of this row; what is kept of the current epoch is opened.
        numbers = [each["item"] for each in one["items"]]
        assert numbers[:2] == [one["item"], one["item"] - 1]
        for item in one["items"]:
            (entry_,) = item["entries"]
            assert (entry_["direction"], entry_["kind"]) == ("sent", "table.rows")
            shown = (await made.provider.call("journal.entry", seq=entry_["seq"]))["entry"]
            assert shown["header"]["item"] == item["item"]
        (reader,) = one["readers"]
        assert reader["grant"]["grant"] == made.grant
        assert reader["application"]["handler"] == FORM["handler"]
        assert reader["answer"]["approver"] == PEOPLE["approver"]
        assert reader["application"]["purpose"] == PURPOSE
        assert "income" not in str(one["items"])

        gone = await made.provider.call("trace.row", resource=CODE, key={"id": "00004"})
        (one,) = gone["published"]
        assert not one["here"]
        assert "not-here" in codes(one)
        assert one["items"], "the item that took it away is kept"

        answer = await made.reader.call("trace.row", **ask)
        assert answer["published"] == []
        (one,) = answer["received"]
        assert (one["publisher"], one["table"]) == (PROVIDER, "people")
        assert one["grant"]["grant"] == made.grant
        assert one["application"]["basis"] == FORM["basis"]
        assert codes(one) == ["publisher-knows"]
        assert one["unknown"][0]["facts"]["publisher"] == PROVIDER

        with pytest.raises(CorrectionKey):
            await made.provider.call("trace.row", resource=CODE, key={"name": "x"})
        with pytest.raises(CatalogUnknown):
            await made.third.call("trace.row", resource="1/1", key={"id": "1"})
        await erased(made)


async def erased(made: Any) -> None:
    """Once bodies are erased, the newest item is still known, and what is lost is said."""
    before = await made.provider.call("trace.row", resource=CODE, key={"id": "00003"})
    newest, feed = before["published"][0]["item"], before["published"][0]["feed"]
    await made.provider.app.station.write(lambda tx: retention.erase_items(tx, feed, 0, 0))
    after = await made.provider.call("trace.row", resource=CODE, key={"id": "00003"})
    (one,) = after["published"]
    assert [each["item"] for each in one["items"]] == [newest]
    assert len(one["items"][0]["entries"]) == 1
    assert codes(one) == ["all-erased"]


async def test_a_grant_shows_what_happened_under_it(tmp_path: Path) -> None:
    async with exchange(tmp_path) as made:
        await made.subscribe()
        await made.equal()
        found = await made.reader.call("trace.grant", grant=made.grant)
        assert [each["table"] for each in found["subscriptions"]] == ["people"]
        assert {"case.application", "case.answer", "grant.issued"} <= {
            each["kind"] for each in found["entries"]
        }
        assert [each["event"] for each in found["steps"]]
        assert found["application"]["applicant"] == READER
        given = await made.provider.call("trace.grant", grant=made.grant)
        assert given["feed"]["from_item"]
        assert given["answer"]["handler"] == PEOPLE["handler"]
        with pytest.raises(GrantUnknown):
            await made.third.call("trace.grant", grant=made.grant)


async def test_a_query_is_followed_at_both_ends(tmp_path: Path) -> None:
    async with query_kit.pair(tmp_path) as both:
        grant = await both.grant()
        await both.rows(grant)
        for node, role in ((both.reader, "asked"), (both.provider, "answered")):
            await node.app.queries.notes.flush()
            (call,) = (await node.call("trace.newest"))["calls"]
            found = await node.call("trace.call", ask=call["ask"])
            assert (found["call"]["role"], found["call"]["handler"]) == (role, "查询人")
            assert found["grant"]["grant"] == grant.grant
            assert codes(found) == ["case-away"]
            assert found["entries"][0]["kind"] == "query.ask"
            assert {each["kind"] for each in found["entries"][1:]} == {"query.page"}
            whole = await node.call("trace.grant", grant=grant.grant)
            assert [each["ask"] for each in whole["calls"]] == [call["ask"]]
            assert "queried" in codes(whole)
        with pytest.raises(QueryUnknown):
            await both.reader.call("trace.call", ask="00" * 16)
        with pytest.raises(QueryUnknown):
            await both.reader.call("trace.call", ask="no number")


async def test_a_download_is_followed_to_its_grant(tmp_path: Path) -> None:
    async with files_kit.pair(tmp_path, {"a.bin": b"abc"}) as both:
        await both.list_has("a.bin")
        got = await both.get("a.bin")
        found = await both.reader.call("trace.download", transfer=got["transfer"])
        assert found["download"]["sha256"] == got["sha256"]
        assert found["grant"]["grant"] == both.grant.grant
        assert {each["kind"] for each in found["entries"]} >= {"file.ask"}
        with pytest.raises(FileTransferUnknown):
            await both.reader.call("trace.download", transfer="ff")


async def test_an_event_names_its_item_itself(tmp_path: Path) -> None:
    party = "s150700"
    kit = Kit(tmp_path)
    node = open_node(kit, party, online=False)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(party, CODE, share_type=2))
        assert await node.app.publisher.events(CODE, [("0", "早", 1)]) == (1, [])
        case = await node.call(
            "request.apply", resource=CODE, department=DEPARTMENTS[party][0], **FORM
        )
        await node.call("request.grant", case=case["case"], items=[], **PEOPLE)

        async def traced(item: int) -> dict[str, Any]:
            key = {"ortoo_seq": str(item), "ortoo_place": "0"}
            return dict((await node.call("trace.row", resource=CODE, key=key))["published"][0])

        first = await traced(2)  # behind the schema
        assert first["here"]
        assert [each["item"] for each in first["items"]] == [2]
        assert first["items"][0]["entries"][0]["kind"] == "event.rows"
        never = await traced(99)
        assert (never["here"], never["items"], codes(never)) == (False, [], ["item-away"])
        with pytest.raises(CorrectionKey):
            await node.call("trace.row", resource=CODE, key={"ortoo_seq": "x"})
