"""One run of the demo: both planes beside each other, and an end that leaves no process behind."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from rich.console import Console
from rich.markup import escape

from ortoo_demo import departments, report, scenario, world
from ortoo_demo.checks import CheckFailed, DemoStopped, Patience, check
from ortoo_demo.plane import Plane
from ortoo_demo.processes import Processes, environment
from ortoo_demo.readers import all_readers
from ortoo_demo.report import Compared, Done
from ortoo_demo.scenario import Step
from ortoo_demo.texts import PLANES, Language, Text
from ortoo_demo.world import Cast
from ortoo_protocol.core.errors import OrtooError, SettingsExists, StoreBusy

MARK = ".ortoo-demo"
WORKERS = 4
# What fails under a check as if the check had failed: a database, the broker's interface, a file,
# an answer of another form.
UNFORESEEN = (sqlite3.Error, httpx.HTTPError, OSError, LookupError, ValueError)


@contextmanager
def clean_folder(folder: Path) -> Iterator[Path]:
    """`folder`, emptied of an earlier run and held while this one lasts.

    Raises SettingsExists for a folder with other things in it, StoreBusy during another run.
    """
    folder = folder.absolute()
    mark = folder / MARK
    if folder.exists() and any(folder.iterdir()) and not mark.exists():
        raise SettingsExists(path=folder)
    folder.mkdir(parents=True, exist_ok=True)
    with mark.open("a+", encoding="ascii") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            raise StoreBusy(path=folder, pid=held.read()) from None
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        for old in folder.iterdir():
            if old == mark:
                continue
            if old.is_dir() and not old.is_symlink():
                shutil.rmtree(old)
            else:
                old.unlink()
        yield folder


@dataclass
class Demo:
    """`run` plays everything; `close` must follow, whatever happened."""

    folder: Path
    language: Language
    console: Console
    keep: bool = False
    casts: Sequence[Cast] = field(default_factory=lambda: (world.extranet(), world.intranet()))
    story: Sequence[Step] = scenario.STEPS
    consoles: bool = False
    steps: list[Done] = field(default_factory=list)
    compared: list[Compared] = field(default_factory=list)
    failure: OrtooError | None = None
    _began: float = field(default_factory=time.monotonic)
    _patience: Patience = field(default_factory=Patience)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(WORKERS, "demo")
        self._players = ThreadPoolExecutor(2, "plane")
        self._processes = Processes(self._patience, environment())
        self.planes = tuple(
            Plane(
                cast,
                self.folder / cast.plane,
                self._processes,
                self._patience,
                self._pool,
                consoles=self.consoles,
            )
            for cast in self.casts
        )

    def run(self) -> bool:
        """Whether every check held. Writes report.json in any case."""
        try:
            if self.play():
                extranet, intranet = self.planes
                self._step(scenario.NEVER_MEET, lambda: scenario.never_meet(extranet, intranet))
                if not self.keep:
                    self._step(scenario.ENDED, self._end)
                self._step(scenario.EQUAL, self._compare)
        finally:
            self._write()
        return self.failure is None

    def play(self) -> bool:
        """The story on each plane, beside each other; whether every check held."""
        played = [self._players.submit(self._play, plane) for plane in self.planes]
        wait(played, return_when=FIRST_EXCEPTION)
        return all(future.result() for future in played)

    def close(self, *, in_order: bool) -> None:
        """End every process that was started, and every thread."""
        self._patience.stop()
        self._processes.end(in_order=in_order)
        for plane in self.planes:
            plane.broker.kill()
        self._players.shutdown(cancel_futures=True)
        self._pool.shutdown(cancel_futures=True)
        for plane in self.planes:
            plane.broker.kill()  # in case that a player just started it
            plane.close()

    def _play(self, plane: Plane) -> bool:
        """All steps on one plane; the first that fails ends it."""
        prefix = PLANES[plane.name]
        return all(
            self._step(_joined(prefix, step.name), lambda s=step: s.run(plane))  # type: ignore[misc]
            for step in self.story
        )

    def _step(self, name: Text, run: Callable[[], Text]) -> bool:
        self._say(f"[dim]… {escape(name.say(self.language))}[/]")
        began = time.monotonic()
        try:
            outcome, held = run(), True
        except DemoStopped:
            raise
        except (OrtooError, *UNFORESEEN) as error:
            self._patience.go_on()  # what fails because all is being ended is no failure
            found = error if isinstance(error, OrtooError) else CheckFailed(detail=repr(error))
            outcome, held = Text(str(found), str(found)), False
            with self._lock:
                self.failure = self.failure or found
        done = Done(name, outcome, time.monotonic() - began, held)
        with self._lock:
            self.steps.append(done)
        mark = "[green]✓[/]" if held else "[red]✗[/]"
        said = escape(f"{name.say(self.language)}：{outcome.say(self.language)}")
        self._say(f"{mark} {said} [dim]({done.seconds:.1f} s)[/]")
        return held

    def _compare(self) -> Text:
        """Row counts and digests of every reader, from the databases alone."""
        self.compared = [
            report.compare(reader) for plane in self.planes for reader in all_readers(plane)
        ]
        for one in self.compared:
            place = f"{one.reader.plane} {one.reader.department.station}"
            check(one.equal, f"{place} {one.reader.resource.slug}: digests differ")
        rows = sum(one.rows for one in self.compared)
        return Text(
            f"{len(self.compared)} 个读取方共 {rows} 行，源与目标摘要全部一致",
            f"{len(self.compared)} readers with {rows} rows: source and sink digests agree",
        )

    def _end(self) -> Text:
        """Every service that still runs stops by SIGTERM and says that all went well."""
        codes = {
            f"{plane.name} {party}": code
            for plane in self.planes
            for party, code in plane.stop_all().items()
        }
        wrong = {place: code for place, code in codes.items() if code != 0}
        check(not wrong, f"exit codes {wrong}")
        for plane in self.planes:
            for department in plane.cast.departments:
                departments.settle(plane.database(department))
        return Text(f"{len(codes)} 个进程正常退出", f"{len(codes)} processes ended with code 0")

    def _write(self) -> None:
        seconds = time.monotonic() - self._began
        report.write(self.folder / "report.json", self.compared, self.steps, seconds)

    def show(self) -> None:
        report.show(self.console, self.language, self.compared, self.steps)
        seconds = time.monotonic() - self._began
        path = self.folder / "report.json"
        line = Text(
            f"用时 {seconds:.1f} 秒；数据与报告：{path}",
            f"{seconds:.1f} s; data and report: {path}",
        )
        self._say(escape(line.say(self.language)))

    def _say(self, line: str) -> None:
        with self._lock:
            self.console.print(line, soft_wrap=True, highlight=False)


def _joined(prefix: Text, name: Text) -> Text:
    return Text(f"{prefix.zh}·{name.zh}", f"{prefix.en}: {name.en}")
