"""The notary: what passes the hub, what it records of it, and what it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from ortoo_hub.cases import Notary
from ortoo_hub.supervision import findings
from ortoo_protocol.core import messages
from ortoo_protocol.core.cases import Withdrawal
from ortoo_protocol.core.codec import MAX_COUNT, Shape, encode
from ortoo_protocol.core.envelope import ToParties
from ortoo_protocol.core.errors import CaseUnknown, EnvelopeRecipient
from ortoo_protocol.core.feeds import FeedKey
from ortoo_protocol.core.grants import StopFiling
from ortoo_protocol.core.masks import Mask
from ortoo_protocol.core.messages import Class
from ortoo_protocol.core.verify import Opened, open_content, verify
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.inbox import content_key
from ortoo_protocol.station.sending import envelope_of, send
from ortoo_protocol.station.station import Station
from tests.support.hubs import (
    FEED,
    PROVIDER,
    READER,
    RESOURCE,
    THIRD,
    HubKit,
    Running,
    answer,
    application,
    ended,
    entry,
    quarantine_codes,
    say,
    terms,
    until_true,
)
from tests.support.mutation import removed
from tests.support.stations import until
from tests.support.trust import DEPARTMENTS, HUB

CASE = application().case
VIEW = f"{PROVIDER}.v-0"
DAY_MS = 86_400_000
NOT_ACCEPTABLE = ("refused", "case.field")


@asynccontextmanager
async def exchange(folder: Path) -> AsyncIterator[tuple[Running, Station, Station]]:
    """A hub, a provider whose entry is in the catalog, and a reader."""
    kit = HubKit(folder)
    provider, reader = kit.station(PROVIDER), kit.station(READER)
    async with kit.hub_running(kit.hub(), provider, reader) as running:
        await running.listed(provider, entry())
        yield running, provider, reader


async def test_a_case_from_application_to_end(tmp_path: Path) -> None:
    async with exchange(tmp_path) as (running, provider, reader):
        await running.granted(provider, reader)
        shown = await running.call["case.show"](CASE)
        assert shown["case"]["state"] == "granted"
        assert shown["application"] == application()
        assert shown["answer"] == answer()
        assert [event["event"] for event in shown["events"]] == ["submit", "grant"]
        (grant,) = (await running.call["grant.list"]())["grants"]
        assert (grant["feed"], grant["items"], grant["state"]) == (FEED, ["code"], "active")
        filing = StopFiling(
            filing=ended().filing,
            grant=terms().grant,
            resource=RESOURCE,
            reason="目的已达成",
            filed_ms=1,
            by="丙",
        )
        assert await running.sent(provider, HUB, filing) == ("accepted", "")
        assert await running.sent(provider, READER, ended()) == ("accepted", "")
        assert (await running.call["grant.list"]())["grants"] == []
        assert (await running.call["grant.list"](active=False))["grants"][0]["state"] == "ended"
        assert (await running.call["case.show"](CASE))["case"]["state"] == "ended"
        assert await flagged(running) == []


async def test_what_people_decide_takes_two_of_them(tmp_path: Path) -> None:
    """A conditional resource that the software, or one person, would grant alone."""
    async with exchange(tmp_path) as (running, provider, reader):
        assert await running.sent(reader, PROVIDER, application()) == ("accepted", "")
        for people in (("系统自动", ""), ("甲", "甲"), ("甲", "系统自动")):
            alone = terms(handler=people[0], approver=people[1])
            assert await running.sent(provider, READER, alone) == NOT_ACCEPTABLE
        shown = await running.call["case.show"](CASE)
        assert shown["case"]["state"] == "submitted"


async def flagged(running: Running) -> list[str]:
    station = running.hub.station
    trust, now_ms = station.parts.trust.current, station.parts.clock()
    found = await station.read(lambda conn: findings.findings(conn, trust, now_ms))
    return [error.code for error in found]


async def test_an_end_without_filing_acts_at_once_and_is_flagged(tmp_path: Path) -> None:
    async with exchange(tmp_path) as (running, provider, reader):
        await running.granted(provider, reader)
        await until(lambda: running.kit.bound(FEED, READER))
        assert await running.sent(provider, READER, ended()) == ("accepted", "")
        await until(lambda: not running.kit.bound(FEED, READER), 1)
        assert await flagged(running) == ["stop.unfiled"]


async def test_the_very_bytes_are_passed_on_and_the_instant_is_told(tmp_path: Path) -> None:
    async with exchange(tmp_path) as (running, _provider, reader):
        letter = await say(reader, PROVIDER, application())
        seen = running.kit.seen
        await until(lambda: seen[READER].outcome(letter))
        raw = await reader.read(lambda conn: envelope_of(conn, letter))
        (received,) = seen[PROVIDER].of_kind("case.application")
        assert received.message.envelope.raw == raw
        (case,) = (await running.call["case.list"]())["cases"]
        (told,) = (each for each in seen[READER].settled if each.status == "notarised")
        assert abs(told.time_ms - case["opened_ms"]) < 1_000


async def test_a_refusal_and_a_withdrawal(tmp_path: Path) -> None:
    async with exchange(tmp_path) as (running, provider, reader):
        await running.sent(reader, PROVIDER, application(1))
        refusal = answer(1, outcome="refused", reason="不符合共享条件", grant="", items=())
        assert await running.sent(provider, READER, refusal) == ("accepted", "")
        await running.sent(reader, PROVIDER, application(2))
        withdrawal = Withdrawal(case=application(2).case, reason="不再需要", handler="丁")
        assert await running.sent(reader, PROVIDER, withdrawal) == ("accepted", "")
        listed = (await running.call["case.list"]())["cases"]
        assert {case["state"] for case in listed} == {"refused", "withdrawn"}
        (refused,) = (await running.call["case.list"]("refused"))["cases"]
        assert (refused["case"], refused["reason"]) == (CASE, "不符合共享条件")


async def test_applications_that_are_refused(tmp_path: Path) -> None:
    attempts = {
        "another station's department": ({"department": DEPARTMENTS[THIRD][0]}, PROVIDER),
        "to who does not hold the resource": ({}, THIRD),
        "a resource that is in no catalog": ({"resource": "3999"}, PROVIDER),
        "items that it does not have": ({"items": ("salary",)}, PROVIDER),
        "no purpose": ({"purpose": " "}, PROVIDER),
        "approved by its handler": ({"approver": "丁"}, PROVIDER),
    }
    async with exchange(tmp_path) as (running, _provider, reader):
        found = {
            name: await running.sent(reader, to, application(**changes))
            for name, (changes, to) in attempts.items()
        }
        assert found == {
            "another station's department": ("refused", "trust.department"),
            "to who does not hold the resource": ("refused", "envelope.destination"),
            "a resource that is in no catalog": ("refused", "catalog.unknown"),
            "items that it does not have": ("refused", "grant.scope"),
            "no purpose": ("refused", "case.field"),
            "approved by its handler": ("refused", "case.field"),
        }
        assert (await running.call["case.list"]())["cases"] == []
        assert running.kit.seen[PROVIDER].of_kind("case.application") == []


async def test_grants_that_are_refused(tmp_path: Path) -> None:
    attempts = {
        "another's feed": {"feed": f"{THIRD}.allowances"},
        "another reader": {"reader": THIRD},
        "another station's department": {"reader_department": DEPARTMENTS[THIRD][0]},
        "columns that are not there": {"items": ("salary",)},
        "no mask": {"masks": (Mask("code", "shuffle"),), "feed": VIEW},
        "a key that tells rows apart no more": {"masks": (Mask("code", "suppress"),), "feed": VIEW},
        "a mask that does not fit": {
            "items": ("code", "name"),
            "masks": (Mask("name", "year"),),
            "feed": VIEW,
        },
        "masks on the feed of the very values": {"masks": (Mask("code", "hash"),)},
        "no such case": {"case": "9" * 32},
        "no such resource": {"resource": "3999"},
    }
    async with exchange(tmp_path) as (running, provider, reader):
        await running.sent(reader, PROVIDER, application())
        found = {
            name: await running.sent(provider, READER, terms(**changes))
            for name, changes in attempts.items()
        }
        assert found == {
            "another's feed": ("refused", "grant.scope"),
            "another reader": ("refused", "envelope.destination"),
            "another station's department": ("refused", "trust.department"),
            "columns that are not there": ("refused", "grant.scope"),
            "no mask": ("refused", "grant.scope"),
            "a key that tells rows apart no more": ("refused", "grant.scope"),
            "a mask that does not fit": ("refused", "grant.scope"),
            "masks on the feed of the very values": ("refused", "grant.scope"),
            "no such case": ("refused", "case.unknown"),
            "no such resource": ("refused", "catalog.unknown"),
        }
        assert (await running.call["grant.list"]())["grants"] == []
        assert not running.kit.bound(FEED, READER)


async def test_a_grant_gives_what_was_asked_for_or_less(tmp_path: Path) -> None:
    """Wider, or for something else: refused, and no route opens."""
    asked = application(items=("code",), row_filter="code = '1'", until_ms=DAY_MS * 40_000)
    fits = {"row_filter": asked.row_filter, "until_ms": asked.until_ms}
    wider = {
        "all items": {"items": ()},
        "another item": {"items": ("code", "name")},
        "all rows": {"row_filter": ""},
        "other rows": {"row_filter": "code = '2'"},
        "rows that no filter names": {"row_filter": "code > '1'"},
        "another purpose": {"purpose": "商业推广"},
        "another mode": {"mode": "文件下载"},
        "without an end": {"until_ms": 0},
        "a later end": {"until_ms": asked.until_ms + 1},
    }
    async with exchange(tmp_path) as (running, provider, reader):
        await running.sent(reader, PROVIDER, asked)
        for name, changes in wider.items():
            found = await running.sent(provider, READER, terms(**(fits | changes)))
            assert found == ("refused", "grant.scope"), name
        assert not running.kit.bound(FEED, READER)
        assert (await running.call["case.show"](CASE))["case"]["state"] == "submitted"
        narrow = terms(row_filter="name = 'x' AND code='1'", until_ms=asked.until_ms - 1)
        assert await running.sent(provider, READER, narrow) == ("accepted", "")


async def test_moments_no_date_can_show_are_refused(tmp_path: Path) -> None:
    far = MAX_COUNT  # the last a header can carry; what is above, or below 0, is no count
    async with exchange(tmp_path) as (running, provider, reader):
        assert await running.sent(reader, PROVIDER, application(until_ms=far)) == NOT_ACCEPTABLE
        assert (await running.call["case.list"]())["cases"] == []
        await running.sent(reader, PROVIDER, application())
        assert await running.sent(provider, READER, terms(until_ms=far)) == NOT_ACCEPTABLE
        assert (await running.call["grant.list"]())["grants"] == []
        await running.sent(provider, READER, terms())
        assert await running.sent(provider, READER, ended(ended_ms=far)) == NOT_ACCEPTABLE
        assert len((await running.call["grant.list"]())["grants"]) == 1


async def test_letters_that_leave_out_what_the_table_asks_for(tmp_path: Path) -> None:
    refusal = answer(outcome="refused", reason="不符合共享条件", grant="", items=())
    replace = msgspec.structs.replace
    async with exchange(tmp_path) as (running, provider, reader):
        await running.sent(reader, PROVIDER, application())
        for changes in ({"approver": ""}, {"approver": refusal.handler}, {"handler": " "}):
            found = await running.sent(provider, READER, replace(refusal, **changes))
            assert found == NOT_ACCEPTABLE, changes
        for reason, handler in (("", "丁"), ("无", "丁"), ("不再需要", " ")):
            withdrawal = Withdrawal(case=CASE, reason=reason, handler=handler)
            assert await running.sent(reader, PROVIDER, withdrawal) == NOT_ACCEPTABLE
        assert (await running.call["case.show"](CASE))["case"]["state"] == "submitted"
        assert await running.sent(provider, READER, refusal) == ("accepted", "")


async def test_masked_terms_are_recorded_as_they_were_signed(tmp_path: Path) -> None:
    async with exchange(tmp_path) as (running, provider, reader):
        await running.sent(reader, PROVIDER, application())
        masked = terms(masks=(Mask("code", "hash"),), feed=VIEW)
        assert (await running.sent(provider, READER, masked))[0] == "accepted"
        (listed,) = (await running.call["grant.list"]())["grants"]
        assert listed["masks"] == {"code": "hash"}
        assert running.kit.bound(VIEW, READER)
        assert not running.kit.bound(FEED, READER)


async def test_masks_on_the_feed_of_the_values_stand_by_one_check(tmp_path: Path) -> None:
    """Without it the hub would bind the reader's queue to the feed that is to be hidden."""
    async with exchange(tmp_path) as (running, provider, reader):
        await running.sent(reader, PROVIDER, application())
        sham = terms(masks=(Mask("code", "hash"),))
        assert await running.sent(provider, READER, sham) == ("refused", "grant.scope")
        with removed(Notary._issued, "GrantScope")():
            assert (await running.sent(provider, READER, sham))[0] == "accepted"


async def test_only_the_provider_answers_grants_and_ends(tmp_path: Path) -> None:
    """A reader cannot give itself what it asked for, nor end what it was given."""
    async with exchange(tmp_path) as (running, provider, reader):
        await running.sent(reader, PROVIDER, application())
        for letter in (answer(), terms()):
            assert (await running.sent(reader, PROVIDER, letter))[1] == "envelope.destination"
        await running.sent(provider, READER, terms())
        await running.sent(provider, READER, answer())
        assert (await running.sent(reader, PROVIDER, ended()))[1] == "envelope.destination"
        assert len((await running.call["grant.list"]())["grants"]) == 1


async def test_a_case_moves_as_the_table_says(tmp_path: Path) -> None:
    async with exchange(tmp_path) as (running, provider, reader):
        await running.granted(provider, reader)
        refusal = answer(1, outcome="refused", reason="反悔", grant="", items=())
        assert await running.sent(provider, READER, refusal) == ("refused", "case.move")
        assert (await running.sent(reader, PROVIDER, application()))[1] == "case.field"
        assert (await running.call["case.show"](CASE))["case"]["state"] == "granted"
        with pytest.raises(CaseUnknown):
            await running.call["case.show"]("9" * 32)


async def test_the_grant_moves_the_case_whichever_letter_is_first(tmp_path: Path) -> None:
    async with exchange(tmp_path) as (running, provider, reader):
        await running.sent(reader, PROVIDER, application())
        assert await running.sent(provider, READER, answer()) == ("accepted", "")
        assert (await running.call["case.show"](CASE))["case"]["state"] == "submitted"
        assert await running.sent(provider, READER, terms()) == ("accepted", "")
        assert await running.sent(provider, READER, answer()) == ("accepted", "")
        assert (await running.sent(provider, READER, answer(grant="9" * 32)))[1] == "case.move"


async def test_the_hub_opens_what_it_notarises_and_nothing_sealed(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    hub, provider = kit.hub(), kit.station(PROVIDER)
    key = FeedKey(grant_hash=b"h", feed=FEED, incarnation=1, epoch=1, first_seq=1, key=bytes(32))
    notarised, sealed = [
        await provider.write(lambda tx, b=body: _letter(tx, b)) for body in (terms(), key)
    ]

    def open_at_hub(raw: bytes) -> Opened[Shape]:
        parts = hub.station.parts
        trust = parts.trust.current
        message = verify(
            raw, suites=parts.suites, plane=trust.plane, keys=trust, now_ms=kit.clock()
        )
        return open_content(message, lambda header: content_key(parts, header))

    assert open_at_hub(notarised).body == terms()
    with pytest.raises(EnvelopeRecipient):
        open_at_hub(sealed)
    await hub.station.close()
    await provider.close()


def _letter(tx: Tx, body: Shape) -> bytes:
    """As a station sends it: to the reader's key, and to the hub's if the kind is notarised."""
    named = send(tx, READER, body)
    raw = envelope_of(tx.conn, named)
    assert raw is not None
    return raw


async def test_a_sealed_letter_through_the_hub_is_not_passed_on(tmp_path: Path) -> None:
    """No way around the grants: what is direct travels only where a grant opened a route."""
    async with exchange(tmp_path) as (running, provider, _reader):
        kind = messages.kind_named("feed.key")
        assert kind.cls is Class.SEALED
        key = FeedKey(
            grant_hash=b"h", feed=FEED, incarnation=1, epoch=1, first_seq=1, key=bytes(32)
        )

        def make(tx: Tx) -> bytes:
            to = ToParties((tx.trust.recipient(READER, tx.now_ms),))
            made = tx.make(kind, READER, [encode(key)], to, expires_ms=tx.now_ms + 60_000)
            return made.envelope.raw

        raw = await provider.write(make)
        link = provider.wire.link
        assert link is not None
        await link.publish("hub", f"{PROVIDER}.feed.key", raw, mandatory=True, timeout_s=5)

        async def quarantined() -> bool:
            rows = await running.hub.station.read(quarantine_codes)
            return "envelope.destination" in rows

        await until_true(quarantined)
        assert running.kit.seen[READER].of_kind("feed.key") == []
