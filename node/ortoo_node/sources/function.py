"""SourceFunction: rows that a Python function gives, for what no other source reads.

The settings name the function, and only they do: nothing that comes over a socket or the network
can. It runs inside the station, with all that the station may do.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeVar

from ortoo_node.sources.port import Reading
from ortoo_protocol.core.errors import OrtooError, SourceCall
from ortoo_protocol.core.feeds import Column

T = TypeVar("T")
GROUP = "ortoo.sources"
_END = object()


@dataclass(frozen=True)
class Wanted:
    """What a function is asked for. `columns` in the order in which rows have to come; `mark`: what
    its last Reading left, "" the first time and for functions that return plain rows."""

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    mark: str


Rows = Iterable[Sequence[object] | Mapping[str, object]]
Function = Callable[[Wanted], "Rows | Reading"]
"""Plain rows are the whole table; a Reading says itself what it is."""


def load(name: str, call: str, folder: Path | None) -> Function:
    """`call`: ``module:function``, or the name of an entry point of the group ortoo.sources.

    `folder` is where the module is looked for besides Python's own places. Raises SourceCall.
    """
    module, colon, attribute = call.partition(":")
    try:
        if colon:
            if folder is not None and str(folder) not in sys.path:
                sys.path.append(str(folder))
            found = getattr(importlib.import_module(module), attribute)
        else:
            found = entry_points(group=GROUP)[call].load()
    except KeyError:
        raise SourceCall(name=name, detail=f"no entry point {call} in {GROUP}") from None
    except (ImportError, AttributeError, SyntaxError) as error:
        raise SourceCall(
            name=name, detail=f"{type(error).__name__} while loading {call}"
        ) from error
    if not callable(found):
        raise SourceCall(name=name, detail=f"{call} cannot be called")
    function: Function = found
    return function


class SourceFunction:
    """Rows of `function`."""

    def __init__(
        self,
        name: str,
        function: Function,
        table: str,
        columns: Sequence[Column],
        key: Sequence[str],
    ) -> None:
        self._name = name
        self._function = function
        self._table = table
        self._columns = tuple(column.name for column in columns)
        self._key = tuple(key)

    def check(self) -> None:
        """Nothing can be known before it is called."""

    def read(self, mark: str) -> Reading:
        wanted = Wanted(self._table, self._columns, self._key, mark)
        found = self._called(lambda: self._function(wanted))
        if isinstance(found, Reading):
            reading = found
        elif isinstance(found, Iterable):
            reading = Reading(self._called(lambda: iter(found)))  # type: ignore[arg-type]  # below
        else:
            raise SourceCall(name=self._name, detail="it returned no rows")
        return Reading(
            self._rows(reading.rows),
            whole=reading.whole,
            deletes=lambda: self._called(reading.deletes),
            mark=lambda: self._called(reading.mark),
            done=lambda: self._called(reading.done),
        )

    def close(self) -> None:
        pass

    def _rows(self, rows: Iterator[object]) -> Iterator[Sequence[object]]:
        # None is a row that is none, not the end: what follows would be taken for deleted.
        while (row := self._called(lambda: next(rows, _END))) is not _END:
            if isinstance(row, Mapping):
                yield tuple([row.get(name) for name in self._columns])
            elif isinstance(row, Sequence) and not isinstance(row, (str, bytes)):
                yield row
            else:
                detail = f"a row is a {type(row).__name__}, no sequence or mapping"
                raise SourceCall(name=self._name, detail=detail)

    def _called(self, call: Callable[[], T]) -> T:
        """Somebody else's code may raise anything, and must not end the station with it."""
        try:
            return call()
        except OrtooError:
            raise
        except Exception as error:
            raise SourceCall(name=self._name, detail=f"it raised {type(error).__name__}") from error
