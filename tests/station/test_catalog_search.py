"""Searching the catalog: what is found, in which order, how many; on SQLite and PostgreSQL."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, create_engine, select

from ortoo_protocol.core.catalog import Entry, Item
from ortoo_protocol.core.catalog.freshness import DAY_MS, STATES, Carriage, judged, state
from ortoo_protocol.core.errors import CatalogQuery
from ortoo_protocol.core.law.workdays import WorkingDays
from ortoo_protocol.core.search.document import document, label
from ortoo_protocol.core.search.words import fold
from ortoo_protocol.station.catalog import searching
from ortoo_protocol.station.catalog.index import Change, Word, put
from ortoo_protocol.station.catalog.searching import FACETS, Asked, search
from ortoo_protocol.station.catalog.statistics import statistics
from ortoo_protocol.station.catalog.wanted import Filter, Page
from ortoo_protocol.station.store.migrate import STATION, upgrade
from ortoo_protocol.station.store.tables import catalog_index, catalog_index_made
from tests.support.made_catalog import entries
from tests.support.postgres import PrivatePostgres

NOW_MS = 1_780_000_000_000  # a Friday
NOW = judged(NOW_MS, WorkingDays())


@pytest.fixture(params=["sqlite", "postgresql"])
def conn(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A store's tables as the migrations make them, in one transaction."""
    if request.param == "sqlite":
        yield from _connected("sqlite://")
        return
    cluster: PrivatePostgres = request.getfixturevalue("postgres")
    with cluster.database() as url:
        yield from _connected(url.replace("postgresql:", "postgresql+psycopg:"))


def _connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url)
    with engine.begin() as conn:
        upgrade(conn, (STATION,))
        yield conn
    engine.dispose()


def entry(number: int, name: str, **changes: Any) -> Entry:
    made = next(entries(1))
    fields: dict[str, Any] = {
        "code": f"307001/{number:06d}",
        "name": name,
        "abstract": "无",
        "department_name": "某局",
        "office": "",
        "items": (Item(name="编号", column="c", type="C", length=9, share_type=1, key=True),),
        "cycle": "每日",
        "share_type": 1,
        "basis": "",
        "modes": ("系统对接",),
    }
    return replace(made, **{**fields, **changes})


def item(name: str) -> tuple[Item, ...]:
    return (Item(name=name, column="c", type="C", length=9, share_type=1, key=True),)


def keep(conn: Connection, *made: Entry) -> None:
    put(conn, [Change(None, each, NOW_MS) for each in made])


def found(conn: Connection, text: str, **asked: Any) -> list[str]:
    """Names would be clearer, but codes are what is found: their last digits."""
    codes = search(conn, Asked(text, judged=NOW, **asked)).codes
    return [code.rpartition("/")[2].lstrip("0") for code in codes]


# --- words --------------------------------------------------------------------------------------


def test_words_of_every_kind(conn: Connection) -> None:
    keep(
        conn,
        entry(1, "最低生活保障家庭信息"),
        entry(2, "地表水水质"),
        entry(3, "GIS图层（２０２５年度）"),
        entry(4, "A类企业清单", abstract="GB/T 22239 三级"),
        entry(5, "ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ 名录"),
        entry(6, "𠮷林化工"),
    )
    for text, codes in {
        "生活": ["1"],  # inside
        "最低": ["1"],  # at the beginning
        "信息": ["1"],  # at the end
        "最低生活保障家庭信息": ["1"],
        "低活": [],  # both characters, not together
        "水": ["2"],  # one character
        "质": ["2"],  # the last one
        "息": ["1"],
        "GIS图层": ["3"],
        "gis": ["3"],
        "ｇｉｓ图": ["3"],
        "2025年": ["3"],
        "25": ["3"],
        "a类": ["4"],
        "22239": ["4"],
        "GB/T 22239": ["4"],
        "ᠮᠣᠩ": ["5"],
        "𠮷": ["6"],
        "𠮷林": ["6"],
        "生活 家庭": ["1"],
        "生活 水质": [],  # all words
        "《最低生活保障》家庭": ["1"],
        "最低 - 信息": ["1"],
        "zdshbz": ["1"],
        "dbs": ["2"],
        "szlx": [],
    }.items():
        assert found(conn, text) == codes, text


def test_codes(conn: Connection) -> None:
    keep(
        conn,
        entry(1, "甲"),
        entry(2, "乙", abstract="依据 307001/000001 编制"),
        entry(3, "丙", code="3A7001/000003"),
    )
    assert found(conn, "307001/000001") == ["1", "2"]  # the resource itself first
    assert set(found(conn, "307001/")) == set(found(conn, "30700")) == {"1", "2"}
    assert found(conn, "3a70") == ["3"]
    assert found(conn, "000001") == ["2"]  # codes are found from their beginning
    assert found(conn, "307001/000001 乙") == ["2"]


@pytest.mark.parametrize(
    "text",
    [
        "???", "%", "_", "*", '"', "''", '" OR 1=1 --', "NEAR(", "^", "{name} : x", "-", "\0",
        "\ud800", "() OR ()", "\u200b", "\N{COMBINING ACUTE ACCENT}", "a* OR b*", "𝔸𝔹", "ﷺ", "NOT",
    ],
)  # fmt: skip
def test_what_people_type_is_no_language(conn: Connection, text: str) -> None:
    keep(conn, entry(1, "最低生活保障"), entry(2, "水质"))
    assert found(conn, text) == []


@pytest.mark.parametrize("text", ["低" * 10_000, " ".join("甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午")])
def test_too_much_is_refused(conn: Connection, text: str) -> None:
    with pytest.raises(CatalogQuery):
        found(conn, text)


@pytest.mark.parametrize("given", [{"colour": "red"}, {"share": 2}, {"freshness": "mouldy"}])
def test_filters_that_are_none(given: dict[str, object]) -> None:
    with pytest.raises(CatalogQuery):
        Filter.of(given)


@pytest.mark.parametrize("page", [(0, 0), (501, 0), (10, -1), (10, 10**9)])
def test_pages_that_are_none(page: tuple[int, int]) -> None:
    with pytest.raises(CatalogQuery):
        Page(*page)


# --- order and pages ----------------------------------------------------------------------------


def test_name_before_item_before_abstract(conn: Connection) -> None:
    keep(
        conn,
        entry(1, "残疾人名册", abstract="低保 低保 低保 低保 低保"),
        entry(2, "救助对象", items=item("低保证号")),
        entry(3, "困难群众与低保家庭核查结果"),
        entry(4, "低保家庭"),
        entry(5, "低保停止清单", status="stopped"),
        entry(6, "别的"),
        entry(7, "名册", department_name="低保中心"),
    )
    assert found(conn, "低保")[:3] == ["4", "3", "2"]
    assert set(found(conn, "低保")[3:5]) == {"1", "7"}
    assert found(conn, "低保")[5:] == ["5"]
    assert found(conn, "低保 家庭")[:1] == ["4"]
    assert found(conn, "")[0] == "7"  # without words the newest


@pytest.mark.parametrize("ranked", [0, 10_000])
def test_pages_hold_each_entry_once(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, ranked: int
) -> None:
    monkeypatch.setattr(searching, "RANKED", ranked)
    made = list(entries(300, seed=7))
    made[40:44] = [replace(each, status="stopped") for each in made[40:44]]
    keep(conn, *made)
    for asked in ("信息", "许可", "在", "旗", "信息 局"):
        wanted = {each.code for each in made if _holds(each, asked)}
        seen: list[str] = []
        while True:
            page = search(conn, Asked(asked, page=Page(7, len(seen)), judged=NOW))
            assert page.total == len(wanted)
            if not page.codes:
                break
            seen += page.codes
        assert len(seen) == len(wanted)
        assert set(seen) == wanted
        stopped = {each.code for each in made if each.status == "stopped"}
        live = [code not in stopped for code in seen]
        assert live == sorted(live, reverse=True)
        named = [_in_name(made, code, asked) for code in seen if code not in stopped]
        assert named == sorted(named, reverse=True)


def _in_name(made: Sequence[Entry], code: str, text: str) -> bool:
    name = next(each.name for each in made if each.code == code)
    return all(word in name for word in text.split())


def _holds(each: Entry, text: str) -> bool:
    """As a reader would look: every word somewhere in a piece."""
    return all(fold(word) in _text(each) for word in text.split())


@cache
def _text(each: Entry) -> str:
    return "\n".join(piece for field in document(each).fields for piece in field)


# --- against a plain reading --------------------------------------------------------------------


def test_all_that_a_plain_reading_finds(conn: Connection) -> None:
    made = list(entries(400, seed=3))
    keep(conn, *made)
    chosen = random.Random(5)  # noqa: S311
    texts = [each.name for each in made] + [each.abstract for each in made]
    for _ in range(60):
        text = chosen.choice(texts)
        start = chosen.randrange(len(text))
        words = fold(text[start : start + chosen.randint(1, 6)])
        if not all(character.isalnum() for character in words) or words[0] in "123":
            continue
        wanted = {each.code for each in made if _holds(each, words)}
        got = search(conn, Asked(words, page=Page(500), judged=NOW))
        assert got.total == len(wanted), words
        assert set(got.codes) == wanted, words


def test_changes_leave_nothing_of_what_was(conn: Connection) -> None:
    """After many changes the index is what it would be, made from the last versions alone."""
    held = {each.code: each for each in entries(120, seed=11)}
    keep(conn, *held.values())
    chosen = random.Random(2)  # noqa: S311
    others = list(entries(400, seed=12))
    for round_ in range(30):
        news = []
        for code in chosen.choices(list(held), k=4):  # one twice in a transaction, too
            other = chosen.choice(others)
            new = replace(other, code=code, version=round_ + 2)
            news.append(Change(held[code], new, NOW_MS))
            held[code] = new
        put(conn, news)
    words = {piece[at : at + 2] for each in held.values() for piece in document(each).fields[0]
             for at in range(len(piece) - 1)}  # fmt: skip
    for word in chosen.sample(sorted(words), 80):
        if word[0] not in "123":  # may be the beginning of a code
            wanted = {each.code for each in held.values() if _holds(each, word)}
            assert set(search(conn, Asked(word, page=Page(500))).codes) == wanted, word
    assert search(conn, Asked()).total == len(held)


# --- filters, facets, counts --------------------------------------------------------------------


def _values(each: Entry, name: str, carried_ms: int | None) -> list[str]:
    promise = {"每日": DAY_MS, "实时": DAY_MS}.get(each.cycle, 0)
    return {
        "provider": [each.provider],
        "league": [each.provider[1:5]],
        "department": [each.department],
        "kind": [each.code[0]],
        "theme": [each.code[:3]],
        "share": [str(each.share_type)],
        "mode": list(each.modes),
        "cycle": [each.cycle],
        "status": [each.status],
        "grade": [each.grade] if each.grade else [],
        "freshness": [state(promise if each.share_type != 3 else 0, carried_ms, NOW)],
    }[name]


def _mixed(conn: Connection) -> tuple[list[Entry], dict[str, int | None]]:
    chosen = random.Random(4)  # noqa: S311
    made = [
        replace(
            each,
            cycle=chosen.choice(("每日", "实时", "其他")),
            grade=chosen.choice(("", "一般", "重要")),
        )
        for each in entries(120, seed=9)
    ]
    keep(conn, *made)
    carried: dict[str, int | None] = {}
    for each in made:
        age = chosen.choice(
            (None, 0, DAY_MS // 2, DAY_MS + DAY_MS // 20, DAY_MS * 3 // 2, 9 * DAY_MS)
        )
        carried[each.code] = age if not age else NOW_MS - age
        if age is not None:
            word = Word(each.provider, Carriage(each.code, 3, carried[each.code] or 0))
            put(conn, [word, Word("s159900", Carriage(each.code, 9, NOW_MS))])
    return made, carried


@pytest.mark.parametrize("text", ["", "信息"])
def test_filters_and_facets(conn: Connection, text: str) -> None:
    made, carried = _mixed(conn)
    here = [each for each in made if _holds(each, text)]
    facets = search(conn, Asked(text, facets=FACETS, judged=NOW)).facets
    for name in FACETS:
        counts = Counter(v for each in here for v in _values(each, name, carried[each.code]))
        assert facets[name] == counts, name
        assert list(facets[name].values()) == sorted(counts.values(), reverse=True)
        for value, times in counts.items():
            asked = Asked(text, Filter.of({name: value}), Page(500), ("share",), NOW)
            got = search(conn, asked)
            wanted = {e.code for e in here if value in _values(e, name, carried[e.code])}
            assert set(got.codes) == wanted
            assert got.total == times == sum(got.facets["share"].values())
    provider = made[0].provider
    both = Filter(provider=provider, share="1", freshness="stale")
    got = search(conn, Asked(text, both, Page(500), judged=NOW))
    assert set(got.codes) == {
        each.code
        for each in here
        if each.provider == provider
        and each.share_type == 1
        and "stale" in _values(each, "freshness", carried[each.code])
    }


@pytest.mark.parametrize(("text", "filter_"), [("", Filter()), ("信息", Filter(freshness="none"))])
def test_facets_of_many_are_estimated(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, text: str, filter_: Filter
) -> None:
    """Out of some that are spread over all, and the answer says how many."""
    made = [replace(each, cycle="其他") for each in entries(1_200, seed=9)]
    keep(conn, *made)
    asked = Asked(text, filter_, facets=FACETS, judged=NOW)
    exact = search(conn, asked)
    assert exact.counted == exact.total > 200
    monkeypatch.setattr(searching, "COUNTED", 200)
    found = search(conn, asked)
    assert (found.total, found.codes) == (exact.total, exact.codes)
    assert 150 <= found.counted <= 250
    # Providers come in turn: a sample that kept step with them would miss most.
    assert found.facets["league"].keys() == exact.facets["league"].keys()
    for name in ("league", "share", "mode", "status"):
        for value, times in exact.facets[name].items():
            assert abs(found.facets[name].get(value, 0) - times) < 0.1 * found.total, (name, value)
    assert abs(sum(found.facets["share"].values()) - found.total) <= 3


def test_a_filter_of_nothing(conn: Connection) -> None:
    keep(conn, entry(1, "甲"))
    for odd in ('"', "apublished", "s1507*", "每日 OR 实时", "系统"):
        assert found(conn, "", filter=Filter(mode=odd)) == []
        assert found(conn, "甲", filter=Filter(cycle=odd)) == []


def test_an_older_word_on_a_feed_does_not_count(conn: Connection) -> None:
    keep(conn, entry(1, "甲"))
    provider, code = "s150100", "307001/000001"
    for carried_ms in (NOW_MS, NOW_MS - DAY_MS, 0):
        put(conn, [Word(provider, Carriage(code, 1, carried_ms))])
    assert conn.execute(select(catalog_index.c.carried_ms)).scalar() == NOW_MS
    # A word and the entry that it is about, in one transaction, in whichever order.
    news = [Word(provider, Carriage("307001/000002", 1, 5)), Change(None, entry(2, "乙"), NOW_MS)]
    put(conn, news)
    query = select(catalog_index.c.carried_ms).where(catalog_index.c.code == "307001/000002")
    assert conn.execute(query).scalar() == 5


def test_statistics_are_the_plain_counts(conn: Connection) -> None:
    made, carried = _mixed(conn)
    stopped = replace(made[0], status="stopped", version=2)
    put(conn, [Change(made[0], stopped, NOW_MS)])
    counted = statistics(conn, NOW_MS)
    live = made[1:]
    assert counted["total"]["entries"] == len(live)
    assert counted["total"]["stopped"] == 1
    assert counted["total"]["items"] == sum(len(each.items) for each in live)
    for name in ("kind", "theme", "league", "cycle", "mode", "department"):
        wanted = Counter(v for each in live for v in _values(each, name, None))
        got = Counter({row["value"]: row["entries"] for row in counted[name] if row["entries"]})
        if name == "department":
            assert {row["name"] for row in counted[name]} == {each.department_name for each in made}
        assert got == wanted
    states = Counter(_values(each, "freshness", carried[each.code])[0] for each in live)
    assert counted["total"]["freshness"] == {name: states[name] for name in STATES}
    of = statistics(conn, NOW_MS, Filter(league="1502"))
    assert of["total"]["entries"] == sum(each.provider == "s150200" for each in live)


def test_an_index_that_cannot_know_is_marked(conn: Connection) -> None:
    """What stands in the index can only be taken out by who says what it is."""
    keep(conn, entry(1, "甲"))
    assert conn.execute(select(catalog_index_made.c.version)).first() is None
    put(conn, [Change(None, entry(1, "乙"), NOW_MS)])
    assert conn.execute(select(catalog_index_made.c.version)).scalar() == 0


def test_labels_are_as_the_filters_say() -> None:
    assert Filter(share="2", freshness="late").labels() == (label("share", "2"),)
