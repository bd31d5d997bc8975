"""The twelve leagues and cities (盟市), each with its stations and what they do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from ortoo_hub.directory import catalog_feed
from ortoo_hub.overview import traffic
from ortoo_hub.store.tables import cases, catalog
from ortoo_hub.supervision import findings
from ortoo_protocol.core.catalog.divisions import LEAGUES, league_of
from ortoo_protocol.core.directory import PartyEntry
from ortoo_protocol.core.ids import is_hub
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.i18n import mark
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.store.tables import feeds_in, grants, outbox

HEALTH = (mark("well"), mark("behind"), mark("silent"), mark("suspended"), mark("absent"))
# As long as somebody still has something to do in it.
OPEN = (
    "submitted",
    "returned",
    "completed",
    "accepted",
    "extended",
    "offered",
    "negotiating",
    "coordinating",
    "referred",
    "decided",
)


def listed(conn: Connection, trust: Trust, now_ms: int, hours: int) -> list[dict[str, Any]]:
    """Each league in the order of its code, also one without a station."""
    stations = [entry for entry in trust.parties if not is_hub(entry.party)]
    seen, behind = findings.last_seen(conn, trust), _behind(conn)
    waiting = _by_party(conn, select(outbox.c.recipient, func.count()).where(_WAITS), "recipient")
    sent, got = traffic.by_party(conn, now_ms, hours)
    asked, answering = _open_cases(conn)
    entries = _by_league(select(catalog.c.provider, func.count()), conn, catalog.c.provider)
    provides, reads = _grants(conn, now_ms)

    def station(entry: PartyEntry) -> dict[str, Any]:
        party = entry.party
        return {
            "party": party,
            "name": entry.name,
            "status": entry.status,
            "seen_ms": seen.get(party, 0),
            "catalog_behind": behind.get(catalog_feed(party), 0),
            "letters_waiting": waiting.get(party, 0),
        }

    def sum_of(counted: Counter[str], code: str) -> int:
        return sum(count for party, count in counted.items() if league_of(party) == code)

    of_league = {
        code: [station(each) for each in stations if league_of(each.party) == code]
        for code in LEAGUES
    }
    return [
        {
            "league": code,
            "name": name,
            "health": health(of_league[code], now_ms),
            "stations": of_league[code],
            "entries": entries.get(code, 0),
            "cases_asked": asked.get(code, 0),
            "cases_to_answer": answering.get(code, 0),
            "letters_sent": sum_of(sent, code),
            "letters_got": sum_of(got, code),
            "grants_given": provides.get(code, 0),
            "grants_held": reads.get(code, 0),
        }
        for code, name in LEAGUES.items()
    ]


def health(stations: Sequence[Mapping[str, Any]], now_ms: int) -> str:
    """The worst that holds: silent (an active station was not heard of for a day), suspended (none
    takes part), behind (announced entries are not here yet), well; absent without a station."""
    active = [each for each in stations if each["status"] == "active"]
    if not stations:
        return "absent"
    if not active:
        return "suspended"
    if any(now_ms - each["seen_ms"] > findings.SILENT_MS for each in active if each["seen_ms"]):
        return "silent"
    return "behind" if any(each["catalog_behind"] for each in active) else "well"


_WAITS = outbox.c.state == "waiting"


def _behind(conn: Connection) -> dict[str, int]:
    """Items that were announced and are not here, by feed."""
    rows = conn.execute(select(feeds_in.c.feed, feeds_in.c.seq, feeds_in.c.head_seq))
    return {row.feed: max(0, row.head_seq - row.seq) for row in rows}


def _by_party(conn: Connection, query: Any, column: str) -> dict[str, int]:
    return {party: n for party, n in conn.execute(query.group_by(outbox.c[column]))}


def _by_league(query: Any, conn: Connection, column: Any) -> Counter[str]:
    counted: Counter[str] = Counter()
    for party, number in conn.execute(query.group_by(column)):
        counted[league_of(party)] += number
    return counted


def _open_cases(conn: Connection) -> tuple[Counter[str], Counter[str]]:
    going = cases.c.state.in_(OPEN)
    asked = select(cases.c.applicant, func.count()).where(going)
    answering = select(cases.c.provider, func.count()).where(going)
    return (
        _by_league(asked, conn, cases.c.applicant),
        _by_league(answering, conn, cases.c.provider),
    )


def _grants(conn: Connection, now_ms: int) -> tuple[Counter[str], Counter[str]]:
    live = grants_held.live(now_ms)
    given = select(grants.c.provider, func.count()).where(live)
    held = select(grants.c.reader, func.count()).where(live)
    return _by_league(given, conn, grants.c.provider), _by_league(held, conn, grants.c.reader)
