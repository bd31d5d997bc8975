"""A process of a bench: one role, driven by JSON lines on its standard input.

The first line names the role (``module:Class``) and what it is opened with; each further one calls
a method of it. Each answer tells what the process has used so far. The end of the input ends it.
"""

from __future__ import annotations

import asyncio
import cProfile
import importlib
import io
import json
import os
import pstats
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any

MAX_LINE = 16 << 20
LOOK = "look"  # only what the process has used


def used() -> dict[str, float]:
    """CPU seconds of this process, and its memory in MiB: the most it ever held, and now."""
    times = resource.getrusage(resource.RUSAGE_SELF)
    # Not ru_maxrss: that one counts what the parent held before the exec.
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    kib = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith("Vm")}
    return {
        "cpu_s": times.ru_utime + times.ru_stime,
        "peak_mib": int(kib["VmHWM"]) / 1024,
        "rss_mib": int(kib["VmRSS"]) / 1024,
    }


async def main() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=MAX_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    first = json.loads(await reader.readline())
    module, _, name = first["role"].partition(":")
    role: Any = getattr(importlib.import_module(module), name)(**first["args"])
    try:
        await role.open()
        _answer(answers, None)
        while line := await reader.readline():
            asked = json.loads(line)
            if asked["do"] == LOOK:
                _answer(answers, None)
            else:
                _answer(answers, await getattr(role, asked["do"])(**asked["args"]))
    finally:
        await role.close()


def _answer(answers: io.TextIOWrapper, result: object) -> None:
    answers.write(json.dumps({"result": result, **used()}) + "\n")
    answers.flush()


# --- where the time goes: `--profile` ----------------------------------------------------------


def profiled(path: Path) -> None:
    """Run `main` with every thread profiled; the functions that cost most go to `path`."""
    profiles = [cProfile.Profile(time.thread_time)]

    def begin(*_: object) -> None:
        profiles.append(cProfile.Profile(time.thread_time))
        profiles[-1].enable()

    threading.setprofile(begin)
    profiles[0].enable()
    try:
        asyncio.run(main())
    finally:
        threading.setprofile(None)  # type: ignore[arg-type]
        text = io.StringIO()
        for number, profile in enumerate(profiles):
            profile.disable()
            profile.create_stats()
            if len(profile.stats) > 20:  # type: ignore[attr-defined]
                text.write(f"\n=== thread {number}\n")
                pstats.Stats(profile, stream=text).sort_stats("tottime").print_stats(45)
        path.write_text(text.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        profiled(Path(sys.argv[1]))
    else:
        asyncio.run(main())
