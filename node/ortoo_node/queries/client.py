"""Ask a query from a program on the station's machine: rows as they come, through the socket.

    async for row in ask(folder / "control.sock", grant=…, query="by-household",
                         purpose="业务协同", handler="张三", parameters={"household_no": "…"}):
        …

Whoever takes his time holds up the provider's pages and nobody else; whoever stops early lets the
rest go.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.station.control import acall

_BEYOND_S = 10.0  # the service itself waits, and says why; the socket a little longer


async def ask(
    socket: Path,
    *,
    grant: str,
    query: str,
    purpose: str,
    handler: str,
    parameters: Mapping[str, Scalar] | None = None,
    page_rows: int = 1_000,
    timeout_s: float = 30.0,
) -> AsyncGenerator[dict[str, Any], None]:
    """Each row by the names of its items. Raises QueryError, GrantError, DaemonError."""
    given = {
        "grant": grant,
        "query": query,
        "purpose": purpose,
        "handler": handler,
        "parameters": dict(parameters or {}),
        "page_rows": page_rows,
        "wait_s": timeout_s,
    }
    reading = ""
    try:
        page = await acall(socket, "query.run", given, timeout_s + _BEYOND_S)
        names = [column["name"] for column in page["columns"]]
        while True:
            reading = page["reading"]
            for row in page["rows"]:
                yield dict(zip(names, row, strict=True))
            if not reading:
                return
            page = await acall(socket, "query.next", {"reading": reading}, timeout_s + _BEYOND_S)
    finally:
        if reading:
            await acall(socket, "query.close", {"reading": reading})
