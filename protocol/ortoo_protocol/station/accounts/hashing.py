"""Passwords as argon2id (RFC 9106, 4: the second recommended choice): 64 MiB and some tenths of a
second each, so in threads, few at once, and with an end to those who wait.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from ortoo_protocol.core.accounts.passwords import MAX_PASSWORD_CHARACTERS, normal
from ortoo_protocol.core.errors import AccountBusy

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")
SALT_BYTES, HASH_BYTES = 16, 32
AT_ONCE, MOST_WAITING = 2, 32


@dataclass(frozen=True)
class Cost:
    """`memory_kib` in all, `rounds` over it, `lanes` at once."""

    rounds: int = 3
    memory_kib: int = 65_536
    lanes: int = 4


RFC_9106 = Cost()


class Hasher:
    """Every `verify` costs the same, whatever it is asked about."""

    def __init__(self, cost: Cost = RFC_9106) -> None:
        self._cost = cost
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def make(self, password: str) -> str:
        """A new PHC string with a salt of its own. Raises AccountBusy."""
        return await self._in_turn(lambda: self._argon2.hash(normal(password)))

    async def verify(self, kept: str, password: str) -> bool:
        """Whether `password` gave `kept`; "" is nobody's. Raises AccountBusy."""
        return await self._in_turn(lambda: self._verify(kept or self.nobodys, password))

    def is_outdated(self, kept: str) -> bool:
        """Made with other parameters than those of today."""
        return self._argon2.check_needs_rehash(kept)

    def _verify(self, kept: str, password: str) -> bool:
        from argon2.exceptions import VerifyMismatchError

        short = password[: MAX_PASSWORD_CHARACTERS + 1]  # too long to be anybody's
        try:
            return self._argon2.verify(kept, normal(short))
        except VerifyMismatchError:
            return False

    @cached_property
    def nobodys(self) -> str:
        """No password is known to give it; whoever has no account is measured against it."""
        cost, salt, digest = self._cost, bytes(SALT_BYTES), bytes(HASH_BYTES)
        head = f"$argon2id$v=19$m={cost.memory_kib},t={cost.rounds},p={cost.lanes}"
        return f"{head}${_unpadded(salt)}${_unpadded(digest)}"

    @cached_property
    def _argon2(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        cost = self._cost
        return PasswordHasher(cost.rounds, cost.memory_kib, cost.lanes, HASH_BYTES, SALT_BYTES)

    async def _in_turn(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise AccountBusy()
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1


def _unpadded(raw: bytes) -> str:
    return base64.b64encode(raw).rstrip(b"=").decode()
