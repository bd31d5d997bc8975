"""Content keys of letters, wrapped once for some letters to the same parties.

Wrapping is the dearest step of a letter, on both sides. A content key serves at most MAX_LETTERS
and MAX_AGE_MS; every body still has a key of its own, derived from it and the letter's id, and
every header commits to it. Whoever opens one letter of a peer could open the others it sent to the
same recipients: that is the same set of parties by construction.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from ortoo_protocol.core.envelope import ContentKey, ToParties, wrap_to

if TYPE_CHECKING:
    from ortoo_protocol.station.context import Pen

MAX_LETTERS = 256
MAX_AGE_MS = 60_000
MAX_HELD = 256


class ContentKeys:
    """For any thread; nothing of it is ever stored."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[bytes, ...], tuple[ContentKey, int, int]] = OrderedDict()

    def key_for(self, to: ToParties, pen: Pen) -> ContentKey:
        name = tuple(recipient.key_id for recipient in to.recipients)
        with self._lock:
            held = self._held.pop(name, None)
            if held is None or held[1] >= MAX_LETTERS or not 0 <= pen.now_ms - held[2] < MAX_AGE_MS:
                held = wrap_to(to, pen.suite, pen.parts.rand), 0, pen.now_ms
            key, letters, since_ms = held
            self._held[name] = key, letters + 1, since_ms
            if len(self._held) > MAX_HELD:
                self._held.popitem(last=False)
            return key
