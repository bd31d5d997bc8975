"""The table of kinds: that it is consistent, and how letters are addressed."""

from __future__ import annotations

import pytest

from ortoo_protocol.core import feeds, messages, notices, queries, topology
from ortoo_protocol.core.errors import EnvelopeKind
from ortoo_protocol.core.messages import KINDS, Class, Route, kind_named, kind_of
from tests.support.bodies import body_of
from tests.support.forge import CITY, HUB, OTHER


def test_names_are_unique_and_found() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert [kind_named(kind.name) for kind in KINDS] == list(KINDS)
    for name in ("", "no.such", "FEED.KEY", messages.AGAIN):
        with pytest.raises(EnvelopeKind):
            kind_named(name)


def test_shapes_of_one_kind_name_it() -> None:
    shared = {notices.Receipts, notices.TrustUpdate, feeds.Head, queries.QueryPage}
    for kind in KINDS:
        if kind.shape in shared:
            with pytest.raises(EnvelopeKind):
                kind_of(body_of(kind.shape))
        else:
            assert kind_of(body_of(kind.shape)) is kind


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_kind_is_of_one_piece(kind: messages.Kind) -> None:
    assert kind.senders in ("s", "h", "sh")
    assert len(kind.name) <= 64
    if kind.durable:
        assert kind.route is not Route.FEED, "items are kept by their publisher"
    if kind.route in (Route.DIRECT, Route.BULK, Route.QUICK):
        exchange, _key = messages.address(kind, CITY, OTHER, HUB)
        bound = topology.DIRECT_KINDS[exchange]
        assert kind.name.startswith(tuple(pattern.removesuffix("#") for pattern in bound)), (
            f"{bound} are what is bound between stations on {exchange}"
        )
    if kind.route is Route.QUICK:
        assert not kind.durable, "nobody keeps a call"
    if kind.cls is Class.NOTARISED:
        assert kind.route is Route.HUB, "the hub records what it notarises"
    if kind.name.startswith("receipt."):
        assert not kind.durable, "a receipt is never itself receipted"


def test_only_the_head_is_on_a_feed_and_no_item() -> None:
    assert [k.name for k in KINDS if k.route is Route.FEED and not k.item] == ["feed.head"]


@pytest.mark.parametrize(
    ("kind", "sender", "recipient", "to"),
    [
        ("case.application", CITY, OTHER, ("hub", f"{CITY}.case.application")),
        ("case.application", CITY, HUB, ("hub", f"{CITY}.case.application")),
        ("receipt.hub", HUB, CITY, ("letters", f"{HUB}.{CITY}.receipt.hub")),
        ("feed.key", CITY, OTHER, ("letters", f"{CITY}.{OTHER}.feed.key")),
        ("feed.snapshot", CITY, OTHER, ("bulk", f"{CITY}.{OTHER}.feed.snapshot")),
        ("query.ask", CITY, OTHER, ("quick", f"{CITY}.{OTHER}.query.ask")),
        ("query.bulk", CITY, OTHER, ("bulk", f"{CITY}.{OTHER}.query.bulk")),
        ("feed.head-ask", CITY, HUB, ("hub", f"{CITY}.feed.head-ask")),
    ],
)
def test_addresses(kind: str, sender: str, recipient: str, to: tuple[str, str]) -> None:
    assert messages.address(kind_named(kind), sender, recipient, HUB) == to


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_address_is_an_exchange_that_stands(kind: messages.Kind) -> None:
    for sender, recipient in ((CITY, OTHER), (CITY, HUB), (HUB, CITY)):
        exchange, key = messages.address(kind, sender, recipient, HUB)
        assert exchange in topology.EXCHANGES
        assert key.startswith(f"{sender}.")
        assert len(key.encode()) <= 255
