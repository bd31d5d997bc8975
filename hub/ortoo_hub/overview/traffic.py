"""What went through the hub, by hour: letters that it notarised and items of feeds that it reads.

Rows of feeds and queries go from station to station past the hub; of those it knows the grants that
join two leagues, and no bytes.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Connection, func, select

from ortoo_protocol.core.catalog.divisions import LEAGUES, league_of
from ortoo_protocol.core.errors import DaemonRequest
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.store.tables import grants
from ortoo_protocol.station.store.traffic_tables import traffic_hours
from ortoo_protocol.station.traffic import HOUR_MS, KEPT_HOURS

CIVIL_HOURS = 8  # a day is one of 北京时间
STEPS = {"hour": 1, "day": 24}
MOST_POINTS = 800
_hours = traffic_hours.c
# Once, as it came; what is refused is no traffic.
_CAME = (_hours.direction == Direction.RECEIVED.value) & (_hours.state == State.ACCEPTED.value)


def first_hour(now_ms: int, hours: int) -> int:
    """Raises DaemonRequest for a window that is not kept."""
    if not 1 <= hours <= KEPT_HOURS:
        raise DaemonRequest(detail=f"{hours} hours: 1 to {KEPT_HOURS} are kept")
    return now_ms // HOUR_MS - hours + 1


def by_party(conn: Connection, now_ms: int, hours: int) -> tuple[Counter[str], Counter[str]]:
    """What each party sent to others, and what each got, as far as it went through the hub."""
    since = _hours.hour >= first_hour(now_ms, hours)
    total = func.sum(_hours.rows)
    sent = select(_hours.sender, total).where(since, _CAME).group_by(_hours.sender)
    came = select(_hours.recipient, total).where(since, _CAME).group_by(_hours.recipient)
    return (
        Counter({party: int(count) for party, count in conn.execute(sent)}),
        Counter({party: int(count) for party, count in conn.execute(came)}),
    )


def flows(conn: Connection, now_ms: int, hours: int) -> list[dict[str, Any]]:
    """Between each two leagues: letters in the window, and grants in force now. At most 144."""
    letters: Counter[tuple[str, str]] = Counter()
    query = (
        select(_hours.sender, _hours.recipient, func.sum(_hours.rows))
        .where(_hours.hour >= first_hour(now_ms, hours), _CAME)
        .group_by(_hours.sender, _hours.recipient)
    )
    for sender, recipient, count in conn.execute(query):
        letters[league_of(sender), league_of(recipient)] += int(count)
    joined: Counter[tuple[str, str]] = Counter()
    given = (
        select(grants.c.provider, grants.c.reader, func.count())
        .where(grants_held.live(now_ms))
        .group_by(grants.c.provider, grants.c.reader)
    )
    for provider, reader, count in conn.execute(given):
        joined[league_of(provider), league_of(reader)] += count
    return [
        {"from": one, "to": other, "letters": letters[one, other], "grants": joined[one, other]}
        for one in LEAGUES
        for other in LEAGUES
        if letters[one, other] or joined[one, other]
    ]


def series(conn: Connection, now_ms: int, hours: int, step: str) -> list[dict[str, Any]]:
    """Accepted and refused rows of each hour or civil day of the window, by topic; those without
    any are there too. Raises DaemonRequest."""
    length = STEPS.get(step, 0)
    if not length or hours // length > MOST_POINTS:
        raise DaemonRequest(detail=f"{hours} hours by {step!r}: hour or day, {MOST_POINTS} points")
    shift = CIVIL_HOURS if length > 1 else 0
    first = (first_hour(now_ms, hours) + shift) // length
    last = (now_ms // HOUR_MS + shift) // length
    point = (_hours.hour + shift) // length
    query = (
        select(point.label("point"), _hours.topic, _hours.state, func.sum(_hours.rows))
        .where(_hours.hour >= first * length - shift, _hours.direction == Direction.RECEIVED.value)
        .group_by("point", _hours.topic, _hours.state)
    )
    accepted: dict[int, dict[str, int]] = {number: {} for number in range(first, last + 1)}
    refused: Counter[int] = Counter()
    for number, topic, state, count in conn.execute(query):
        if state == State.REFUSED.value:
            refused[number] += int(count)
        elif number in accepted:
            accepted[number][topic] = accepted[number].get(topic, 0) + int(count)
    return [
        {
            "from_ms": (number * length - shift) * HOUR_MS,
            "accepted": topics,
            "refused": refused[number],
        }
        for number, topics in accepted.items()
    ]
