"""The first rows of a source, for a person who looks whether it is the right one."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass

from ortoo_node.settings import NodeSettings
from ortoo_node.sources.describe import describe
from ortoo_node.sources.folder.headers import first_rows
from ortoo_node.sources.tables.reader import TableReader
from ortoo_protocol.core.feeds import Column

MOST_ROWS, MOST_COLUMNS, MOST_CHARS = 20, 200, 200
BINARY = "G"  # not read: one value may be larger than everything else


@dataclass(frozen=True)
class Preview:
    """Values as text, the long ones cut; None where there is none."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


def preview(settings: NodeSettings, name: str, table: str) -> Preview:
    """MOST_ROWS rows at most, of a folder its newest file as it stands, titles and header with it.

    Raises SettingsLacking, DatabaseUrl, SourceError, SourceUndescribed.
    """
    folder = settings.folder_named(name)
    if folder is not None and folder.read:
        found = first_rows(folder, table, settings.folder / "spool", time.time)
        return Preview((), _shown(cells for _, cells in found[:MOST_ROWS]))
    shape = describe(settings, name, table)
    names = [each.name for each in shape.columns if each.type != BINARY][:MOST_COLUMNS]
    columns = tuple(Column(each, "C", 0) for each in names)
    reader = TableReader(settings.source(name).read_url(), table, columns, names[:1])
    with closing(reader), reader.connect() as connection:
        return Preview(
            tuple(names), _shown(reader.stream(connection, reader.select().limit(MOST_ROWS)))
        )


def _shown(rows: Iterable[Sequence[object]]) -> tuple[tuple[str | None, ...], ...]:
    return tuple(tuple(map(_cell, row[:MOST_COLUMNS])) for row in rows)


def _cell(value: object) -> str | None:
    if value is None:
        return None
    text = f"{len(value)} B" if isinstance(value, bytes | memoryview) else str(value)
    return text if len(text) <= MOST_CHARS else f"{text[:MOST_CHARS]}…"
