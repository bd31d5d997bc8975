"""Server-sent events of a subscription: one answer at a time, the next when it was confirmed."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

from ortoo_node import tokens
from ortoo_node.app import NodeApp
from ortoo_node.sinks.program import fetching
from ortoo_protocol.core.errors import ApiRate, ApiToken
from ortoo_protocol.station.context import wait

MOST_A_TOKEN = 8
BEAT_S = 15.0  # how often a stream says that it lives, and looks whether its token still does
MOST_PAGES = 100


@dataclass
class Streams:
    """How many each program holds open."""

    open: Counter[str] = field(default_factory=Counter)

    def enter(self, family: str) -> ExitStack:
        """To be closed when the stream ends. Raises ApiRate."""
        if self.open[family] >= MOST_A_TOKEN:
            raise ApiRate(after_s=60)
        stack = ExitStack()
        stack.enter_context(self._counted(family))
        return stack

    @contextmanager
    def _counted(self, family: str) -> Iterator[None]:
        self.open[family] += 1
        try:
            yield
        finally:
            self.open[family] -= 1
            if not self.open[family]:
                del self.open[family]


async def events_of(
    app: NodeApp, subscription: str, authorization: str, taken: ExitStack
) -> AsyncIterator[bytes]:
    """Until the station ends, the client goes, or the token opens nothing any more."""
    sent: int | None = None
    with taken:
        yield b"retry: 5000\n\n"
        while not app.closing.is_set():
            ticket = app.door.arrived.ticket()
            out = await app.station.read(partial(fetching.outstanding, subscription=subscription))
            if out is None or out != sent:
                give = partial(
                    fetching.give, subscription=subscription, after=None, most=MOST_PAGES
                )
                given = await app.station.write(give)
                if given.pages:
                    sent = given.upto
                    yield _event(app, subscription, given)
                    continue
            await wait(ticket, BEAT_S)
            if not ticket.is_set():
                try:
                    await tokens.check(app.station, authorization)
                except ApiToken:
                    return
                yield b": \n\n"


def _event(app: NodeApp, subscription: str, given: fetching.Given) -> bytes:
    identity = app.station.parts.identity
    cursor = fetching.cursor_text(identity, subscription, given.upto).encode()
    return (
        b'event: changes\nid: %b\ndata: {"subscription":"%b","changes":[%b],"cursor":"%b"}\n\n'
        % (
            cursor,
            subscription.encode(),
            b",".join(page for _, page in given.pages),
            cursor,
        )
    )
