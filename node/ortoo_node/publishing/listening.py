"""NOTIFY of a department's PostgreSQL: the triggers of ``source prepare`` tell of every change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

from sqlalchemy import URL

from ortoo_node.databases import read_url
from ortoo_node.databases.port import CONNECT_TIMEOUT_S
from ortoo_node.sources.tables.naming import CHANNEL

FIRST_S, LONGEST_S = 1.0, 60.0
_log = logging.getLogger(__name__)


def can_tell(url: str, name: str) -> bool:
    """Raises DatabaseUrl."""
    return read_url(url, name).get_backend_name() in ("postgresql", "kingbase")


async def listen(url: str, name: str, told: Callable[[str], object]) -> None:
    """Call `told` with ``schema.table`` for ever; with "" when some may have been missed."""
    import psycopg  # only where somebody is followed

    parsed, wait_s = read_url(url, name), FIRST_S
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(**_arguments(parsed)) as connection:
                await connection.execute(f"LISTEN {CHANNEL}".encode())
                wait_s = FIRST_S
                told("")
                async for notice in connection.notifies():
                    told(notice.payload)
        except psycopg.Error as error:
            _log.info("source %s tells of no changes: %s", name, type(error).__name__)
        await asyncio.sleep(wait_s)
        wait_s = min(LONGEST_S, wait_s * 2)


def _arguments(url: URL) -> dict[str, Any]:
    given = {
        "host": url.host,
        "port": url.port,
        "user": url.username,
        "password": str(url.password) if url.password is not None else None,
        "dbname": url.database,
        **url.query,
    }
    fixed = {
        "autocommit": True,
        "connect_timeout": CONNECT_TIMEOUT_S,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
    return fixed | {key: value for key, value in given.items() if value is not None}


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
