"""Acts (操作记录): who did what at this station, from where, and what came of it.

An act is a local row of the journal (SPEC 12.1): kind `act`, its hash as the body's. What it says
stands beside the journal, as bodies do, and can be erased when its time is over; `salt` keeps what
was erased from being guessed.
"""

from __future__ import annotations

from ortoo_protocol.core.codec import Shape, encode
from ortoo_protocol.core.keys import Suite

KIND = "act"
FLOW = "acts"
DONE = "done"
MAX_TEXT = 200
SALT_BYTES = 16


class Act(Shape, frozen=True):
    """`act`: 16 bytes, the row's envelope id. `account` is empty where a name was wrong: people
    type passwords there. `outcome`: done, or the code of the refusal. `address`: of the network."""

    act: bytes
    time_ms: int
    account: str
    person: str
    action: str
    subject: str
    outcome: str
    address: str
    correlation: str
    salt: bytes


def act_hash(suite: Suite, act: Act) -> bytes:
    return suite.hash(b"ortoo act\n" + encode(act))
