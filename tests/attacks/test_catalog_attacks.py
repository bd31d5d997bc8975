"""The steps of the catalog under attack: by a person at a station, and by a station at the hub.

Where a station's own rules and the hub's (or the law at publication) both stand in the way, each is
shown to hold alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ortoo_hub.catalog import federation
from ortoo_hub.directory import catalog_feed
from ortoo_hub.store import HUB as HUB_TABLES
from ortoo_hub.store.tables import catalog as hub_catalog
from ortoo_hub.store.tables import catalog_refusals
from ortoo_node import app as node_app
from ortoo_node.catalog import drafts, mirror, own, steps
from ortoo_node.catalog.drafts import Draft
from ortoo_node.catalog.rules import DEFAULT, Rules
from ortoo_node.store import NODE
from ortoo_protocol.core import feeds
from ortoo_protocol.core.catalog import Entry, codes, law
from ortoo_protocol.core.catalog import steps as table
from ortoo_protocol.core.catalog.steps import Act, Move, State
from ortoo_protocol.core.envelope import Position, envelope_hash, split
from ortoo_protocol.core.errors import (
    CatalogAuthority,
    CatalogDuties,
    CatalogFeed,
    CatalogField,
    CatalogOwner,
    CatalogRange,
    CatalogStep,
)
from ortoo_protocol.core.ids import Plane, feed_id
from ortoo_protocol.station import feed_reader, feed_writer
from ortoo_protocol.station.context import Hooks
from ortoo_protocol.station.store.tables import outbox
from tests.support import hubs
from tests.support.desk import Desk, Refused
from tests.support.hubs import PROVIDER, THIRD
from tests.support.letters import make_letter
from tests.support.mutation import Removal, removed, replaced, stands_by, together
from tests.support.stations import Kit
from tests.support.trust import DEPARTMENTS, HUB

FIELDS: dict[str, Any] = {
    "code": "307001",
    "name": "最低生活保障家庭信息",
    "department": DEPARTMENTS[PROVIDER][0],
    "abstract": "城乡低保家庭",
    "share_type": 2,
    "basis": "《社会救助暂行办法》",
    "cycle": "每月",
    "items": [{"name": "家庭编号", "length": 18}],
}
PEOPLE = {
    "review": "乙", "check": "丙", "file": "丁", "ratify": "丁", "publish": "丁",
    "file-stop": "甲", "stop": "丁",
}  # fmt: skip
EXAMINED = ("review", "check")
RATIFIED = (*EXAMINED, "file", "ratify")
ROAD = (*RATIFIED, "publish")


def nothing(*_: object, **__: object) -> Iterator[Any]:
    return iter(())


# What the law asks of an entry when it is published, whatever steps it went through.
LAW = together(
    replaced(law, "_law", nothing), replaced(law, "procedure", nothing),
    replaced(law, "check_follows", nothing),
)  # fmt: skip


class Office(Desk):
    """A station; each step is taken by the person of `PEOPLE` unless said otherwise."""

    def save(self, who: str = "甲", **changes: Any) -> str:
        return self.do(lambda tx: drafts.save_draft(tx, {**FIELDS, **changes}, who)).draft

    def walk(self, draft: str, *acts: str, who: str = "", rules: Rules = DEFAULT) -> Draft:
        found = self.do(lambda tx: drafts.find(tx.conn, draft))
        for act in acts:
            found = self.do(
                lambda tx, act=act: steps.act(tx, draft, act, who or PEOPLE[act], "因", rules)
            )
        return found

    def entry(self, code: str) -> Entry:
        return self.do(lambda tx: mirror.entry(tx.conn, code))


Fresh = Callable[[], Any]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Fresh]:
    """A new station for each call: an attack is carried out several times."""
    made: list[Office] = []

    def new() -> Office:
        kit = Kit(tmp_path / str(len(made)))
        made.append(Office(kit, PROVIDER, node_app.hooks(), migrations=(NODE,)))
        return made[-1]

    yield new
    for each in made:
        each.close()


# --- at a station -------------------------------------------------------------------------------


@pytest.mark.parametrize("again", ["甲", "甲 ", "\u200b甲"])
def test_one_person_does_everything(office: Fresh, again: str) -> None:
    """However he spells his name."""

    def attack() -> None:
        station = office()
        station.walk(station.save(), *ROAD, who=again)

    unnamed = replaced(law, "is_among", lambda *_: False)
    stands_by(attack, CatalogDuties, removed(table.check_duty, "CatalogDuties"), unnamed)


def test_who_checked_for_the_department_files_for_the_authority(office: Fresh) -> None:
    def attack() -> None:
        station = office()
        draft = station.save()
        station.walk(draft, *EXAMINED)
        station.walk(draft, "file", who="丙")
        station.walk(draft, "ratify", "publish")

    stands_by(
        attack,
        CatalogDuties,
        removed(table.check_duty, "CatalogDuties"),
        replaced(law, "_duties", nothing),
    )


def test_who_is_not_of_the_authority(office: Fresh) -> None:
    rules = Rules(authority=("丁",))

    def attack() -> None:
        station = office()
        draft = station.save()
        station.walk(draft, *EXAMINED)
        station.walk(draft, "file", who="戊", rules=rules)

    stands_by(attack, CatalogAuthority, removed(steps._take, "CatalogAuthority"))


def test_who_files_a_stop_stops(office: Fresh) -> None:
    def attack() -> None:
        station = office()
        draft = station.save()
        station.walk(draft, *ROAD, "file-stop")
        station.walk(draft, "stop", who="甲")

    stands_by(attack, CatalogDuties, removed(table.check_duty, "CatalogDuties"))


@pytest.mark.parametrize("done", [0, 1, 2])
def test_a_step_out_of_order(office: Fresh, done: int) -> None:
    """Published with review, secrecy check or filing left out."""

    def attack() -> None:
        station = office()
        draft = station.save(code="307001150700/000001", share_type=1)
        station.walk(draft, *ROAD[:done])
        station.walk(draft, "publish")
        assert station.entry("307001150700/000001").status == "published"

    state = (State.DRAFTING, State.REVIEWED, State.CHECKED)[done]
    loose = {**table.MOVES, (state, Act.PUBLISH): Move(State.PUBLISHED)}
    stands_by(attack, CatalogStep, replaced(table, "MOVES", loose), LAW)


def test_a_limited_share_type_that_nobody_ratified(office: Fresh) -> None:
    def attack() -> None:
        station = office()
        draft = station.save()
        station.walk(draft, *EXAMINED, "file", "publish")

    stands_by(attack, CatalogStep, removed(table.move, "CatalogStep"), LAW)


def test_the_systems_own_step_is_nobodys(office: Fresh) -> None:
    """What is published is not put away by calling it superseded."""

    def attack() -> None:
        station = office()
        draft = station.walk(station.save(), *ROAD).draft
        station.walk(draft, "supersede", who="丁")

    stands_by(attack, CatalogStep, removed(steps._take, "CatalogStep"))


def test_steps_that_a_compiler_claims(office: Fresh) -> None:
    """Names and numbers of later steps in a draft count for nothing."""
    station = office()
    forged = {
        "reviewed_by": "厅长", "secrecy_checked_by": "厅长", "approved_by": "厅长",
        "ratified_by": "厅长", "impact_checked_by": "厅长", "filed": "150000-2026-000001",
        "version": 9, "status": "stopped", "provider": THIRD, "compiled_by": "厅长",
    }  # fmt: skip
    draft = station.save(**forged)
    with pytest.raises(CatalogStep):
        station.walk(draft, "publish")
    entry = station.entry(station.walk(draft, *ROAD).code)
    people = (entry.compiled_by, entry.reviewed_by, entry.secrecy_checked_by, entry.approved_by)
    assert (*people, entry.ratified_by, entry.impact_checked_by) == (*"甲乙丙丁丁", "")
    assert (entry.filed[-6:], entry.version, entry.status) == ("000001", 1, "published")
    assert entry.filed.startswith("150700-")
    assert entry.provider == PROVIDER


def test_what_was_filed_before_a_stop_does_not_revive(office: Fresh) -> None:
    """A revision that was ratified while the resource was supplied is published after its stop."""

    def attack() -> None:
        station = office()
        draft = station.walk(station.save(), *ROAD)
        revision = station.walk(draft.code, "revise", who="甲").draft
        station.walk(revision, *RATIFIED)
        station.walk(draft.draft, "file-stop", "stop")
        station.walk(revision, "publish")
        assert station.entry(draft.code).status == "published"

    stands_by(attack, CatalogStep, replaced(steps, "_send_back_revisions", nothing))


def test_a_revision_after_a_stop_is_filed_anew(office: Fresh) -> None:
    station = office()
    draft = station.walk(station.save(), *ROAD)
    revision = station.walk(draft.code, "revise", who="甲").draft
    station.walk(revision, *RATIFIED)
    station.walk(draft.draft, "file-stop", "stop")
    sent_back = station.do(lambda tx: drafts.steps_of(tx.conn, revision))[-1]
    assert (sent_back.act, sent_back.who, sent_back.why) == ("send-back", steps.SYSTEM, "因")
    station.walk(revision, *ROAD)
    assert station.entry(draft.code).status == "published"
    assert station.entry(draft.code).filed.endswith("-000004")  # the stop was filed as 000003


def test_a_planned_resource_that_was_withdrawn_is_not_revived(office: Fresh) -> None:
    def attack() -> None:
        station = office()
        draft = station.walk(station.save(project="平台"), *RATIFIED)
        station.walk(draft.draft, "plan", who="丁")
        revision = station.walk(draft.code, "revise", who="甲").draft
        station.walk(revision, *RATIFIED)
        station.walk(draft.draft, "withdraw", who="甲")
        station.walk(revision, "publish")

    stands_by(attack, CatalogStep, replaced(steps, "_send_back_revisions", nothing))


@pytest.mark.parametrize("feed", ["s150700.307001150700-000001", "s150700.v-0", "s150700.catalog"])
def test_an_unconditional_resource_on_anothers_feed(office: Fresh, feed: str) -> None:
    """Everybody could subscribe to rows that are given to few."""

    def attack() -> None:
        station = office()
        station.walk(station.save(), *ROAD)
        other = station.save(name="开放的", share_type=1, basis="", feed=feed)
        station.walk(other, *EXAMINED, "file", "publish")

    stands_by(attack, CatalogFeed, removed(own.check_feed, "CatalogFeed"))


def test_a_feed_that_carries_something_already(office: Fresh) -> None:
    station = office()
    station.do(lambda tx: feed_writer.open_feed(tx, f"{PROVIDER}.dibao", sealed=True))
    other = station.save(share_type=1, feed=f"{PROVIDER}.dibao")
    with pytest.raises(CatalogFeed):
        station.walk(other, "review")


def test_a_code_of_anothers_division(office: Fresh) -> None:
    def attack() -> None:
        station = office()
        draft = station.save(code="307001152900/000001")
        station.walk(draft, *EXAMINED, "file")

    stands_by(attack, CatalogRange, removed(codes.check_range, "CatalogRange"))


# --- at the hub ---------------------------------------------------------------------------------


class Region(Desk):
    """The hub; `published` is what a station put on its catalog feed, by whatever software."""

    def __init__(self, kit: Kit) -> None:
        handlers = {"catalog.entry": federation.take_entry}
        super().__init__(kit, HUB, Hooks(handlers=handlers), (HUB_TABLES,))
        self.do(lambda tx: feed_writer.open_feed(tx, catalog_feed(HUB), sealed=False))
        self._last: dict[str, tuple[int, bytes]] = {}

    def published(self, entry: Entry, sender: str = PROVIDER) -> None:
        """Raises Refused with the code that the compiler is told."""
        feed, suite = feed_id(sender, "catalog"), self.kit.region.suite
        if feed not in self._last:
            self.do(lambda tx: feed_reader.join(tx, feed, feed_reader.HISTORY))
            self._last[feed] = (0, feeds.genesis(suite, self.kit.region.plane, feed, 1))
        seq, previous = self._last[feed]
        position = Position(1, seq + 1, previous)
        item = make_letter(self.kit, sender, feed, entry, position=position)
        envelope = split(item, suites=self.kit.region.suites, plane=Plane.EXTRANET)
        self._last[feed] = (seq + 1, envelope_hash(envelope))
        before = len(self.rows(catalog_refusals))
        self.take(item)
        refusals = self.rows(catalog_refusals)
        if len(refusals) > before:
            told = [(row.kind, row.recipient) for row in self.rows(outbox)]
            assert ("catalog.refused", sender) in told
            raise Refused(refusals[-1].error)

    def held(self) -> dict[str, tuple[str, int]]:
        return {row.code: (row.status, row.version) for row in self.rows(hub_catalog)}


@pytest.fixture
def region(tmp_path: Path) -> Iterator[Fresh]:
    made: list[Region] = []

    def new() -> Region:
        made.append(Region(Kit(tmp_path / str(len(made)))))
        return made[-1]

    yield new
    for each in made:
        each.close()


FIRST = hubs.entry().items[0]
BASE = {
    "code": "1150700001", "lead_department": DEPARTMENTS[PROVIDER][0],
    "items": (replace(FIRST, base=True),),
}  # fmt: skip
CLEAR = {"share_type": 1, "ratified_by": ""}


@pytest.mark.parametrize(
    ("changes", "code", "defence"),
    [
        ({"basis": ""}, "catalog.basis", replaced(law, "says_nothing", lambda _: False)),
        ({"basis": " 暂无。"}, "catalog.basis", replaced(law, "says_nothing", lambda _: False)),
        ({"share_type": 3, "basis": "/"}, "catalog.basis", replaced(law, "_law", nothing)),
        ({"secrecy_checked_by": " "}, "catalog.secrecy", replaced(law, "_law", nothing)),
        ({"filed": " "}, "catalog.filing", replaced(law, "procedure", nothing)),
        ({"ratified_by": ""}, "catalog.ratification", replaced(law, "procedure", nothing)),
        (CLEAR, "catalog.item-share-type", replaced(law, "narrower_items", nothing)),
        (BASE, "catalog.base-item", replaced(law, "_items", nothing)),
        ({**BASE, "lead_department": "", "items": (replace(FIRST, share_type=1),)},
         "catalog.lead", replaced(law, "procedure", nothing)),
        ({"compiled_by": ""}, "catalog.separation", replaced(law, "_duties", nothing)),
        ({"reviewed_by": ""}, "catalog.separation", replaced(law, "_duties", nothing)),
        ({"approved_by": "乙"}, "catalog.separation", replaced(law, "_duties", nothing)),
        ({"ratified_by": "乙"}, "catalog.separation", replaced(law, "_duties", nothing)),
        ({"secrecy_checked_by": "甲"}, "catalog.separation", replaced(law, "_duties", nothing)),
        ({"approved_by": "甲 "}, "catalog.separation",
         replaced(law, "is_among", lambda *_: False)),
        ({"related": (hubs.RESOURCE,)}, "catalog.related",
         together(replaced(law, "_relations", nothing),
                  replaced(federation, "check_relations", nothing))),
        ({"code": "307001152900/000001"}, "catalog.range",
         removed(codes.check_range, "CatalogRange")),
        ({"provider": THIRD, "feed": f"{THIRD}.x"}, "catalog.field",
         removed(federation._check, "CatalogField")),
        ({"department": DEPARTMENTS[THIRD][0]}, "trust.department", None),
    ],
)  # fmt: skip
def test_what_a_station_publishes_against_the_rules(
    region: Fresh, changes: dict[str, Any], code: str, defence: Removal | None
) -> None:
    """Its own software would not have let it through; the hub does not count on that."""

    def attack() -> None:
        hub = region()
        hub.published(hubs.entry(**changes))
        assert len(hub.held()) == 1

    if defence is None:  # Trust's own, with its own tests
        with pytest.raises(Refused) as caught:
            attack()
        assert caught.value.code == code
        return
    stands_by(attack, code, defence)


def test_the_hub_takes_what_keeps_to_the_rules(region: Fresh) -> None:
    hub = region()
    hub.published(hubs.entry())
    hub.published(hubs.entry(code="307001150700/000001"))
    hub.published(hubs.entry(code="307001150702/000001"))  # a district that has no station
    assert set(hub.held().values()) == {("published", 1)}
    assert len(hub.held()) == 3


def test_a_code_that_another_has(region: Fresh) -> None:
    department, name = DEPARTMENTS[THIRD]
    theirs = hubs.entry(
        provider=THIRD, department=department, department_name=name, feed=f"{THIRD}.x", version=2
    )

    def attack() -> None:
        hub = region()
        hub.published(hubs.entry())
        hub.published(theirs, THIRD)
        assert hub.held()[hubs.RESOURCE] == ("published", 2)

    stands_by(attack, CatalogOwner.code, removed(federation._check, "CatalogOwner"))


def test_an_older_version_again(region: Fresh) -> None:
    def attack() -> None:
        hub = region()
        hub.published(hubs.entry(version=2))
        hub.published(hubs.entry(version=2, abstract="另一个"))

    stands_by(attack, CatalogField.code, removed(federation._check, "CatalogField"))


def test_what_was_stopped_comes_back_by_an_old_filing(region: Fresh) -> None:
    def attack() -> None:
        hub = region()
        hub.published(hubs.entry())
        hub.published(hubs.entry(status="stopped", version=2))
        hub.published(hubs.entry(version=3))
        assert hub.held()[hubs.RESOURCE] == ("published", 3)

    stands_by(attack, "catalog.revived", removed(law.check_follows, "CatalogRevived"))
    hub = region()
    for version, status in itertools.zip_longest((1, 2), ("published", "stopped")):
        hub.published(hubs.entry(version=version, status=status))
    hub.published(hubs.entry(version=3, filed="150700-2026-000009"))
    assert hub.held()[hubs.RESOURCE] == ("published", 3)
