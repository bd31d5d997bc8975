"""Whatever becomes of the demo, the processes that it started end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ortoo_demo.checks import CheckFailed, DemoStopped, Patience
from ortoo_demo.processes import Processes, environment
from tests.support.processes import wait_until

SLEEPER = (sys.executable, "-c", "import time; time.sleep(600)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(600)",
)
CALLER = """
import sys, time, pathlib
from ortoo_demo.checks import Patience
from ortoo_demo.processes import Processes, environment
processes = Processes(Patience(), environment())
program = (sys.executable, "-c", "import time; time.sleep(600)")
service = processes.start(program, pathlib.Path(sys.argv[1]))
print(service.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def patience() -> Patience:
    return Patience()


@pytest.fixture
def processes(patience: Patience):  # type: ignore[no-untyped-def]
    own = Processes(patience, environment())
    yield own
    own.end(in_order=False)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_services_end_in_order(processes: Processes, tmp_path: Path) -> None:
    service = processes.start(SLEEPER, tmp_path / "log")
    assert alive(service.pid)
    processes.end()
    assert not alive(service.pid)
    assert service.wait(0) == -signal.SIGTERM


def test_who_does_not_listen_is_killed(processes: Processes, tmp_path: Path) -> None:
    service = processes.start(STUBBORN, tmp_path / "log")
    wait_until(lambda: service.log_text() == "1\n")
    processes.end(in_order=False)
    assert service.wait(0) == -signal.SIGKILL


def test_a_command_under_way_is_ended(processes: Processes, patience: Patience) -> None:
    ended: list[BaseException] = []

    def run() -> None:
        try:
            processes.run(SLEEPER)
        except DemoStopped as stopped:
            ended.append(stopped)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: bool(processes._commands))
    patience.stop()
    processes.end()
    thread.join(10)
    assert len(ended) == 1


def test_nothing_starts_after_the_end(processes: Processes, tmp_path: Path) -> None:
    processes.end()
    with pytest.raises(CheckFailed):
        processes.start(SLEEPER, tmp_path / "log")


def test_output_and_code_of_a_command(processes: Processes) -> None:
    ran = processes.run((sys.executable, "-c", "import sys; print('一'); sys.exit(4)"))
    assert (ran.code, ran.out) == (4, "一\n")
    with pytest.raises(CheckFailed, match=r"0\.1 s"):
        processes.run(SLEEPER, timeout_s=0.1)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_services_do_not_outlive_their_starter(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CALLER, str(tmp_path / "log")],
        stdout=subprocess.PIPE,
        env=environment(),
    ) as caller:
        assert caller.stdout is not None
        service = int(caller.stdout.readline())
        assert alive(service)
        caller.send_signal(number)
        caller.wait(10)
    wait_until(lambda: not alive(service))


def test_children_see_nothing_of_the_callers_ortoo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORTOO_CONFIG", "/elsewhere")
    monkeypatch.setenv("ORTOO_LANG", "zh_CN")
    seen = environment()
    assert "ORTOO_CONFIG" not in seen
    assert seen["ORTOO_LANG"] == "en"
    assert seen["PATH"] == os.environ["PATH"]


def test_patience_ends_with_the_first_true_result(patience: Patience) -> None:
    results = iter(["", "", "there"])
    assert patience.until(lambda: next(results), "it comes") == "there"


def test_patience_has_an_end(patience: Patience) -> None:
    began = time.monotonic()
    with pytest.raises(CheckFailed, match="it comes"):
        patience.until(lambda: False, "it comes", within_s=0.05)
    assert time.monotonic() - began < 5
    patience.stop()
    with pytest.raises(DemoStopped):
        patience.until(lambda: True, "it comes")
