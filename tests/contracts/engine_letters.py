"""What every station must do with letters, whatever broker and suite it runs on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, func, insert, select

from ortoo_protocol.bus.port import Link, Outcome
from ortoo_protocol.core.bundles import bundle, unbundle
from ortoo_protocol.core.cases import Withdrawal
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import CatalogBasis, StoreError
from ortoo_protocol.core.feeds import FeedKey
from ortoo_protocol.core.notices import ReceiptEntry, Receipts
from ortoo_protocol.core.topology import HUB_INBOX
from ortoo_protocol.core.verify import Opened, open_content, verify
from ortoo_protocol.station.context import Hooks, SettledLetter, Tx
from ortoo_protocol.station.sending import envelope_of, send
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import outbox, quarantine
from tests.contracts.engine_rig import FEED, A, B, C, EngineRig, outcome, quarantined, settled
from tests.support.faulty_bus import Faults
from tests.support.letters import make_letter, refusal
from tests.support.stations import until, until_read
from tests.support.trust import HUB

DAY_MS = 86_400_000
KEY = f"{HUB}.{B}.catalog.refused"
_quarantine_size = select(func.count()).select_from(quarantine)

_application = MetaData()
effects = Table(
    "effects",
    _application,
    Column("number", Integer, primary_key=True),
    Column("letter", LargeBinary, nullable=False),
)


def handle(tx: Tx, opened: Opened[Shape]) -> None:
    """An application that writes a row for each letter."""
    effects.create(tx.conn, checkfirst=True)
    tx.conn.execute(insert(effects).values(letter=opened.header.id))


HANDLING = Hooks(handlers={"catalog.refused": handle, "case.withdrawal": handle})


async def handled(station: Station) -> list[bytes]:
    def read(tx: Tx) -> list[bytes]:
        effects.create(tx.conn, checkfirst=True)
        return list(tx.conn.execute(select(effects.c.letter)).scalars())

    return await station.write(read)


async def raw_of(station: Station, letter: bytes) -> bytes:
    raw = await station.read(lambda conn: envelope_of(conn, letter))
    assert raw is not None
    return raw


async def confirmed(station: Station, letter: bytes) -> None:
    query = select(outbox.c.confirms).where(outbox.c.id == letter)
    await until_read(station, lambda conn: conn.execute(query).scalar())


async def publish_raw(link: Link, key: str, *raws: bytes, exchange: str = "letters") -> None:
    for raw in raws:
        await link.publish(exchange, key, raw, mandatory=True, timeout_s=10)


async def take_receipts(rig: EngineRig, link: Link, count: int) -> list[ReceiptEntry]:
    """What lies in the hub's inbox, read in its stead."""
    consumer = await link.consume(HUB_INBOX, prefetch=100)
    entries: list[ReceiptEntry] = []
    while len(entries) < count:
        deliveries = await consumer.receive(100)
        for delivery in deliveries:
            entries += _entries(rig, delivery.body)
        await consumer.settle(deliveries)
    await consumer.close()
    return entries


def _entries(rig: EngineRig, raw: bytes) -> Sequence[ReceiptEntry]:
    region = rig.region
    message = verify(
        raw,
        suites=region.suites,
        plane=region.plane,
        keys=region.trust(),
        now_ms=rig.kit.clock(),
    )
    body = open_content(message, lambda _header: None).body
    return body.entries if isinstance(body, Receipts) else ()


def _refusal_to_b(number: int, tx: Tx) -> bytes:
    return send(tx, B, refusal(number))


def withdraw(to: str) -> Callable[[Tx], bytes]:
    body = Withdrawal(case="c" * 32, reason="不再需要", handler="甲")
    return lambda tx: send(tx, to, body)


class LettersContract:
    async def test_delivered_once_receipted_settled(self, rig: EngineRig) -> None:
        told: list[SettledLetter] = []
        hub = await rig.start(HUB, Hooks(settled=lambda _tx, letter: told.append(letter)))
        reader = await rig.start(B, HANDLING)
        letters = [await hub.write(partial(_refusal_to_b, n)) for n in range(20)]
        for letter in letters:
            assert await settled(hub, letter) == ("accepted", "")
        assert await handled(reader) == letters
        assert sorted(letter.id for letter in told) == sorted(letters)

    async def test_between_stations_the_hub_records_and_passes_on(self, rig: EngineRig) -> None:
        seen: list[bytes] = []
        relay = Hooks(relay=lambda _tx, opened: seen.append(opened.header.id))
        await rig.start(HUB, relay)
        reader = await rig.start(B, HANDLING)
        sender = await rig.start(A)
        letter = await sender.write(withdraw(B))
        assert await settled(sender, letter) == ("accepted", "")
        assert seen == [letter]
        assert await handled(reader) == [letter]
        query = select(outbox.c.notarised_ms).where(outbox.c.id == letter)
        assert await sender.read(lambda conn: conn.execute(query).scalar())

    async def test_a_duplicate_gets_the_same_receipt(self, rig: EngineRig) -> None:
        reader = await rig.start(B, HANDLING)
        link = await rig.bus(HUB).connect()
        raw = make_letter(rig.kit, HUB, B, refusal())
        await publish_raw(link, KEY, raw)
        first = await take_receipts(rig, link, 1)
        await publish_raw(link, KEY, raw, raw)
        again = await take_receipts(rig, link, 2)
        assert [entry.status for entry in first] == ["accepted"]
        assert again == first * 2
        assert len(await handled(reader)) == 1
        await link.close()

    async def test_the_same_id_with_other_bytes_is_refused(self, rig: EngineRig) -> None:
        reader = await rig.start(B, HANDLING)
        link = await rig.bus(HUB).connect()
        same = b"\x01\x8f" + bytes(4) + b"\x70\x00\x80" + bytes(7)
        letters = [make_letter(rig.kit, HUB, B, refusal(number), id=same) for number in (1, 2)]
        await publish_raw(link, KEY, *letters)
        first, second = await take_receipts(rig, link, 2)
        assert (first.status, second.status) == ("accepted", "refused")
        assert second.error == "envelope.id-reuse"
        assert first.envelope_hash != second.envelope_hash
        assert await handled(reader) == [same]
        assert await quarantined(reader) == ["envelope.id-reuse"]
        await link.close()

    async def test_refused_by_its_handler(self, rig: EngineRig) -> None:
        """The code travels in the receipt; what the handler did is taken back."""

        def refuse_some(tx: Tx, opened: Opened[Shape]) -> None:
            handle(tx, opened)
            if opened.body == refusal(1):
                raise CatalogBasis()

        hub = await rig.start(HUB)
        reader = await rig.start(B, Hooks(handlers={"catalog.refused": refuse_some}))
        bad = await hub.write(lambda tx: send(tx, B, refusal(1)))
        good = await hub.write(lambda tx: send(tx, B, refusal(2)))
        assert await settled(hub, bad) == ("refused", "catalog.basis")
        assert await settled(hub, good) == ("accepted", "")
        assert await handled(reader) == [good]

    async def test_poison_stops_nothing_behind_it(self, rig: EngineRig) -> None:
        """Junk, a letter that no handler knows, and one whose handler breaks."""

        def broken(_tx: Tx, opened: Opened[Shape]) -> None:
            if opened.body == refusal(1):
                raise ZeroDivisionError
            handle(_tx, opened)

        hub = await rig.start(HUB)
        reader = await rig.start(B, Hooks(handlers={"catalog.refused": broken}))
        link = await rig.bus(HUB).connect()
        await publish_raw(link, KEY, b"", b"junk" * 100, b"ORTO" + bytes(500))
        await hub.write(lambda tx: send(tx, B, refusal(1)))
        good = await hub.write(lambda tx: send(tx, B, refusal(2)))
        assert await settled(hub, good) == ("accepted", "")
        assert await handled(reader) == [good]
        assert len(await quarantined(reader)) == 4
        await link.close()

    async def test_what_is_due_together_shares_messages(self, rig: EngineRig) -> None:
        """Each letter is handled, and receipted, by itself."""
        hub = await rig.start(HUB)
        letters = await hub.write(lambda tx: [_refusal_to_b(number, tx) for number in range(150)])
        for letter in letters:
            await confirmed(hub, letter)
        link = await rig.bus(B).connect()
        consumer = await link.consume(f"inbox.{B}", prefetch=200)
        came: list[bytes] = []
        messages = 0
        while len(came) < len(letters):
            for delivery in await consumer.receive(200):
                messages += 1
                came += unbundle(delivery.body)
        await link.close()  # nothing was acknowledged: all of it comes again
        assert messages == 1
        assert came == [await raw_of(hub, letter) for letter in letters]
        reader = await rig.start(B, HANDLING)
        for letter in letters:
            assert await settled(hub, letter) == ("accepted", "")
        assert await handled(reader) == letters

    async def test_a_bad_one_in_a_bundle_stops_no_other(self, rig: EngineRig) -> None:
        reader = await rig.start(B, HANDLING)
        link = await rig.bus(HUB).connect()
        good = [make_letter(rig.kit, HUB, B, refusal(number)) for number in (1, 2)]
        forged = good[0][:-1] + bytes([good[0][-1] ^ 1])
        nested = bundle(good)
        broken = bundle(good)[:-1]
        await publish_raw(link, KEY, broken, bundle([good[0], forged, nested, b"", good[1]]))
        receipts = await take_receipts(rig, link, 2)
        assert [entry.status for entry in receipts] == ["accepted", "accepted"]
        assert len(await handled(reader)) == 2
        assert sorted(await quarantined(reader)) == [
            "envelope.body-hash",
            "envelope.lengths",
            "envelope.magic",
            "envelope.magic",
        ]
        await link.close()

    async def test_a_receipt_from_a_third_party_counts_nothing(self, rig: EngineRig) -> None:
        rig.direct.add((C, A))
        await rig.program()
        await rig.start(HUB, Hooks(relay=lambda _tx, _opened: None))
        sender = await rig.start(A)
        letter = await sender.write(withdraw(B))
        raw = await raw_of(sender, letter)
        query = select(outbox.c.hash).where(outbox.c.id == letter)
        named = await sender.read(lambda conn: bytes(conn.execute(query).scalar_one()))
        forged = Receipts(entries=(ReceiptEntry(letter, named, "accepted", "", 1),))
        link = await rig.bus(C).connect()
        kit = rig.kit
        receipt = make_letter(kit, C, A, forged, kind="receipt.direct")
        await publish_raw(link, f"{C}.{A}.receipt.direct", receipt)
        # Taken after the receipt, from the same queue: a key of a feed that is not C's.
        size, digest = rig.region.suite.key_bytes, rig.region.suite.hash_bytes
        key = FeedKey(
            grant_hash=bytes(digest), feed=FEED, incarnation=1, epoch=1, first_seq=1,
            key=bytes(size),
        )  # fmt: skip
        await publish_raw(link, f"{C}.{A}.feed.key", make_letter(kit, C, A, key))
        await until_read(sender, lambda conn: conn.execute(_quarantine_size).scalar())
        assert await outcome(sender, letter) == ("waiting", "")
        reader = await rig.start(B, HANDLING)
        assert await settled(sender, letter) == ("accepted", "")
        assert await handled(reader) == [letter]
        assert raw
        await link.close()

    async def test_a_recipient_that_was_off_for_long(self, rig: EngineRig) -> None:
        hub = await rig.start(HUB)
        await rig.start(B, HANDLING)
        await rig.leave(B)
        letters = [await hub.write(partial(_refusal_to_b, n)) for n in range(5)]
        for letter in letters:
            await confirmed(hub, letter)
        rig.kit.offset_ms += 30 * DAY_MS
        reader = await rig.start(B, HANDLING)
        for letter in letters:
            assert await settled(hub, letter) == ("accepted", "")
        assert await handled(reader) == letters

    async def test_a_broker_that_lost_everything(self, rig: EngineRig) -> None:
        """Confirmed letters were on it; the outbox still has them."""
        hub = await rig.start(HUB)
        letters = [await hub.write(partial(_refusal_to_b, n)) for n in range(5)]
        for letter in letters:
            await confirmed(hub, letter)
        await rig.bus_rig.empty()
        await rig.program()
        reader = await rig.start(B, HANDLING)
        for letter in letters:
            assert await settled(hub, letter) == ("accepted", "")
        assert sorted(await handled(reader)) == sorted(letters)

    # --- SIGKILL ---

    async def test_the_sender_dies_before_it_published(self, rig: EngineRig) -> None:
        hub = await rig.start(HUB, online=False)
        letter = await hub.write(lambda tx: send(tx, B, refusal()))
        await rig.crash(HUB)
        reader = await rig.start(B, HANDLING)
        hub = await rig.start(HUB)
        assert await settled(hub, letter) == ("accepted", "")
        assert await handled(reader) == [letter]

    async def test_the_sender_dies_before_it_noted_the_confirm(self, rig: EngineRig) -> None:
        faults = Faults(keeps=lambda _exchange, key: key == KEY)
        hub = await rig.start(HUB, faults=faults)
        letter = await hub.write(lambda tx: send(tx, B, refusal()))
        await faults.stuck.wait()
        await rig.crash(HUB)
        reader = await rig.start(B, HANDLING)
        hub = await rig.start(HUB)
        assert await settled(hub, letter) == ("accepted", "")
        assert await handled(reader) == [letter]

    async def test_the_recipient_dies_before_it_accepted(self, rig: EngineRig) -> None:
        def deadly(tx: Tx, opened: Opened[Shape]) -> None:
            handle(tx, opened)
            died.append(opened.header.id)
            _stop_committing(reader)

        died: list[bytes] = []
        hub = await rig.start(HUB)
        reader = await rig.start(B, Hooks(handlers={"catalog.refused": deadly}))
        letter = await hub.write(lambda tx: send(tx, B, refusal()))
        await until(lambda: died)
        await rig.crash(B)
        assert await outcome(hub, letter) == ("waiting", "")
        reader = await rig.start(B, HANDLING)
        assert await settled(hub, letter) == ("accepted", "")
        assert await handled(reader) == [letter]

    async def test_the_recipient_dies_between_accept_and_ack(self, rig: EngineRig) -> None:
        hub = await rig.start(HUB)
        faults = Faults(settles=False)
        await rig.start(B, HANDLING, faults=faults)
        letter = await hub.write(lambda tx: send(tx, B, refusal()))
        await faults.stuck.wait()
        await rig.crash(B)
        reader = await rig.start(B, HANDLING)
        assert await settled(hub, letter) == ("accepted", "")
        other = await hub.write(lambda tx: send(tx, B, refusal(2)))
        assert await settled(hub, other) == ("accepted", "")
        assert await handled(reader) == [letter, other]

    async def test_a_letter_to_the_station_itself_survives(self, rig: EngineRig) -> None:
        """It was with nobody when the process died: not in a queue, only in the outbox."""
        station = await rig.start(A, HANDLING, online=False)
        station.local.put = lambda raw: Outcome.CONFIRMED  # type: ignore[method-assign]
        letter = await station.write(withdraw(A))
        await confirmed(station, letter)
        await rig.crash(A)
        station = await rig.start(A, HANDLING, online=False)
        assert await settled(station, letter) == ("accepted", "")
        assert await handled(station) == [letter]


def _stop_committing(station: Station) -> None:
    """From inside a job: neither it nor anything later is committed."""

    def torn(*_: object) -> None:
        raise StoreError(detail="dead")

    station.database._writer._start_batch = torn  # type: ignore[assignment]
    raise StoreError(detail="dead")
