"""ortoo-demo: the main job on two private brokers, with one command."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from ortoo_demo.demo import Demo, clean_folder
from ortoo_demo.private_broker import require_rabbitmq
from ortoo_demo.texts import Language, Text
from ortoo_protocol.cli.exits import Exit
from ortoo_protocol.core.errors import OrtooError, PrivateBrokerMissing, SettingsError
from ortoo_protocol.i18n import ENGLISH, language_of, translator

WIDTH = 160
INTERRUPTED = 128 + signal.SIGINT
_KEPT = Text("一切保持运行，按 Ctrl-C 结束。", "Everything keeps running; Ctrl-C ends it.")
_STOPPED = Text("已中止，正在结束全部进程 …", "Stopped; ending every process …")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def demo(
    folder: Annotated[
        Path, typer.Option(help="数据、日志与报告的目录 / where data, logs and report go")
    ] = Path("var/demo"),
    keep: Annotated[
        bool, typer.Option("--keep", help="结束后保持运行直至 Ctrl-C / keep running until Ctrl-C")
    ] = False,
    language: Annotated[
        Language | None, typer.Option(help="输出语言 / language of the output")
    ] = None,
) -> None:
    """在两个平面上运行主流程：入网、目录、共享、撤销与核验。

    Run the main job on two planes: enrolment, catalog, sharing, revocation, proofs. Exit codes:
    0 every check held; 1 one did not; 3 something has to be installed first.
    """
    spoken = language or _language()
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # under nohup it is ignored: so be it
            signal.signal(number, _terminate)
    try:
        require_rabbitmq()
        with clean_folder(folder) as clean:
            code = _run(clean, spoken, console, keep=keep)
    except OrtooError as error:
        _complain(error, spoken)
        code = _code(error)
    except KeyboardInterrupt:
        code = INTERRUPTED
    raise typer.Exit(code)


def _run(folder: Path, language: Language, console: Console, *, keep: bool) -> int:
    running = Demo(folder, language, console, keep=keep)
    in_order = False
    try:
        held = running.run()
        running.show()
        if keep and held:
            console.print(_KEPT.say(language))
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
        in_order = True
    except (KeyboardInterrupt, SystemExit):
        console.print(_STOPPED.say(language))
        raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        running.close(in_order=in_order)
    if running.failure is not None:
        _complain(running.failure, language)
        return _code(running.failure)
    return 0 if held else 1


def _code(error: OrtooError) -> int:
    return Exit.SETUP if isinstance(error, (PrivateBrokerMissing, SettingsError)) else Exit.DEFECT


def _language() -> Language:
    return Language.EN if language_of(os.environ) == ENGLISH else Language.ZH


def _complain(error: OrtooError, language: Language) -> None:
    what, cure = translator("en" if language is Language.EN else "zh_CN").error(error)
    print(what, cure, f"[{error.code}]", sep="\n", file=sys.stderr)


def _terminate(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
