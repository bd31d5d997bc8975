"""What every command has at hand: the language, the settings file, the service, the output."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ortoo_protocol.cli.visible import visible
from ortoo_protocol.core.errors import OrtooError, RemoteError
from ortoo_protocol.core.law.clock import local_time
from ortoo_protocol.i18n import VARIABLE, Translator, language_of, translator
from ortoo_protocol.station.control_client import (
    CALL_TIMEOUT_S,
    call,
    error_from,
    error_to,
    facts_of,
)
from ortoo_protocol.station.settings import Settings

_PIPE_WIDTH = 200


class Shell:
    """Handed to commands as the context's object."""

    def __init__(self, say: Translator) -> None:
        self.say = say
        self.config = Path()
        self.as_json = False
        self._load: Callable[[Path], Settings] | None = None

    @staticmethod
    def of(context: typer.Context) -> Shell:
        shell = context.find_object(Shell)
        if shell is None:
            raise RuntimeError("a command runs below a Program")
        return shell

    def begin(self, config: Path, load: Callable[[Path], Settings]) -> None:
        """Which settings file, and how this program reads it. Nothing is read yet."""
        self.config = config
        self._load = load

    def settings(self) -> Settings:
        """The settings; from here on in their language, unless ORTOO_LANG is set."""
        if self._load is None:
            raise RuntimeError("the program's callback has not run")
        settings = self._load(self.config)
        if VARIABLE not in os.environ:
            self.say = translator(language_of({}, settings.station.language))
        return settings

    def call(self, method: str, /, timeout_s: float = CALL_TIMEOUT_S, **params: object) -> Any:
        """Ask the running service."""
        return call(self.settings().socket_file, method, params, timeout_s)

    def long_call(self, msgid: str, method: str, /, timeout_s: float, **params: object) -> Any:
        """`call` for what may take minutes: says on a terminal that it is at work."""
        from rich.console import Console

        with Console(stderr=True).status(self.say.text(msgid)):
            return self.call(method, timeout_s=timeout_s, **params)

    # --- output ---------------------------------------------------------------------------------

    def answer(self, value: object, human: Callable[[], None]) -> None:
        """`value` as JSON if that was asked for, else what `human` prints."""
        if self.as_json:
            typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
        else:
            human()

    def done(self, value: object, msgid: str, **facts: object) -> None:
        """`answer` for commands whose outcome is one sentence."""
        self.answer(value, lambda: self.line(msgid, **facts))

    def line(self, msgid: str, **facts: object) -> None:
        typer.echo(visible(self.say(msgid, **facts), keep="\n"))

    def facts(self, pairs: Iterable[tuple[str, object]]) -> None:
        """Label and value, one a line."""
        from rich.table import Table

        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for label, value in pairs:
            table.add_row(self.say.text(label), _cell(value))
        self._print(table)

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[object]], *, of_data: bool = False
    ) -> None:
        """Rows under translated headings, or a word that there are none. `of_data`: the headings
        are names of columns, which stay as they are."""
        from rich.box import SIMPLE
        from rich.table import Table

        table = Table(box=SIMPLE, pad_edge=False)
        for column in columns:
            table.add_column(column if of_data else self.say.text(column), overflow="fold")
        for row in rows:
            table.add_row(*(_cell(value) for value in row))
        if table.row_count:
            self._print(table)
        else:
            self.line("Nothing.")

    def _print(self, renderable: Any) -> None:
        from rich.console import Console

        console = Console(highlight=False)
        if not console.is_terminal:
            console.width = _PIPE_WIDTH
        console.print(renderable)

    @staticmethod
    def time(ms: int | None) -> str:
        """Civil time, as deadlines are reckoned in it; nothing for none."""
        return local_time(ms).strftime("%Y-%m-%d %H:%M:%S") if ms else ""

    def word(self, value: object) -> str:
        """A stable English word of the protocol (a state, a role) in the user's language."""
        return self.say.text(str(value)) if value else ""

    # --- errors ---------------------------------------------------------------------------------

    def complain(self, error: OrtooError) -> None:
        """`explain` on stderr; with --json, the error as JSON on stdout besides."""
        if self.as_json:
            typer.echo(msgspec.json.encode({"error": error_to(error)}).decode())
        self.explain(error, err=True)

    def explain(self, error: OrtooError, *, err: bool = False) -> None:
        """What happened, what to do, the code; no traceback."""
        what, cure = self.say.error(error)
        lines = (
            what,
            self.say("What to do: {cure}", cure=cure),
            self.say("Code: {code}", code=code_of(error)),
        )
        for line in lines:
            typer.echo(visible(line, keep="\n"), err=err)

    def crossed_cure(self, error: Mapping[str, Any] | None) -> str:
        """What to do about an error inside an answer; nothing if its facts were not kept."""
        if error is None:
            return ""
        made = error_from(error)
        return self.say.error(made)[1] if facts_of(made.cure) <= made.facts.keys() else ""

    def crossed(self, error: Mapping[str, Any] | None) -> str:
        """An error inside an answer, on one line; its code alone if its facts were not kept."""
        if error is None:
            return ""
        made = error_from(error)
        if not facts_of(made.what) <= made.facts.keys():
            return f"[{code_of(made)}]"
        return f"{self.say.error(made)[0]} [{code_of(made)}]"

    def cure(self, error: Mapping[str, Any]) -> str:
        """What to do about an error inside an answer, if its facts were kept."""
        made = error_from(error)
        return self.say.error(made)[1] if facts_of(made.cure) <= made.facts.keys() else ""


def code_of(error: OrtooError) -> str:
    return str(error.facts["remote_code"]) if isinstance(error, RemoteError) else error.code


def _cell(value: object) -> Any:
    from rich.text import Text

    return Text("" if value is None else visible(str(value), keep="\n"))


def _note_json(context: typer.Context, value: bool) -> bool:
    Shell.of(context).as_json = value
    return value


Json = Annotated[bool, typer.Option("--json", callback=_note_json, help="Print JSON, for scripts.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(installed_version("ortoo"))
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
    ),
]
Config = Annotated[
    Path,
    typer.Option(
        "--config", "-c", envvar="ORTOO_CONFIG", help="The settings file, or the folder it is in."
    ),
]
