"""The demo federation brought up and left running: a process of its own that holds everything, and
the commands that start it, tell of it and end it.

The holder keeps the lock of its folder while it lives. It is started as
``python -m ortoo_demo.standing FOLDER LANGUAGE EMPTY PLANE...``; once it closes its standard
output, all is up; otherwise it ends with a code.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console

from ortoo_demo import consoles, scenario, sharing, world
from ortoo_demo.checks import CheckFailed
from ortoo_demo.complaining import code_of, complain
from ortoo_demo.demo import MARK, Demo, clean_folder
from ortoo_demo.texts import Language, Text
from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.station.settings import write_secret

CASTS = {"extranet": world.extranet, "intranet": world.intranet}
ABOUT = "up.json"
END_S = 90
_WIDTH = 160


# --- the holder ---------------------------------------------------------------------------------


def hold(folder: Path, language: Language, planes: Sequence[str], *, empty: bool) -> int:
    """Bring everything up, say so, and hold it until SIGTERM. 0: it was up; 1: a check failed."""
    console = Console(highlight=False, width=_WIDTH)
    story = scenario.FOUNDING if empty else scenario.FOUNDING + scenario.SHARING
    with clean_folder(folder) as clean:
        demo = Demo(
            clean,
            language,
            console,
            casts=[CASTS[plane]() for plane in planes],
            story=story,
            consoles=True,
        )
        in_order = False
        try:
            if not demo.play():
                return 1
            _tell(demo, clean, empty=empty)
            _let_go_of_output(clean)
            in_order = True
            threading.Event().wait()
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            (clean / ABOUT).unlink(missing_ok=True)  # there are passwords in it
            demo.close(in_order=in_order)
    return 0


def _tell(demo: Demo, folder: Path, *, empty: bool) -> None:
    password = consoles.new_password()
    opened = [one for plane in demo.planes for one in consoles.open_all(plane, password)]
    if not empty:
        for plane in demo.planes:
            sharing.ask_again(plane)
    about = {"password": password, "consoles": [one.as_json() for one in opened]}
    write_secret(folder / ABOUT, json.dumps(about, ensure_ascii=False))


def _let_go_of_output(folder: Path) -> None:
    """Whoever started this reads its output to the end."""
    sys.stdout.flush()
    sys.stderr.flush()
    log = os.open(folder / "up.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


# --- commands -----------------------------------------------------------------------------------


def start(folder: Path, language: Language, planes: Sequence[str], *, empty: bool) -> int:
    """Start a holder and pass on what it says until it is up: 0, otherwise its code."""
    argv = [
        sys.executable, "-m", "ortoo_demo.standing",
        str(folder), language.value, str(int(empty)), *planes,
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(  # noqa: S603 - this very program
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    ) as holder:
        try:
            for line in holder.stdout or ():
                sys.stdout.buffer.write(line)
                sys.stdout.flush()
        except BaseException:
            holder.terminate()
            holder.wait()
            raise
        if about(folder) is None:
            return holder.wait()
        holder.returncode = 0  # it goes on without us
        return 0


def about(folder: Path) -> dict[str, Any] | None:
    """Password and consoles of what runs in `folder`; None when nothing does."""
    if holder_of(folder) is None:
        return None
    try:
        found: dict[str, Any] = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found


def holder_of(folder: Path) -> int | None:
    """The process that holds `folder`."""
    try:
        with (folder / MARK).open(encoding="ascii") as mark:
            try:
                fcntl.flock(mark, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(mark.read())
    except (FileNotFoundError, ValueError):
        pass
    return None


def stop(folder: Path) -> bool:
    """End what runs in `folder`, and wait until it is gone. False: nothing ran.

    Raises CheckFailed when it had to be killed; its services then end with it (`reaper`)."""
    pid = holder_of(folder)
    if pid is None:
        return False
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(handle, signal.SIGTERM)
            if not select.select([handle], [], [], END_S)[0]:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                raise CheckFailed(detail=f"process {pid} did not end in {END_S} s and was killed")
        finally:
            os.close(handle)
    return True


def show(console: Console, language: Language, found: dict[str, Any]) -> None:
    """Addresses and accounts, in the user's language and in the other."""
    other = Language.EN if language is Language.ZH else Language.ZH
    for spoken in (language, other):
        console.print(_HEADING.say(spoken))
        for one in found["consoles"]:
            names = " ".join(one["accounts"])
            plane = _PLANE[one["plane"]].say(spoken)
            console.print(f"  {one['url']}  {plane} {one['name']} ({one['party']}): {names}")
        console.print(_PASSWORD.say(spoken).format(password=found["password"]))
        for office in consoles.OFFICES:
            console.print(f"  {office.name}: {office.what.say(spoken)}")
        console.print()


_HEADING = Text("控制台地址与账号：", "Consoles and accounts:")
_PLANE = {"extranet": Text("外网", "extranet"), "intranet": Text("内网", "intranet")}
_PASSWORD = Text(
    "全部账号的密码（仅供本次演示）：{password}", "Password of all, for this demo alone: {password}"
)


def _terminate(number: int, _frame: object) -> None:
    sys.exit(0)


def main(arguments: Sequence[str]) -> int:
    folder, language, empty, *planes = arguments
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminate)
    try:
        return hold(Path(folder), Language(language), planes, empty=empty == "1")
    except OrtooError as error:
        complain(error, Language(language))
        return code_of(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
