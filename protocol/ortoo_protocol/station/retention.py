"""What a station may forget: settled letters and ids that can no longer come again.

Journal rows are never forgotten here (Measures art. 24). Receipted letters are kept 35 days, so
that they can be sent again to a recipient that was restored from a backup; ids of received letters
until nothing with that id can be valid any more.
"""

from __future__ import annotations

from sqlalchemy import delete

from ortoo_protocol.core.messages import DAY_MS
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import inbox, outbox

RECEIPTED_KEPT_MS = 35 * DAY_MS
SEEN_KEPT_MS = 7 * DAY_MS  # beyond the expiry: clocks may differ, queues may be slow


def sweep(tx: Tx) -> None:
    settled = outbox.c.settled_ms.is_not(None) & (
        outbox.c.settled_ms < tx.now_ms - RECEIPTED_KEPT_MS
    )
    tx.conn.execute(delete(outbox).where(settled))
    tx.conn.execute(delete(inbox).where(inbox.c.expires_ms < tx.now_ms - SEEN_KEPT_MS))
