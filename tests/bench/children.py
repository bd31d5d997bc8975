"""The parent's side of a bench's processes: start them, drive them, see what they cost."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.process import MAX_LINE

ROOT = Path(__file__).parents[2]
END_S = 20.0


class ChildFailed(Exception):
    """A process of the bench ended or failed; what it wrote stands in the message."""


@dataclass
class Child:
    name: str
    log: Path
    process: asyncio.subprocess.Process
    cpu_s: float = 0.0
    peak_mib: float = 0.0
    rss_mib: float = 0.0
    _busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def pid(self) -> int:
        return self.process.pid

    async def do(self, method: str, /, **args: Any) -> Any:
        """Call a method of the role and wait for its result."""
        async with self._busy:
            await self._say({"do": method, "args": args})
            return await self._hear()

    async def _say(self, what: object) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(what).encode() + b"\n")
            await self.process.stdin.drain()
        except OSError:
            raise ChildFailed(self._complaint()) from None

    async def _hear(self) -> Any:
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        if not line:
            await self.process.wait()
            raise ChildFailed(self._complaint())
        answer = json.loads(line)
        self.cpu_s, self.peak_mib = answer["cpu_s"], answer["peak_mib"]
        self.rss_mib = answer["rss_mib"]
        return answer["result"]

    def _complaint(self) -> str:
        return f"{self.name} ended:\n{self.log.read_text(encoding='utf-8')[-3_000:]}"

    async def end(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            async with asyncio.timeout(END_S):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


@asynccontextmanager
async def child(
    folder: Path, name: str, role: str, /, *, profile: Path | None = None, **args: Any
) -> AsyncIterator[Child]:
    """A process with the role ``module:Class`` of `tests.bench.roles`, opened with `args`."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    program = [sys.executable, "-m", "tests.bench.process"]
    if profile is not None:
        program.append(str(profile / f"profile-{folder.name}-{name}.txt"))
    environment = {**os.environ, "ORTOO_LANG": "en"}
    environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, (environment.get("PYTHONPATH"), str(ROOT)))
    )
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *program,
            cwd=ROOT,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=MAX_LINE,
        )
    one = Child(name, log, process)
    try:
        await one._say({"role": f"tests.bench.roles.{role}", "args": args})
        await one._hear()
        yield one
    finally:
        await one.end()


async def together(*calls: Any) -> list[Any]:
    """Wait for calls to several processes at once; the first that fails ends the wait."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(call) for call in calls]
    return [task.result() for task in tasks]
