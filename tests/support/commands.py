"""Command lines called within the test's process, each program built once for each language.

Building one of a few hundred commands takes a fifth of a second, and a thousand calls are made.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import typer
from typer.testing import CliRunner, Result


def invoke(
    app: typer.Typer,
    args: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    **more: Any,
) -> Result:
    """As the library's runner does."""
    around = {**os.environ, **(env or {})}
    language = around.get("ORTOO_LANG", "")  # texts of what is built are in one language

    def built(app: typer.Typer) -> Any:
        return _built(app, language)

    with mock.patch("typer.testing._get_command", built):
        return CliRunner().invoke(app, [str(each) for each in args], env=env, **more)


@cache
def _built(app: typer.Typer, language: str) -> Any:
    return typer.main.get_command(app)
