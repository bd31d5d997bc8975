"""Reconciliation (对账): publisher and readers sign what they hold of a feed; the hub compares.

Two rounds. First each says what it holds; then all prove the range that they have in common. Equal
{count, root} is the same items in the same order; else the first difference is sought. The hub sees
no item.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import select

from ortoo_hub.differences import Pair, Silent
from ortoo_hub.directory import CATALOG, active_stations, catalog_feed, directory_feed
from ortoo_hub.store.tables import proofs
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import FeedUnknown
from ortoo_protocol.core.feeds import ProofAnswer, ProofAsk
from ortoo_protocol.core.ids import check_feed, feed_owner
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import grants_held
from ortoo_protocol.station import proofs as station_proofs
from ortoo_protocol.station.context import Signal, Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.dialect import insert_new

ROUND_S = 9.0
Answers = Mapping[str, ProofAnswer]


@dataclass
class Reconciler:
    """`station` is set once it is made; `take` is its handler of proof.answer."""

    round_s: float = ROUND_S
    _open: set[str] = field(default_factory=set)
    _probed: dict[str, dict[str, ProofAnswer]] = field(default_factory=dict)
    _came: Signal = field(default_factory=Signal)

    def take(self, tx: Tx, opened: Opened[Shape]) -> None:
        """An answer counts for its sender, and only to an ask that is open."""
        body = as_body(opened, ProofAnswer).body
        if body.ask in self._probed:
            tx.after_commit(partial(self._answered, body.ask, opened.header.sender, body))
        if body.ask in self._open:
            _keep(tx, opened.header.sender, body)
            tx.after_commit(self._came.set)

    async def reconcile(self, station: Station, feed: str) -> dict[str, Any]:
        """Ask all, wait, compare. Raises FeedUnknown, CodecIdentifier."""
        check_feed(feed)
        parties = await station.write(lambda tx: parties_of(tx, feed))
        publisher = feed_owner(feed)
        whole = await self._round(station, feed, parties, 0, 0, 0)
        common = _common(whole, publisher)
        proven: Answers = {}
        if common is not None:
            alike = {p: a for p, a in whole.items() if (a.first, a.last) == common[1:]}
            others = {party: None for party in whole if party not in alike}
            asked = await self._round(station, feed, others, *common) if others else {}
            proven = {**alike, **asked}
        verdict = _verdict(feed, parties, whole, proven, common)
        for one in verdict["parties"]:
            one["difference"] = await self._difference(station, feed, one, proven)
        return verdict

    async def _difference(
        self, station: Station, feed: str, one: Mapping[str, Any], proven: Answers
    ) -> dict[str, Any] | None:
        """The first of a reader that proved another root of the common range."""
        publisher, reader = proven.get(feed_owner(feed)), proven.get(one["party"])
        if one["agree"] or publisher is None or reader is None or reader is publisher:
            return None

        async def ask(both: tuple[str, ...], incarnation: int, first: int, last: int) -> Answers:
            wanted = dict.fromkeys(both, "")
            return await self.probe(station, feed, wanted, incarnation, first, last)

        pair = Pair(feed_owner(feed), one["party"], publisher.incarnation, ask)
        try:
            found = await pair.first_difference(publisher.first, publisher.last)
        except Silent:
            return None
        return None if found is None else {"kind": found.kind, "number": found.number}

    async def probe(
        self,
        station: Station,
        feed: str,
        parties: Mapping[str, object],
        incarnation: int = 0,
        first: int = 0,
        last: int = 0,
        *,
        from_ms: int = 0,
        until_ms: int = 0,
    ) -> dict[str, ProofAnswer]:
        """A round whose answers are looked at and not kept."""
        number = await station.write(lambda tx: tx.new_id().hex())
        ask = ProofAsk(
            ask=number, feed=feed, incarnation=incarnation, first=first, last=last,
            from_ms=from_ms, until_ms=until_ms,
        )  # fmt: skip
        here = self._probed[number] = {}
        try:
            here |= await station.write(lambda tx: _send_probe(tx, ask, parties))
            async with asyncio.timeout(self.round_s):
                while not here.keys() >= parties.keys():
                    ticket = self._came.ticket()
                    if here.keys() >= parties.keys():
                        break
                    await ticket.wait()
        except TimeoutError:
            pass
        finally:
            del self._probed[number]
        return {party: answer for party, answer in here.items() if party in parties}

    def _answered(self, ask: str, party: str, body: ProofAnswer) -> None:
        if ask in self._probed:
            self._probed[ask][party] = body
            self._came.set()

    async def _round(
        self,
        station: Station,
        feed: str,
        parties: Mapping[str, object],
        incarnation: int,
        first: int,
        last: int,
    ) -> Answers:
        number = await station.write(lambda tx: tx.new_id().hex())
        ask = ProofAsk(ask=number, feed=feed, incarnation=incarnation, first=first, last=last)
        self._open.add(number)
        try:
            await station.write(lambda tx: _send(tx, ask, parties))
            async with asyncio.timeout(self.round_s):
                while True:
                    ticket = self._came.ticket()
                    found = await station.write(lambda tx: _answers(tx, number))
                    if found.keys() >= parties.keys():
                        return found
                    await ticket.wait()
        except TimeoutError:
            return await station.write(lambda tx: _answers(tx, number))
        finally:
            self._open.discard(number)


def parties_of(tx: Tx, feed: str) -> dict[str, str]:
    """Party to role: the publisher, and who reads now. Raises FeedUnknown."""
    hub, publisher = tx.party, feed_owner(feed)
    if feed in (directory_feed(hub), catalog_feed(hub)):
        readers = set(active_stations(tx.trust))
    elif feed == f"{publisher}.{CATALOG}":
        readers = {hub}
    else:
        readers = {row.reader for row in grants_held.live_on(tx, feed)} - {publisher}
    if not readers or publisher not in {entry.party for entry in tx.trust.parties}:
        raise FeedUnknown(feed=feed)
    return {publisher: "publisher", **dict.fromkeys(sorted(readers), "reader")}


def _send(tx: Tx, ask: ProofAsk, parties: Mapping[str, object]) -> None:
    for party in parties:
        if party == tx.party:
            _keep(tx, party, station_proofs.answer(tx, ask))
        else:
            send(tx, party, ask)


def _send_probe(tx: Tx, ask: ProofAsk, parties: Mapping[str, object]) -> dict[str, ProofAnswer]:
    """What the hub itself says, if it is one of them."""
    own = {}
    for party in parties:
        if party == tx.party:
            own[party] = station_proofs.answer(tx, ask)
        else:
            send(tx, party, ask)
    return own


def _keep(tx: Tx, party: str, body: ProofAnswer) -> None:
    row = {
        "ask": body.ask,
        "party": party,
        "feed": body.feed,
        "incarnation": body.incarnation,
        "first": body.first,
        "last": body.last,
        "count": body.count,
        "root": body.root,
        "time_ms": tx.now_ms,
    }
    insert_new(tx.conn, proofs, [row])


def _answers(tx: Tx, ask: str) -> dict[str, ProofAnswer]:
    rows = tx.conn.execute(select(proofs).where(proofs.c.ask == ask))
    return {
        row.party: ProofAnswer(
            ask=row.ask,
            feed=row.feed,
            incarnation=row.incarnation,
            first=row.first,
            last=row.last,
            count=row._mapping["count"],
            root=row.root,
        )
        for row in rows
    }


def _common(whole: Answers, publisher: str) -> tuple[int, int, int] | None:
    """(incarnation, first, last) that the publisher and every reader that holds items have in
    common; None without the publisher's answer. Who claims what the publisher does not hold, or
    another number than its range has, narrows nothing: else one could empty it for all."""
    own = whole.get(publisher)
    if own is None:
        return None
    here = [
        each
        for each in whole.values()
        if each.incarnation == own.incarnation
        and each.count > 0
        and own.first <= each.first <= each.last <= own.last
        and each.count == each.last - each.first + 1
    ]
    first = max((each.first for each in here), default=1)
    last = min((each.last for each in here), default=0)
    return own.incarnation, first, last


def _verdict(
    feed: str,
    parties: Mapping[str, str],
    whole: Answers,
    proven: Answers,
    common: tuple[int, int, int] | None,
) -> dict[str, Any]:
    publisher = proven.get(feed_owner(feed))
    shown = [
        _one(party, role, whole.get(party), proven.get(party), publisher)
        for party, role in parties.items()
    ]
    incarnation, first, last = common or (0, 0, 0)
    return {
        "feed": feed,
        "agree": all(one["agree"] for one in shown),
        "incarnation": incarnation,
        "first": first,
        "last": last,
        "count": publisher.count if publisher else 0,
        "root": publisher.root.hex() if publisher else "",
        "parties": shown,
    }


def _one(
    party: str,
    role: str,
    whole: ProofAnswer | None,
    proven: ProofAnswer | None,
    publisher: ProofAnswer | None,
) -> dict[str, Any]:
    detail, agree = "", False
    if whole is None or proven is None:
        detail = "no answer in time" if publisher or role == "publisher" else ""
    elif publisher is None:
        detail = "the publisher did not answer"
    elif proven.incarnation != publisher.incarnation:
        detail = f"incarnation {proven.incarnation} instead of {publisher.incarnation}"
    elif whole.count == 0:
        # From a snapshot on, and nothing since: there is no item to compare.
        agree, detail = True, f"holds no item yet; stands at {whole.last}"
    elif publisher.count == 0:
        detail = "no items that the publisher and all readers hold: nothing was compared"
    elif (proven.count, proven.root) == (publisher.count, publisher.root):
        agree = True
    else:
        detail = f"other items between {publisher.first} and {publisher.last}"
    return {
        "party": party,
        "role": role,
        "answered": whole is not None,
        "agree": agree,
        "count": proven.count if proven else 0,
        "root": proven.root.hex() if proven else "",
        "detail": detail,
    }
