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

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from ortoo_protocol.core.errors import SettingsValue
from ortoo_protocol.station.settings import Table

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
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
    file would see the changed text. `keep_deleted`: of a feed of files, those that it deletes stay.
    """

    table: str = ""
    mode: Literal["changes", "whole"] = "changes"
    format: Literal["csv", "jsonl", "parquet"] = "csv"
    encoding: Literal["utf-8", "utf-8-bom", "gb18030"] = "utf-8"
    neutralise: bool = False
    most_files: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1_000
    keep_deleted: bool = False
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

    @property
    def used(self) -> list[str]:
        return [part for part in (self.read, self.write, self.done) if part]

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


def check_folders(
    place: str, folders: Sequence[Folder], sources: Collection[str], sinks: Collection[str]
) -> None:
    """`sources`, `sinks`: names that are taken. Raises SettingsValue."""
    names = [folder.name for folder in folders]
    for index, folder in enumerate(folders):
        key = f"folders[{index}]"
        taken = folder.name in sources or folder.name in sinks or names.count(folder.name) > 1
        if not _NAME.fullmatch(folder.name) or taken:
            detail = "lower-case letters, digits, _ and -, and each name once"
            raise SettingsValue(place=place, key=f"{key}.name", detail=detail)
        for part in ("read", "write", "done"):
            if not _is_below(getattr(folder, part)):
                detail = "a folder below path, without . and .."
                raise SettingsValue(place=place, key=f"{key}.{part}", detail=detail)
        _check_options(place, key, folder)
    parts = [folder.path / each for folder in folders for each in folder.used]
    if _overlap(parts):
        detail = "what is read, written and done are folders apart, none inside another"
        raise SettingsValue(place=place, key="folders", detail=detail)


def _check_options(place: str, key: str, folder: Folder) -> None:
    patterns = [options.pattern for options in folder.files]
    tables = [options.table for options in folder.tables]
    if len(set(patterns)) != len(patterns) or len(set(tables)) != len(tables):
        detail = "each pattern and each table once"
        raise SettingsValue(place=place, key=key, detail=detail)
    if not folder.read and not folder.write:
        detail = "it is neither read nor written"
        raise SettingsValue(place=place, key=key, detail=detail)


def _is_below(path: str) -> bool:
    return not path or ("\0" not in path and not set(path.split("/")) & {"", ".", ".."})


def _overlap(paths: Sequence[Path]) -> bool:
    return any(
        one.parts[: len(other.parts)] == other.parts
        for place, one in enumerate(paths)
        for at, other in enumerate(paths)
        if place != at
    )
