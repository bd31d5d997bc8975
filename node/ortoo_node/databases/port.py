"""What one kind of database is to Ortoo: one record each, and what refusals come down to."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import URL, Engine, exc

CONNECT_TIMEOUT_S = 10
LOCK_TIMEOUT_S = 10


class Trouble(enum.Enum):
    """What a database's refusal comes down to."""

    UNREACHABLE = enum.auto()
    BUSY = enum.auto()
    FULL = enum.auto()
    FORBIDDEN = enum.auto()
    SHAPE = enum.auto()  # no such table, column, type
    VALUE = enum.auto()
    CONSTRAINT = enum.auto()
    OTHER = enum.auto()


@dataclass(frozen=True)
class Dialect:
    """`names` stand before ``://``; `install` brings the driver.

    `reader(url, lock_timeout_s)` opens transactions that only read, each of one moment;
    `writer(url, lock_timeout_s)` such that write. `judge` looks at the driver's own error; None:
    it says nothing about this kind of database, and the connection is believed to be lost.
    `sinks`: tables of it can be written, and not only read.
    """

    names: tuple[str, ...]
    drivername: str
    install: str
    port: int
    has_schemas: bool
    sinks: bool
    reader: Callable[[URL, float], Engine]
    writer: Callable[[URL, float], Engine]
    judge: Callable[[exc.DBAPIError, BaseException], Trouble | None]


def by_prefix(state: str, meanings: Mapping[str, Trouble]) -> Trouble:
    """Of an SQLSTATE: the meaning of its longest prefix."""
    for length in (5, 2):
        if state[:length] in meanings:
            return meanings[state[:length]]
    return Trouble.OTHER


# SQL's own classes, as PostgreSQL (appendix A) and those that follow it use them.
SQLSTATES: Mapping[str, Trouble] = {
    "08": Trouble.UNREACHABLE,
    "28": Trouble.UNREACHABLE,
    "3D": Trouble.UNREACHABLE,  # no such database
    "57": Trouble.UNREACHABLE,  # shutting down, starting up, cancelled by an administrator
    "40": Trouble.BUSY,  # serialisation failure, deadlock
    "55P03": Trouble.BUSY,  # lock not available
    "53": Trouble.FULL,
    "53300": Trouble.BUSY,  # too many connections
    "42501": Trouble.FORBIDDEN,
    "25006": Trouble.FORBIDDEN,  # a read-only transaction, as on a standby
    "42": Trouble.SHAPE,
    "54": Trouble.SHAPE,
    "3F": Trouble.SHAPE,  # no such schema
    "22": Trouble.VALUE,
    "23": Trouble.CONSTRAINT,
}
