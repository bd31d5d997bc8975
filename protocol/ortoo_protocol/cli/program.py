"""A command line in the user's language that never shows a traceback for an error of the tree.

Help texts stand in the commands in English; they are said in the user's language just before they
are used, so that nothing depends on the environment at import.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from ortoo_protocol.cli.exits import EPILOGUE, exit_of
from ortoo_protocol.cli.folding import fold_help
from ortoo_protocol.cli.shell import Shell
from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.i18n import Translator, language_of, set_process_language, translator

_HELP_NAMES = ["-h", "--help"]


class Program(TyperGroup):
    """The outermost group: language before anything is parsed, errors after everything."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        language = language_of(os.environ)
        set_process_language(language)
        shell = Shell(translator(language))
        _localise(self, shell.say)
        extra.setdefault("obj", shell)
        try:
            return super().main(
                args, prog_name, complete_var, standalone_mode, windows_expand_args, **extra
            )
        except OrtooError as error:
            shell.complain(error)
            sys.exit(exit_of(error))


def application(help_text: str) -> typer.Typer:
    """The outermost Typer of a program."""
    return typer.Typer(
        cls=Program,
        help=help_text,
        epilog=EPILOGUE,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": _HELP_NAMES},
    )


def _localise(command: Any, say: Translator) -> None:
    """Put the texts of `command` and of all below it into the user's language."""
    for name in ("help", "short_help", "epilog"):
        if text := getattr(command, name, None):
            setattr(command, name, say.text(inspect.cleandoc(text)))
    # The library makes its help option on first use, and keeps it.
    help_option = command.get_help_option(typer.Context(command, help_option_names=_HELP_NAMES))
    for parameter in (*command.params, help_option):
        if text := getattr(parameter, "help", None):
            parameter.help = say.text(text)
    fold_help(command)
    for below in getattr(command, "commands", {}).values():
        _localise(below, say)
