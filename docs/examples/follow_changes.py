"""A department's system follows a subscription: it keeps its own table and the last cursor as one,
so that nothing is lost and nothing is doubled, wherever it is ended.

    python follow_changes.py https://10.15.7.4:8443 TOKEN SUBSCRIPTION table.sqlite
"""

import asyncio
import json
import sqlite3
import sys
from typing import Any

from ortoo_node.client import AsyncClient, calls

SCHEMA = """
CREATE TABLE IF NOT EXISTS people (key TEXT PRIMARY KEY, page_row TEXT NOT NULL, run TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stands (one INTEGER PRIMARY KEY CHECK (one = 1), cursor TEXT NOT NULL);
"""


async def follow(station: str, token: str, subscription: str, file: str, rounds: int = 0) -> None:
    """`rounds`: how many answers are taken; 0: for ever."""
    table = sqlite3.connect(file)
    table.executescript(SCHEMA)
    found = table.execute("SELECT cursor FROM stands").fetchone()
    cursor = found[0] if found else ""
    async with AsyncClient(station, token) as ortoo:
        taken = 0
        while not rounds or taken < rounds:
            answer = await ortoo.send(calls.changes(subscription, cursor))
            with table:  # rows and cursor in one transaction
                for change in answer.changes:
                    apply(table, change)
                table.execute("INSERT OR REPLACE INTO stands VALUES (1, ?)", (answer.cursor,))
            cursor, taken = answer.cursor, taken + 1
    table.close()


def apply(table: sqlite3.Connection, change: dict[str, Any]) -> None:
    """A page. The last of a snapshot says that what it did not name is no more."""
    run = f"{change['incarnation']}:{change['seq']}" if change["type"] == "snapshot" else ""
    for row in change["upserts"]:
        values = (key_of(change, row), json.dumps(row, ensure_ascii=False), run)
        table.execute("INSERT OR REPLACE INTO people VALUES (?, ?, ?)", values)
    for row in change.get("deletes", ()):
        table.execute("DELETE FROM people WHERE key = ?", (key_of(change, row),))
    if run and change["last"]:
        table.execute("DELETE FROM people WHERE run != ?", (run,))


def key_of(change: dict[str, Any], row: dict[str, Any]) -> str:
    return json.dumps([row[name] for name in change["key"]])


if __name__ == "__main__":
    asyncio.run(follow(*sys.argv[1:5]))
