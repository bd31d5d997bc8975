"""Share requests at a station, both sides: asking, answering, and what follows.

The machine is `ortoo_protocol.core.cases`, one table for applicant, provider and authority; here is
what happens along a move. `store` keeps cases and their events, `moving` takes an event, `noting`
takes the notary's records; `applying`, `answering` and `disputing` are what people do, `arriving`
and `settling` what letters do, `comparing` finds where the two sides differ. Two departments of one
station use the same steps: the letters come back to the station itself.
"""

from ortoo_node.cases.answering import (
    MAX_OWN_SCOPES,
    accept,
    answer_no,
    answer_yes,
    ask_extension,
    return_,
    stopped,
)
from ortoo_node.cases.applying import (
    Wish,
    agree,
    apply,
    complete,
    draft,
    same_open,
    submit,
    withdraw,
)
from ortoo_node.cases.ending import ended, expired
from ortoo_node.cases.store import (
    APPLICANT,
    BOTH,
    PROVIDER,
    find,
    history,
    note,
)

__all__ = [
    "APPLICANT",
    "BOTH",
    "MAX_OWN_SCOPES",
    "PROVIDER",
    "Wish",
    "accept",
    "agree",
    "answer_no",
    "answer_yes",
    "apply",
    "ask_extension",
    "complete",
    "draft",
    "ended",
    "expired",
    "find",
    "history",
    "note",
    "return_",
    "same_open",
    "stopped",
    "submit",
    "withdraw",
]
