"""Folder sinks keep the contract of sinks, as a department's program sees what they write."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from ortoo_node.folders import Folder, TableOptions
from ortoo_node.sinks.folder import open_folder_sink
from ortoo_protocol.station.ports import Sink
from tests.contracts.sink_contract import (
    FEED,
    FIRST,
    SECOND,
    THIRD,
    SinkContract,
    SinkOf,
    at,
    towns,
    was_killed,
    work,
)

KEYS = {"pairs": ("b", "a")}


@dataclass
class Program:
    """Takes files away in order of their names, keeps the table, and knows a name that comes twice:
    what at-least-once asks of whoever reads."""

    out: Path
    kept: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = field(default_factory=dict)
    known: dict[str, bytes] = field(default_factory=dict)
    twice: int = 0

    def rows(self, table: str, *columns: str) -> list[tuple[object, ...]]:
        self.take(table)
        rows = self.kept.get(table, {}).values()
        return sorted((tuple(row.get(c) for c in columns) for row in rows), key=repr)

    def take(self, table: str) -> None:
        for file in sorted((self.out / table).glob("*.jsonl")):
            content = file.read_bytes()
            file.unlink()
            if file.name in self.known:
                assert self.known[file.name] == content
                self.twice += 1
            self.known[file.name] = content
            self._apply(table, file.name, content)

    def _apply(self, table: str, name: str, content: bytes) -> None:
        rows = self.kept.setdefault(table, {})
        if "-snapshot" in name:
            rows.clear()
        for line in content.decode().splitlines():
            row = json.loads(line)
            op = row.pop("op")
            key = tuple(row[column] for column in KEYS.get(table, ("code",)))
            if op == "D":
                rows.pop(key, None)
            else:
                rows.setdefault(key, {}).update(row)

    def drop(self, table: str) -> None:
        shutil.rmtree(self.out / table)
        self.kept.pop(table, None)

    def tables(self) -> set[str]:
        return {path.name for path in self.out.iterdir()}


class CurrentFiles(Program):
    """Looks at the current file of a table."""

    def rows(self, table: str, *columns: str) -> list[tuple[object, ...]]:
        lines = (self.out / table / f"{table}.jsonl").read_text().splitlines()
        return sorted((tuple(json.loads(line).get(c) for c in columns) for line in lines), key=repr)


class _Folders(SinkContract):
    mode: Literal["changes", "whole"] = "changes"

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Folder:
        names = ("towns", "towns_again", "pairs", "")
        tables = tuple(
            TableOptions(table=name, mode=self.mode, format="jsonl", every_s=0) for name in names
        )
        folder = Folder(name="front-end", path=tmp_path / "front", tables=tables)
        folder.write_path.mkdir(parents=True)
        return folder

    @pytest.fixture
    def sink_of(self, folder: Folder) -> Iterator[SinkOf]:
        with ExitStack() as stack:

            def open_(table: str) -> Sink:
                return stack.enter_context(closing(open_folder_sink(folder, table)))

            yield open_

    def killed_after(self, folder: Folder, calls: int) -> bool:
        """Whether a process that fills the folder was killed at that many calls of the system (and,
        of SQLite, statements)."""

        def job() -> None:
            _kill_after(calls)
            with closing(open_folder_sink(folder, "towns")) as sink:
                work(sink)

        return was_killed(job)


class TestFolderSink(_Folders):
    @pytest.fixture
    def keeper(self, folder: Folder) -> Program:
        return Program(folder.write_path)

    @pytest.mark.parametrize("taken_at_once", [True, False])
    def test_killed_at_any_call(self, folder: Folder, tmp_path: Path, taken_at_once: bool) -> None:
        """After SIGKILL at each call in turn, the program has every item, and what comes to it
        again is the same file."""
        states = {0: [], 1: FIRST, 2: SECOND, 3: THIRD}
        twice = 0
        for calls in range(1, 500):
            shutil.rmtree(folder.write_path)
            folder.write_path.mkdir()
            killed = self.killed_after(folder, calls)
            program = Program(folder.write_path)
            sink = open_folder_sink(folder, "towns")
            cursor = sink.read_cursor(FEED)
            if taken_at_once and (folder.write_path / "towns").exists():
                seen = towns(program)
                seq = cursor.seq if cursor else 0
                assert seen in (states[seq], states.get(seq + 1))
            work(sink)
            assert sink.read_cursor(FEED) == at(3)
            assert towns(program) == THIRD
            left = {path.name for path in (folder.write_path / "towns").iterdir()}
            assert left == {".ortoo"}
            twice += program.twice
            if not killed:
                break
        assert not killed
        assert (twice > 0) is taken_at_once


def _kill_after(calls: int) -> None:
    """In a process of its own: end it as a loss of power would, at the call of that number."""
    left = calls

    def count(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(call: Any) -> Any:
        def before_and_after(*args: Any, **more: Any) -> Any:
            count()
            result = call(*args, **more)
            count()
            return result

        return before_and_after

    for name in ("open", "write", "fsync", "replace", "unlink", "mkdir"):
        setattr(os, name, counted(getattr(os, name)))
    connect = sqlite3.connect

    def traced(*args: Any, **more: Any) -> sqlite3.Connection:
        connection = connect(*args, **more)
        connection.set_trace_callback(count)
        return connection

    sqlite3.connect = traced  # type: ignore[assignment]


class TestWholeFolderSink(_Folders):
    mode = "whole"

    @pytest.fixture
    def keeper(self, folder: Folder) -> CurrentFiles:
        return CurrentFiles(folder.write_path)

    def test_killed_at_any_call(self, folder: Folder) -> None:
        """After SIGKILL at each call in turn the file is whole, and says what the cursor says as
        soon as somebody has looked."""
        states: dict[int, Any] = {0: None, 1: FIRST, 2: SECOND, 3: THIRD}
        seen = set()
        for calls in range(1, 500):
            shutil.rmtree(folder.write_path)
            folder.write_path.mkdir()
            killed = self.killed_after(folder, calls)
            program = CurrentFiles(folder.write_path)
            file = folder.write_path / "towns" / "towns.jsonl"
            before = towns(program) if file.exists() else None
            assert before in states.values()
            with closing(open_folder_sink(folder, "towns")) as sink:
                cursor = sink.read_cursor(FEED)
                seq = cursor.seq if cursor else 0
                assert (towns(program) if file.exists() else None) == states[seq]
                work(sink)
            assert towns(program) == THIRD
            seen.add(seq)
            if not killed:
                break
        assert not killed
        assert seen == set(states)
