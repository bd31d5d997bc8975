"""A station that breaks the rules: plain AMQP with its own account, around its own software."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import AMQPError

from ortoo_demo.checks import CheckFailed

TIMEOUT_S = 10.0
FORBIDDEN = 403


@dataclass(frozen=True)
class Account:
    """Where the broker is, and a station's own credentials."""

    host: str
    port: int
    ca_file: Path
    user: str
    password: str = field(repr=False)


Attempt = Callable[[AbstractChannel], Awaitable[object]]


def attempts(own: str, other: str, feed: str) -> dict[str, Attempt]:
    """What station `own` tries, against station `other` and the `feed` of somebody else."""

    def publish(exchange: str, key: str) -> Attempt:
        async def attempt(channel: AbstractChannel) -> None:
            message = aio_pika.Message(b"forged", delivery_mode=2)
            target = channel.default_exchange
            if exchange:
                target = await channel.get_exchange(exchange, ensure=False)
            await target.publish(message, key, mandatory=False, timeout=TIMEOUT_S)

        return attempt

    async def bind_itself(channel: AbstractChannel) -> None:
        queue = await channel.get_queue(f"inbox.{own}", ensure=False)
        await queue.bind(await channel.get_exchange("feeds", ensure=False), feed)

    async def read_foreign(channel: AbstractChannel) -> None:
        queue = await channel.get_queue(f"inbox.{other}", ensure=False)
        await queue.consume(lambda _message: None)  # type: ignore[arg-type, return-value]

    async def declare(channel: AbstractChannel) -> None:
        await channel.declare_queue(f"feed.{own}.0123456789abcdef")

    return {
        "bind its inbox to a foreign feed": bind_itself,
        "declare a queue": declare,
        "read a foreign inbox": read_foreign,
        "publish under a foreign feed": publish("feeds", feed),
        "write to the hub as another": publish("hub", f"{other}.case.application"),
        "write a letter as another": publish("letters", f"{other}.{own}.feed.key"),
        "pass by the exchanges": publish("", f"inbox.{other}"),
    }


def its_own(own: str) -> Attempt:
    """What is allowed: a key of its own, on a feed that nobody reads."""

    async def attempt(channel: AbstractChannel) -> None:
        feeds = await channel.get_exchange("feeds", ensure=False)
        message = aio_pika.Message(b"own", delivery_mode=1)
        await feeds.publish(message, f"{own}.nobody-reads-this", mandatory=False, timeout=TIMEOUT_S)

    return attempt


def outcomes(account: Account, wanted: dict[str, Attempt]) -> dict[str, int]:
    """AMQP reply code of each attempt, 0 where the broker did it. Raises ConnectionError."""
    return asyncio.run(_outcomes(account, wanted))


def refused_login(account: Account) -> bool:
    """Whether the broker turns this account away."""
    try:
        outcomes(account, {})
    except ConnectionError:
        return True
    return False


async def _outcomes(account: Account, wanted: dict[str, Attempt]) -> dict[str, int]:
    connection = await _connect(account)
    try:
        return {name: await _outcome(connection, attempt) for name, attempt in wanted.items()}
    finally:
        await connection.close()


async def _connect(account: Account) -> AbstractConnection:
    try:
        return await aio_pika.connect(
            host=account.host,
            port=account.port,
            login=account.user,
            password=account.password,
            ssl=True,
            ssl_context=ssl.create_default_context(cafile=str(account.ca_file)),
            timeout=TIMEOUT_S,
        )
    except (AMQPError, OSError, TimeoutError) as error:
        raise ConnectionError(str(error)) from error


async def _outcome(connection: AbstractConnection, attempt: Attempt) -> int:
    """Each on a channel of its own: the broker closes it with the refusal."""
    channel = await connection.channel(publisher_confirms=True)
    closed = asyncio.get_running_loop().create_future()

    def note(_channel: object, reason: BaseException | None) -> None:
        if not closed.done():
            closed.set_result(reason)

    channel.close_callbacks.add(note)
    try:
        await attempt(channel)
    except (AMQPError, asyncio.CancelledError, RuntimeError) as refusal:
        return _code(refusal if isinstance(refusal, AMQPError) else await closed)
    if not channel.is_closed:
        await channel.close()
    return 0


def _code(reason: BaseException | None) -> int:
    text = f"{type(reason).__name__} {reason}"
    for code, marks in ((FORBIDDEN, ("AccessRefused", "ACCESS_REFUSED")), (404, ("NotFound",))):
        if any(mark in text for mark in marks):
            return code
    raise CheckFailed(detail=f"the broker answered with {text}")
