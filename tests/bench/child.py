"""A process of a bench: started with what it needs, asked over its standard input, a line of JSON
each way. What it answers always holds the CPU seconds it has used so far."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Command = Callable[..., Awaitable[Mapping[str, Any]]]


class Child:
    """The parent's side."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        self.begin(command, **arguments)
        return self.answer()

    def begin(self, command: str, **arguments: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **arguments}) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a process of the bench ended: {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        if self._process.poll() is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()


@contextmanager
def child(module: str, *arguments: str) -> Iterator[Child]:
    started = Child(module, *arguments)
    try:
        started.answer()  # it is ready
        yield started
    finally:
        started.close()


async def serve(commands: Mapping[str, Command]) -> None:
    """The child's side: until standard input ends."""
    _say({"ready": True})
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        begun_s = time.perf_counter()
        answer = dict(await commands[asked.pop("do")](**asked))
        answer.setdefault("took_s", time.perf_counter() - begun_s)
        _say(answer)


def _say(answer: dict[str, Any]) -> None:
    used = os.times()
    answer["cpu_s"] = used.user + used.system
    print(json.dumps(answer), flush=True)
