"""Sending what is to be told: one loop that finds out whom, one for each channel, one for digests.

Each channel has its own pace and its own trouble. What it does not take waits in the store; the
exchange of data knows nothing of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from ortoo_protocol.core.errors import NoticeRefused, OrtooError
from ortoo_protocol.core.law.contacts import Person
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.i18n import translator
from ortoo_protocol.station.context import Signal, wait
from ortoo_protocol.station.notify import digest, queue
from ortoo_protocol.station.notify.channel import Channel, Outgoing
from ortoo_protocol.station.notify.file_channel import FileChannel
from ortoo_protocol.station.notify.mail_channel import MailChannel
from ortoo_protocol.station.notify.queue import NOBODY, Delivery
from ortoo_protocol.station.notify.settings import NotifyTable
from ortoo_protocol.station.notify.templates import said
from ortoo_protocol.station.notify.webhook_channel import WebhookChannel
from ortoo_protocol.station.station import Station

LOOK_S = 60.0
FORGET_S = 3_600.0
_log = logging.getLogger(__name__)


def channels_of(table: NotifyTable, offset_min: int, clock: Callable[[], int]) -> list[Channel]:
    """Those that the settings name."""
    found: list[Channel] = []
    if table.folder is not None:
        found.append(FileChannel(table.folder, offset_min))
    if table.mail is not None:
        found.append(MailChannel(table.mail))
    return [*found, *(WebhookChannel(each, clock) for each in table.webhooks)]


class Notifier:
    def __init__(self, station: Station, table: NotifyTable, language: str) -> None:
        parts = station.parts
        profile = profile_named(parts.trust.current.profile)
        self.station, self.table = station, table
        self.channels = channels_of(table, profile.offset_min, parts.clock)
        self.retry = Signal()
        self._say = translator(language)

    @property
    def loops(self) -> Sequence[Callable[[], Awaitable[None]]]:
        each = [partial(self.deliver, channel) for channel in self.channels]
        return [self.route, self.digests, self.forget, *each]

    async def close(self) -> None:
        for channel in self.channels:
            await channel.close()

    async def route(self) -> None:
        signal = self.station.parts.signals.notices
        while True:
            ticket = signal.ticket()
            job = partial(queue.route, table=self.table, channels=self.channels)
            looked_at = 0
            if await self.station.read(queue.is_unrouted):
                looked_at = await self.station.write(job)
            if looked_at:
                signal.set()  # for the channels
            else:
                await wait(ticket, LOOK_S)

    async def digests(self) -> None:
        """Also after a restart, and for who takes over in the course of the day."""
        while True:
            parts, table = self.station.parts, self.table
            look = partial(
                digest.owed,
                party=self.station.party,
                trust=parts.trust.current,
                now_ms=parts.clock(),
                hour=table.digest_hour,
            )
            if await self.station.read(look):
                make = partial(digest.make, hour=table.digest_hour, authority=table.authority)
                await self.station.write(make)
            await asyncio.sleep(LOOK_S)

    async def forget(self) -> None:
        while True:
            await self.station.write(lambda tx: queue.forget(tx, self.table.keep_days))
            await asyncio.sleep(FORGET_S)

    async def deliver(self, channel: Channel) -> None:
        signal = self.station.parts.signals.notices
        while True:
            ticket = signal.ticket()
            now_ms = self.station.parts.clock()
            found = await self.station.read(
                partial(
                    queue.next_due,
                    channel=channel.name,
                    now_ms=now_ms,
                    party=self.station.party,
                    say=self._say,
                )
            )
            if isinstance(found, Delivery):
                await self._send(channel, found)
            else:
                await wait(ticket, LOOK_S if found is None else min(LOOK_S, found / 1000))

    async def _send(self, channel: Channel, delivery: Delivery) -> None:
        retry = self.retry.ticket()
        try:
            await channel.send(delivery.message)
        except OrtooError as error:
            _log.warning("%s", error)
            job = partial(queue.in_vain, delivery=delivery, error=error, table=self.table)
            wait_ms = await self.station.write(job)
            if not isinstance(error, NoticeRefused):  # the channel's fault: all of it waits
                await wait(retry, wait_ms / 1000)
        else:
            await self.station.write(partial(queue.sent, delivery=delivery))

    async def again(self) -> int:
        """All that was put off or given up, once more."""
        count = await self.station.write(queue.again)
        self.retry.set()
        return count

    async def test(self, person: Person = NOBODY) -> list[dict[str, Any]]:
        """Send a test on every channel at once, beside the queue; what became of each."""
        return [await self._test(channel, person) for channel in self.channels]

    async def _test(self, channel: Channel, person: Person) -> dict[str, Any]:
        parts, party = self.station.parts, self.station.party
        address = channel.reach(person.phone, person.mail, person.webhook)
        text = said(self._say, "test", {"party": party})
        error: OrtooError | None = None
        if address is None:
            error = NoticeRefused(channel=channel.name, detail="no address of this person")
        else:
            name = f"test_{party}_{parts.rand(8).hex()}"
            try:
                await channel.send(
                    Outgoing(
                        id=name,
                        time_ms=parts.clock(),
                        party=party,
                        department="",
                        person=person.name,
                        address=address,
                        title=text.title,
                        text=text.text,
                        templates=("test",),
                    )
                )
            except OrtooError as failed:
                error = failed
        return {"channel": channel.name, "address": address or "", "error": error}
