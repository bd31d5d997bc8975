"""A folder of a front-end machine for tests: files in, what a reading of them gives out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ortoo_node.folders import FileOptions, Folder
from ortoo_node.sources.folder import FolderSource
from ortoo_node.sources.port import Unread
from ortoo_protocol.core.feeds import Column

CODE, NAME, COUNT = Column("code", "C", 12), Column("name", "C", 20), Column("count", "I", 0)
TITLES = {"code": "行政区划代码", "name": "名称", "count": "人口数"}


@dataclass
class Read:
    """`rows` that could be read, `errors` of those that could not."""

    rows: list[tuple[Any, ...]]
    errors: list[Any]
    deletes: list[tuple[Any, ...]]
    whole: bool
    mark: str
    where: list[str]


@dataclass
class FrontEnd:
    path: Path
    columns: Sequence[Column] = (CODE, NAME, COUNT)
    key: Sequence[str] = ("code",)
    now: float = 1e11
    mark: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.path / "in").mkdir(parents=True)

    def put(self, name: str, content: str | bytes) -> Path:
        file = self.path / "in" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def source(self, pattern: str = "*", **options: Any) -> FolderSource:
        """Under `options` of its files; what stands in `more` is set for the folder."""
        files = (FileOptions(pattern=pattern, **options),)
        folder = Folder(name="front-end", path=self.path, files=files, **self.more)
        spool = self.path / "spool"
        return FolderSource(
            folder, pattern, self.columns, self.key, TITLES, spool, lambda: self.now
        )

    def read(self, pattern: str = "*", *, done: bool = True, **options: Any) -> Read:
        """Read on from the last mark, as the publisher does."""
        source = self.source(pattern, **options)
        source.check()
        reading = source.read(self.mark)
        rows: list[tuple[Any, ...]] = []
        errors, where = [], []
        for number, row in enumerate(reading.rows, 1):
            where.append(reading.where(number))
            if isinstance(row, Unread):
                errors.append(row.error)
            else:
                rows.append(tuple(row))
        deletes = [tuple(key) for key in reading.deletes()]
        mark = reading.mark()
        if done:
            self.mark = mark
            reading.done()
        source.close()
        return Read(rows, errors, deletes, reading.whole, mark, where)


# A folder keeps its cursor itself; other kinds of sink are given the station's store.
NO_STORE: dict[str, Any] = {"door": None, "subscription": ""}
