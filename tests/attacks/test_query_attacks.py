"""Whoever asks, or answers, what he may not: each stands by a named check."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ortoo_node import app as node_app
from ortoo_node.catalog import adding
from ortoo_node.queries import declared, granted
from ortoo_node.queries.arriving import Arriving
from ortoo_node.queries.desk import Queries
from ortoo_node.queries.provider import Provider
from ortoo_node.queries.waiting import Waiting
from ortoo_node.settings import Database, NodeSettings
from ortoo_node.store import NODE
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.errors import QueryScope
from ortoo_protocol.core.feeds import Column
from ortoo_protocol.core.queries import (
    SALT_BYTES,
    QueryAsk,
    QueryPage,
    pack_parameters,
)
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.context import Post
from ortoo_protocol.station.settings import StationTable
from ortoo_protocol.station.store.tables import grants
from tests.node.kit import entry, fill
from tests.node.query_kit import CODE, DECLARED, PROVIDER, PURPOSE, READER
from tests.support.desk import Desk, Refused
from tests.support.letters import make_letter
from tests.support.mutation import removed, stands_by
from tests.support.stations import Kit, terms

FOREIGN = "s152900"


class Asked(Desk):
    """A provider with a declared query and a grant to READER for two items."""

    def __init__(self, kit: Kit) -> None:
        settings = _settings(kit, PROVIDER)
        self.queries = Queries(settings)
        super().__init__(kit, PROVIDER, node_app.hooks(None, self.queries), migrations=(NODE,))
        self.do(lambda tx: adding.add(tx, entry(PROVIDER, CODE, share_type=2)))
        given = declared.read(DECLARED)
        self.do(lambda tx: self.queries.offers.declare(tx, given))
        self.terms = msgspec.structs.replace(
            terms(PROVIDER, READER, f"{PROVIDER}.dibao", 1),
            resource=CODE,
            mode="在线查询",
            purpose=PURPOSE,
            items=("id",),
        )
        self.do(lambda tx: grants_held.keep(tx, self.terms, encode(self.terms)))

    def refusals(self, sender: str, ask: QueryAsk) -> None:
        """Raises Refused when the ask was refused; returns when a query began."""
        self.sent.clear()
        begun: list[Any] = []
        self.queries.provider._start = lambda _tx, job: begun.append(job)  # type: ignore[method-assign]
        self.take(make_letter(self.kit, sender, PROVIDER, ask))
        if self.posts("query.refusal") or not begun:
            raise Refused("query.refused")

    def close(self) -> None:
        self.queries.offers.close()
        super().close()


def _settings(kit: Kit, party: str) -> NodeSettings:
    folder = kit.folder / party
    folder.mkdir(exist_ok=True)
    fill(folder / "source.sqlite", 3)
    return NodeSettings(
        station=StationTable(party=party, plane=kit.region.plane, name=party, folder=folder),
        sources=(Database(name="business", url=f"sqlite:///{folder / 'source.sqlite'}"),),
    )


def _ask(granted: str, number: int, **changes: Any) -> QueryAsk:
    given: dict[str, Any] = {
        "ask": f"{number:032x}",
        "grant": granted,
        "query": "by-income",
        "purpose": PURPOSE,
        "handler": "查询人",
        "salt": b"s" * SALT_BYTES,
        "parameters": pack_parameters({"least": 0}),
        "page_rows": 10,
        "window": 1,
    }
    return QueryAsk(**{**given, **changes})


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    made = Asked(Kit(tmp_path))
    try:
        yield made
    finally:
        made.close()


def test_nobody_asks_under_anothers_grant(asked: Asked) -> None:
    numbers = iter(range(1, 100))
    stands_by(
        lambda: asked.refusals(FOREIGN, _ask(asked.terms.grant, next(numbers))),
        "query.refused",
        removed(granted.allowed, "GrantUnknown"),
    )


def test_a_grant_that_ended_answers_nothing(asked: Asked) -> None:
    asked.change(grants, grants.c.grant == asked.terms.grant, ended_ms=1, end_reason="停止")
    numbers = iter(range(1, 100))
    stands_by(
        lambda: asked.refusals(READER, _ask(asked.terms.grant, next(numbers))),
        "query.refused",
        removed(granted.allowed, "GrantEnded"),
    )


def test_what_was_granted_for_one_purpose_serves_no_other(asked: Asked) -> None:
    numbers = iter(range(1, 100))
    stands_by(
        lambda: asked.refusals(READER, _ask(asked.terms.grant, next(numbers), purpose="另用")),
        "query.refused",
        removed(Provider._judge, "QueryPurpose"),
    )


def test_an_ask_does_not_take_the_number_of_another(asked: Asked) -> None:
    """Else what is recorded would not be what was asked."""
    asked.refusals(READER, _ask(asked.terms.grant, 1))
    other = _ask(asked.terms.grant, 1, parameters=pack_parameters({"least": 2}))

    def attack() -> None:
        asked.sent.clear()
        asked.take(make_letter(asked.kit, READER, PROVIDER, other))
        if asked.posts("query.refusal"):
            raise Refused("query.refused")

    asked.queries.provider._then_again = lambda *_: None  # type: ignore[method-assign]
    stands_by(attack, "query.refused", removed(Provider._judge, "QueryReused"))


def test_an_item_outside_the_grant_is_not_even_read(asked: Asked) -> None:
    def shown(tx: Any) -> Any:
        return asked.queries.offers.offer(tx, asked.terms, "by-income").reach

    found = asked.do(shown)
    assert [column.name for column in found.shown] == ["id"]
    assert [column.name for column in found.read] == ["id"]
    outside = msgspec.structs.replace(asked.terms, grant="f" * 32, items=("other",))
    with pytest.raises(QueryScope):
        asked.do(lambda tx: asked.queries.offers.offer(tx, outside, "by-income"))


def test_nobody_answers_in_the_providers_stead(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    queries = Queries(_settings(kit, READER))
    desk = Desk(kit, READER, node_app.hooks(None, queries), migrations=(NODE,))
    page = QueryPage(
        ask="1" * 32, number=0, pages=1, rows=0, cut="", columns=(Column("id", "C", 0),)
    )
    taken: list[Any] = []
    queries.reader.arriving._take_page = lambda *given: taken.append(given)  # type: ignore[method-assign]
    waiting = Waiting("1" * 32, PROVIDER, "g", "c", Post("", "", b""), 0.0, 1.0, 1)
    queries.reader.arriving.waiting["1" * 32] = waiting

    def attack() -> None:
        desk.take(make_letter(kit, FOREIGN, READER, page, kind="query.page"))

    try:
        stands_by(attack, "query.answer", removed(Arriving._asked, "QueryAnswer"))
    finally:
        desk.close()
