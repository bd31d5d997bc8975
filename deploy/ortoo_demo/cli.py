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

from ortoo_demo import standing
from ortoo_demo.complaining import code_of, complain
from ortoo_demo.demo import Demo, clean_folder
from ortoo_demo.private_broker import require_rabbitmq
from ortoo_demo.texts import Language, Text
from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.i18n import ENGLISH, language_of

WIDTH = 160
INTERRUPTED = 128 + signal.SIGINT
_KEPT = Text("一切保持运行，按 Ctrl-C 结束。", "Everything keeps running; Ctrl-C ends it.")
_STOPPED = Text("已中止，正在结束全部进程 …", "Stopped; ending every process …")

_RUNS = Text("已在运行：", "It runs already:")
_ENDS_WITH = Text(
    "结束：make down（ortoo-demo down --folder {folder}）",
    "To end it: make down (ortoo-demo down --folder {folder})",
)
_ENDED = Text("已全部停止。", "All of it has ended.")
_NOTHING = Text("没有在运行。", "Nothing runs.")
UP = Path("var/up")
LanguageOption = Annotated[Language | None, typer.Option(help="输出语言 / language of the output")]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def demo(
    ctx: typer.Context,
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
    if ctx.invoked_subcommand is not None:
        return
    spoken, console = language or _language(), _console()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # under nohup it is ignored: so be it
            signal.signal(number, _terminate)
    try:
        require_rabbitmq()
        with clean_folder(folder) as clean:
            code = _run(clean, spoken, console, keep=keep)
    except OrtooError as error:
        complain(error, spoken)
        code = code_of(error)
    except KeyboardInterrupt:
        code = INTERRUPTED
    raise typer.Exit(code)


@app.command()
def up(
    folder: Annotated[Path, typer.Option(help="数据与日志的目录 / where data and logs go")] = UP,
    plane: Annotated[
        list[str] | None,
        typer.Option(help="extranet 或 intranet；缺省两者 / one of them; otherwise both"),
    ] = None,
    empty: Annotated[
        bool, typer.Option("--empty", help="只入网，不装演示数据 / members only, no data")
    ] = False,
    language: LanguageOption = None,
) -> None:
    """启动演示区域与控制台并保持运行，打印地址和账号。

    Bring the demo federation up with consoles and leave it running; prints addresses and accounts.
    Exit codes: 0 it runs; 1 it did not come up; 3 something has to be installed first.
    """
    spoken, console = language or _language(), _console()
    planes = plane or list(standing.CASTS)
    if unknown := set(planes) - set(standing.CASTS):
        raise typer.BadParameter(", ".join(sorted(unknown)), param_hint="--plane")
    try:
        found = standing.about(folder)
        if found is not None:
            console.print(_RUNS.say(spoken))
        else:
            require_rabbitmq()
            code = standing.start(folder, spoken, planes, empty=empty)
            found = standing.about(folder)
            if found is None:
                raise typer.Exit(code or 1)
    except OrtooError as error:
        complain(error, spoken)
        raise typer.Exit(code_of(error)) from None
    standing.show(console, spoken, found)
    console.print(_ENDS_WITH.say(spoken).format(folder=folder))


@app.command()
def down(
    folder: Annotated[Path, typer.Option(help="同 up / as with up")] = UP,
    language: LanguageOption = None,
) -> None:
    """结束 up 启动的一切。 / End all that `up` started."""
    spoken, console = language or _language(), _console()
    try:
        ran = standing.stop(folder)
    except OrtooError as error:
        complain(error, spoken)
        raise typer.Exit(code_of(error)) from None
    console.print((_ENDED if ran else _NOTHING).say(spoken))


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    return console


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
        complain(running.failure, language)
        return code_of(running.failure)
    return 0 if held else 1


def _language() -> Language:
    return Language.EN if language_of(os.environ) == ENGLISH else Language.ZH


def _terminate(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
