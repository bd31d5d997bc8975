"""Settings of folders on front-end machines (前置机): `[[folders]]`, each a source, a sink or both.

[[folders]]
name = "front-end"
path = "/srv/front-end"       # files are read from in/, written to out/

[[folders.files]]             # where a publication's files differ from what is usual
pattern = "people_*.csv"
whole = false

[[folders.tables]]            # the same for a subscription's folder below out/
table = "townships"
format = "csv"
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from ortoo_protocol.core.errors import SettingsValue
from ortoo_protocol.station.settings import Table

Encoding = Literal["", "utf-8", "gb18030", "gbk", "utf-16"]


class FileOptions(Table, frozen=True):
    """How files of a pattern are read. `whole`: each is the whole table and the newest counts;
    else they are changes, read in order of their names. `op_column`: the header of the column that
    says which rows are deletes. Empty: found by looking."""

    pattern: str = "*"
    whole: bool = True
    op_column: str = ""
    encoding: Encoding = ""
    delimiter: Literal["", ",", ";", "\t", "|"] = ""
    sheet: str = ""
    header_row: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0


class TableOptions(Table, frozen=True):
    """How the rows of a subscription are written into the folder `table`.

    `mode`: one file an item (`changes`), or one current file, replaced at most every `every_s`
    (`whole`). With `most_files` waiting nothing more is written until somebody takes them.
    `neutralise` keeps spreadsheet programs from running cells as formulas; programs that read the
    file would see the changed text.
    """

    table: str = ""
    mode: Literal["changes", "whole"] = "changes"
    format: Literal["csv", "jsonl", "parquet"] = "csv"
    encoding: Literal["utf-8", "utf-8-bom", "gb18030"] = "utf-8"
    neutralise: bool = False
    most_files: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1_000
    every_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 60.0


class Folder(Table, frozen=True):
    """`read` and `write` are below `path`; empty: not a source, not a sink. Files that were read
    move to `done` if that is named. `marker`: only files with a ``NAME.ok`` beside them count."""

    name: str
    path: Path
    read: str = "in"
    write: str = "out"
    done: str = ""
    settle_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 10.0
    marker: bool = False
    files: tuple[FileOptions, ...] = ()
    tables: tuple[TableOptions, ...] = ()

    @property
    def read_path(self) -> Path:
        return self.path / self.read

    @property
    def write_path(self) -> Path:
        return self.path / self.write

    def options_of(self, pattern: str) -> FileOptions:
        for options in self.files:
            if options.pattern == pattern:
                return options
        return FileOptions(pattern=pattern)

    def table_options_of(self, table: str) -> TableOptions:
        for options in self.tables:
            if options.table == table:
                return options
        return TableOptions(table=table)


def check_folders(place: str, folders: Sequence[Folder]) -> None:
    """Raises SettingsValue; names are looked at where all kinds of sources and sinks are known."""
    for index, folder in enumerate(folders):
        for key in ("read", "write", "done"):
            if not _is_below(getattr(folder, key)):
                detail = "a folder below path, without . and .."
                raise SettingsValue(place=place, key=f"folders[{index}].{key}", detail=detail)
        used = [path for path in (folder.read, folder.write, folder.done) if path]
        if _overlap(used):
            detail = "read, write and done are three folders, none inside another"
            raise SettingsValue(place=place, key=f"folders[{index}]", detail=detail)
    everything = [each.read_path for each in folders if each.read]
    written = [each.write_path for each in folders if each.write]
    if _overlap([str(path) for path in (*everything, *written)]):
        detail = "one folder is read or written under one name only"
        raise SettingsValue(place=place, key="folders", detail=detail)


def _is_below(path: str) -> bool:
    return not path or ("\0" not in path and not set(path.split("/")) & {"", ".", ".."})


def _overlap(paths: Sequence[str]) -> bool:
    parts = [Path(path).parts for path in paths]
    return any(
        one[: len(other)] == other
        for place, one in enumerate(parts)
        for at, other in enumerate(parts)
        if place != at
    )
