"""Help texts that may break anywhere. A Chinese sentence has no spaces: where a column is narrower,
the library takes it for one long word and cuts its end off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any


def fold_help(command: Any) -> None:
    """The help of `command` shows every text whole. May be said again."""
    if "format_help" not in vars(command):
        command.format_help = partial(_format, command.format_help)


def _format(shown: Callable[..., Any], *given: Any, **named: Any) -> Any:
    with _folding():
        return shown(*given, **named)


@contextmanager
def _folding() -> Iterator[None]:
    """The library has no setting for it: while it draws, what it makes of a text folds."""
    from rich.text import Text
    from typer import rich_utils

    made_by_library = rich_utils._make_rich_text

    def made(**given: Any) -> Any:
        text = made_by_library(**given)
        if isinstance(text, Text):
            text.overflow = "fold"
        return text

    rich_utils._make_rich_text = made
    try:
        yield
    finally:
        rich_utils._make_rich_text = made_by_library
