"""The one writer: jobs of many tasks, one thread, one transaction for all that wait (group commit).

Each job runs in a savepoint of its own, so that a failing job takes back only itself. A job's
result is handed out after the commit: who has awaited `run` may tell the world.

What a savepoint could take back is kept in memory: all pages as they were before. So a job that
changes a whole table has a transaction alone, and no savepoint.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from bisect import bisect_left
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from ortoo_protocol.core.errors import StoreError
from ortoo_protocol.station.store.failures import store_failure
from ortoo_protocol.station.store.prepared import Savepoint, begin, commit

T = TypeVar("T")
MAX_JOBS_A_COMMIT = 256
MOST_S = 0.02  # of jobs that share a commit; one alone takes what it takes


class Batch(Protocol):
    """What lives as long as one transaction: collected journal rows, calls after the commit."""

    def savepoint(self) -> object: ...
    def rollback(self, mark: Any) -> None: ...
    def before_commit(self) -> None: ...
    def after_commit_run(self) -> None:
        """Called in the event loop."""
        ...


# Upper bounds of the histogram of commits, in seconds; beyond the last is a bucket of its own.
BOUNDS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


@dataclass
class WriterFigures:
    """What the writer has done since the process began. Written by its thread alone; whoever reads
    may be one commit behind."""

    commits: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))  # by BOUNDS_S
    seconds: float = 0.0
    jobs: int = 0
    failed: int = 0

    def note(self, took_s: float, jobs: int) -> None:
        self.commits[bisect_left(BOUNDS_S, took_s)] += 1
        self.seconds += took_s
        self.jobs += jobs


@dataclass(frozen=True)
class _Job:
    work: Callable[[Any], Any]
    future: asyncio.Future[Any]
    alone: bool


class Writer:
    """Owns a thread and the one writing connection; `start_batch` makes what jobs are given."""

    def __init__(self, engine: Engine, start_batch: Callable[[Connection], Batch]) -> None:
        self._engine = engine
        self._path = engine.url.database
        self._start_batch = start_batch
        self._conn: Connection | None = None
        self._ended = False
        self._held: _Job | None = None  # found while a commit was filled that it must not share
        self.figures = WriterFigures()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[Any], T], *, alone: bool = False) -> T:
        """Run `work(batch)` and return its result once it is on disk; `alone`: in a transaction
        that it shares with no other.

        Raises what the job raised, or StoreError when the transaction could not be kept (then no
        job of it happened). Cancelling the caller does not cancel the job.
        """
        # Cancelled with its caller; the job goes on, and finds it done.
        return await self.start(work, alone=alone)

    def start(self, work: Callable[[Any], T], *, alone: bool = False) -> asyncio.Future[T]:
        """As `run`, for whoever goes on meanwhile. In the event loop."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(_Job(work, future, alone))
        return future

    @property
    def waiting(self) -> int:
        """Jobs that no commit has taken yet."""
        return self._jobs.qsize() + (self._held is not None)

    async def close(self) -> None:
        """Finish the jobs that wait, then end the thread."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        try:
            self._take_jobs()
        finally:
            self._disconnect()

    def _take_jobs(self) -> None:
        while (first := self._first()) is not None:
            self._commit(first)
            if self._ended:
                return

    def _first(self) -> _Job | None:
        held, self._held = self._held, None
        return held or self._jobs.get()

    def _next(self, until_s: float) -> _Job | None:
        """Another job for the commit under way, if one waits and there is time."""
        if time.monotonic() >= until_s:
            return None
        try:
            job = self._jobs.get_nowait()
        except queue.Empty:
            return None
        if job is not None and job.alone:
            self._held = job
            return None
        self._ended = job is None
        return job

    def _commit(self, first: _Job) -> None:
        """`first` and those that wait behind it, as far as MOST_S goes: whoever comes while much is
        written waits for no more than that."""
        began_s = time.monotonic()
        jobs = [first]
        results: list[tuple[_Job, Any, BaseException | None]] = []
        batch: Batch | None = None
        start: object = None
        try:
            conn = self._connected()
            begin(conn)
            batch = self._start_batch(conn)
            start = batch.savepoint()
            until_s = time.monotonic() + (0 if first.alone else MOST_S)
            results.append(self._attempt(first, conn, batch))
            while len(jobs) < MAX_JOBS_A_COMMIT and (more := self._next(until_s)) is not None:
                jobs.append(more)
                results.append(self._attempt(more, conn, batch))
            batch.before_commit()
            commit(conn)
        except Exception as error:  # handed to those who wait; the thread must outlive it
            if batch is not None:
                batch.rollback(start)
            self._disconnect()
            self.figures.failed += 1
            failure = store_failure(error, self._path)
            self._hand_out([(job, None, failure) for job in jobs], None)
            return
        self.figures.note(time.monotonic() - began_s, len(jobs))
        self._hand_out(results, batch)

    def _connected(self) -> Connection:
        """One for the life of the thread: taking it from the engine and giving it back costs as
        much as a commit's own statements. After a failure another one."""
        if self._conn is None:
            self._conn = self._engine.connect()
        return self._conn

    def _disconnect(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            with suppress(SQLAlchemyError):
                conn.close()

    def _attempt(
        self, job: _Job, conn: Connection, batch: Batch
    ) -> tuple[_Job, Any, BaseException | None]:
        if job.alone:  # what it raises takes back the transaction
            return job, job.work(batch), None
        mark = batch.savepoint()
        savepoint = Savepoint(conn, "job")
        try:
            result = job.work(batch)
        except Exception as error:  # handed to the one who waits for the job
            failure = store_failure(error, self._path)
            if isinstance(failure, StoreError):
                raise failure from error
            savepoint.rollback()
            batch.rollback(mark)
            return job, None, error
        savepoint.release()
        return job, result, None

    def _hand_out(
        self, results: list[tuple[_Job, Any, BaseException | None]], batch: Batch | None
    ) -> None:
        def deliver() -> None:
            failure: Exception | None = None
            try:
                if batch is not None:
                    batch.after_commit_run()
            except Exception as defect:  # told to those who wait, or they would wait for ever
                failure = defect
            for job, result, raised in results:
                error = raised or failure
                if job.future.done():
                    continue
                if error is None:
                    job.future.set_result(result)
                else:
                    job.future.set_exception(error)

        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(deliver)
