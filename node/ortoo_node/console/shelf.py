"""Files that people brought to a console, for as long as an import lasts."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

from ortoo_node.catalog.sheets.apart import Told
from ortoo_node.catalog.sheets.staging import IDLE_MS, MOST_IMPORTS
from ortoo_protocol.core.errors import ImportGone


@dataclass
class Brought:
    """A file of `account`, and what its check said. `number`: of its import, 0 before it is read.
    `problems`: those that are shown, of `count`; with any, the marked copy is there."""

    name: str
    account: str
    made_ms: int
    number: int = 0
    profile: str = ""
    resources: int = 0
    unknown: tuple[str, ...] = ()
    problems: list[Told] = field(default_factory=list)
    count: int = 0
    folder: Path = field(default_factory=lambda: Path(mkdtemp(prefix="ortoo-import-")))

    def __post_init__(self) -> None:
        """The folder goes with the last who knows of it, at the end of the process at the latest:
        also that of an upload that was broken off."""
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    @property
    def file(self) -> Path:
        return self._own("brought") / self.name

    @property
    def marked(self) -> Path:
        """In a folder of its own: the other's name is a person's."""
        return self._own("marked") / "marked.xlsx"

    def _own(self, name: str) -> Path:
        inside = self.folder / name
        inside.mkdir(exist_ok=True)
        return inside


@dataclass
class Shelf:
    """By names that nobody guesses. `working`: one file at a time, each takes a processor."""

    working: asyncio.Lock = field(default_factory=asyncio.Lock)
    _kept: dict[str, Brought] = field(default_factory=dict)

    def put(self, brought: Brought, now_ms: int) -> str:
        for key in [key for key, each in self._kept.items() if now_ms - each.made_ms > IDLE_MS]:
            self.drop(key)
        while len(self._kept) >= MOST_IMPORTS:
            self.drop(next(iter(self._kept)))
        key = secrets.token_urlsafe(16)
        self._kept[key] = brought
        return key

    def get(self, key: str, account: str, now_ms: int) -> Brought:
        """Raises ImportGone, also for whoever did not bring it."""
        found = self._kept.get(key)
        if found is None or found.account != account or now_ms - found.made_ms > IDLE_MS:
            raise ImportGone()
        return found

    def drop(self, key: str) -> None:
        del self._kept[key]
