"""Resources that a file brought, on their way into the drafts: all of them, or none.

Whoever read the file hands its resources over in parts, since a request is bounded; they are kept
packed until all are there. Checking and saving look at the whole: what only the station knows
(whose department, whose code, whether a draft is open) is said before anything is written, and
again in the transaction that writes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
import zstandard

from ortoo_protocol.core.catalog.law import Problem
from ortoo_protocol.core.errors import ImportFull, ImportGone, ImportOrder, OrtooError
from ortoo_protocol.station.context import Tx

MOST_IMPORTS = 8
MOST_BYTES = 64 << 20  # packed, of all imports together
IDLE_MS = 10 * 60 * 1000
MOST_PROBLEMS = 2_000
_LEVEL = 3


Resources = Sequence[Mapping[str, Any]]
Rules = Callable[[Mapping[str, Any]], Iterable[Problem]]


class Drafts(Protocol):
    """Where resources go. `problems`: what the station has against one, without writing; `save`:
    write it as a draft, and give its number. Both in the importing transaction."""

    def problems(self, tx: Tx, fields: Mapping[str, Any]) -> Iterable[Problem]: ...

    def save(self, tx: Tx, fields: Mapping[str, Any], who: str, why: str) -> str: ...


@dataclass(frozen=True)
class Found:
    """A problem of resource `number` (from 0) of the file."""

    number: int
    field: str
    item: int | None
    error: OrtooError


class Refused(Exception):
    """Nothing was saved; this is why."""

    def __init__(self, found: Sequence[Found]) -> None:
        super().__init__(len(found))
        self.found = found


@dataclass
class _Import:
    parts: list[bytes] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    count: int = 0
    bytes: int = 0
    touched_ms: int = 0


@dataclass
class Imports:
    """The imports that are under way at this station."""

    _open: dict[int, _Import] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def begin(self, now_ms: int) -> int:
        """A new import. One that nobody went on with gives way. Raises ImportFull."""
        for number, each in list(self._open.items()):
            if each.touched_ms < now_ms - IDLE_MS:
                del self._open[number]
        if len(self._open) >= MOST_IMPORTS:
            raise ImportFull()
        number = next(self._numbers)
        self._open[number] = _Import(touched_ms=now_ms)
        return number

    def add(self, number: int, after: int, resources: Resources, rules: Rules, now_ms: int) -> int:
        """Resources behind the `after` that are there; how many are there then. What `rules` say
        against them is kept. For a thread: it computes, and touches no store.

        Raises ImportGone, ImportOrder, ImportFull.
        """
        one = self._of(number)
        if after != one.count:
            raise ImportOrder(found=after, wanted=one.count)
        packed = zstandard.compress(msgspec.json.encode(resources), _LEVEL)
        if sum(each.bytes for each in self._open.values()) + len(packed) > MOST_BYTES:
            raise ImportFull()
        for at, fields in enumerate(resources, after):
            self._note(one.found, at, rules(fields))
        one.parts.append(packed)
        one.bytes += len(packed)
        one.count += len(resources)
        one.touched_ms = now_ms
        return one.count

    def check(self, tx: Tx, number: int, drafts: Drafts) -> list[Found]:
        """All that stands against the resources; nothing: they can be saved."""
        found = list(self._of(number).found)
        for at, fields in enumerate(self._resources(number)):
            self._note(found, at, drafts.problems(tx, fields))
        return found

    def save(self, tx: Tx, number: int, drafts: Drafts, who: str, why: str) -> list[str]:
        """Save all as drafts; their numbers. Raises Refused, and then nothing is written."""
        if found := self.check(tx, number, drafts):
            raise Refused(found)
        saved = []
        for at, fields in enumerate(self._resources(number)):
            try:
                saved.append(drafts.save(tx, fields, who, why))
            except OrtooError as error:
                raise Refused([Found(at, "code", None, error)]) from None
        return saved

    @staticmethod
    def _note(found: list[Found], at: int, problems: Iterable[Problem]) -> None:
        for each in problems:
            if len(found) < MOST_PROBLEMS:
                found.append(Found(at, each.field, each.item_index, each.error))

    def end(self, number: int) -> None:
        self._open.pop(number, None)

    def _of(self, number: int) -> _Import:
        try:
            return self._open[number]
        except KeyError:
            raise ImportGone() from None

    def _resources(self, number: int) -> Iterable[dict[str, Any]]:
        unpack = zstandard.ZstdDecompressor()
        for part in self._of(number).parts:
            yield from msgspec.json.decode(unpack.decompress(part), type=list[dict[str, Any]])
