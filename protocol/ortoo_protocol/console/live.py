"""/live/NAME: a part of the page /NAME, sent again whenever it has become another (server-sent
events, HTML Living Standard 9.2)."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from ortoo_protocol.console.console import Live
from ortoo_protocol.console.page import OwnPage, Page, anybody
from ortoo_protocol.core.errors import ConsoleBusy, ConsoleForbidden, ConsoleUnknown

EVERY_S = 2.0
ALIVE_TICKS = 8  # a line without a meaning, so that what stands between does not cut a quiet stream
MOST_OF_ONE = 8
MOST = 100
router = APIRouter()


@router.get("/live/{name}")
async def live(page: OwnPage, name: str) -> Response:
    make = page.console.live.get(name)
    if make is None:
        raise ConsoleUnknown(path=f"/live/{name[:100]}")
    if not page.console.admits(f"/{name}", page.me.rights):
        raise ConsoleForbidden()
    streams: Counter[str] = page.request.app.state.streams
    if streams[page.me.account] >= MOST_OF_ONE or streams.total() >= MOST:
        raise ConsoleBusy()
    return StreamingResponse(
        _events(page, make, streams),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no"},
    )


async def _events(page: Page, make: Live, streams: Counter[str]) -> AsyncIterator[bytes]:
    account, closing = page.me.account, page.console.closing
    streams[account] += 1
    try:
        before, quiet = "", 0
        while not closing.is_set():
            now = await make(page)
            if now != before:
                before, quiet = now, 0
                yield event(now)
            elif (quiet := quiet + 1) % ALIVE_TICKS == 0:
                yield b":\n\n"
            with suppress(TimeoutError):
                await asyncio.wait_for(closing.wait(), EVERY_S)
            again = await anybody(page.request)
            if again.who is None or again.who.account != account:
                return
    finally:
        streams[account] -= 1
        if not streams[account]:
            with contextlib.suppress(KeyError):
                del streams[account]


def event(html: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in html.splitlines())
    return f"event: part\n{lines}\n".encode()
