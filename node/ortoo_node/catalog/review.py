"""The authority's own clock: a catalog that was sent to it is examined and published within days.

Decree 809 art. 17 gives two working days; under rules that name none there is no clock. It is the
duty of the authority of this level, so the clock names no department.
"""

from __future__ import annotations

from ortoo_protocol.core.catalog.steps import State
from ortoo_protocol.core.law.profiles import Term, profile_named
from ortoo_protocol.station import clocks
from ortoo_protocol.station.context import Tx

DUTY = "catalog-review"
WITH_AUTHORITY = frozenset((State.CHECKED, State.FILED, State.RATIFIED))


def moved(tx: Tx, draft: str, before: State, after: State) -> None:
    """A draft went from `before` to `after`: sent back, it was examined as well."""
    if before not in WITH_AUTHORITY and after in WITH_AUTHORITY:
        rule = profile_named(tx.trust.profile).update
        if rule.review_days:
            clocks.start(
                tx,
                subject_of(draft),
                DUTY,
                Term(rule.article, rule.review_days),
                party=tx.party,
                department="",
                opened_ms=tx.now_ms,
            )
    elif before in WITH_AUTHORITY and after is State.WITHDRAWN:
        clocks.cancel(tx, subject_of(draft), DUTY, tx.now_ms)
    elif before in WITH_AUTHORITY and after not in WITH_AUTHORITY:
        clocks.stop(tx, subject_of(draft), DUTY, tx.now_ms)


def subject_of(draft: str) -> str:
    return f"draft:{draft}"
