"""Units of systemd: what they expose, as a figure, and that they fit the programs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "deploy/systemd"
MOST_EXPOSED = 1.5  # of 10; what is left is the network, which a station is for


@pytest.fixture(params=["node", "hub"])
def unit(request: pytest.FixtureRequest) -> Path:
    return UNITS / f"ortoo-{request.param}@.service"


def test_exposure(unit: Path, tmp_path: Path) -> None:
    copied = shutil.copy(unit, tmp_path)
    looked = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", copied],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", looked.stdout)
    assert found is not None, looked.stdout
    assert float(found[1]) <= MOST_EXPOSED


def test_names_a_command_that_there_is(unit: Path) -> None:
    role = "node" if "node" in unit.name else "hub"
    start = re.search(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    assert start is not None
    other = "hub" if role == "node" else "node"
    words = start[1].replace("${LOG_LEVEL}", "info").replace("%i", "extranet").split()
    assert words[0] == f"/usr/bin/ortoo-{role}"
    program = Path(__file__).parents[2] / ".venv/bin" / f"ortoo-{role}"
    asked = subprocess.run([program, *words[1:], "--help"], capture_output=True, check=False)
    assert asked.returncode == 0
    assert f"InaccessiblePaths=-/var/lib/ortoo-{other}" in unit.read_text()


def test_one_line_says_the_version() -> None:
    for name in ("ortoo-node", "ortoo-hub"):
        program = Path(__file__).parents[2] / ".venv/bin" / name
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", said.stdout)
