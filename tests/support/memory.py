"""Resident memory of a piece of work, measured from outside, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

MIB = 1 << 20
_ROOT = Path(__file__).parents[2]
_MEASURED = """
import sys
from importlib import import_module
from pathlib import Path
from tests.support import memory

here = import_module(sys.argv[1])
memory.begin()
said = getattr(here, sys.argv[2])(*sys.argv[3:])
print(said, memory.grown_bytes())
"""
_began_kib = 0


def measured(module: str, function: str, *args: str, within_s: float = 60) -> tuple[str, int]:
    """What `function` of `module` returns, and by how many bytes the peak of resident memory grew
    since it began (or since it called `begin`)."""
    path = os.pathsep.join([str(_ROOT), *(str(_ROOT / part) for part in ("protocol", "node"))])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _MEASURED, module, function, *args],
        env={**os.environ, "PYTHONPATH": path},
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said, grown = done.stdout.split()
    return said, int(grown)


def begin() -> None:
    """What was used before does not count."""
    global _began_kib
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    _began_kib = _peak_kib()


def grown_bytes() -> int:
    return (_peak_kib() - _began_kib) * 1024


def _peak_kib() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0])
