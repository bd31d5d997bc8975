"""Parts of long lists: options that every list has, and a word that there is more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.shell import Shell

Limit = Annotated[int | None, typer.Option(min=1, max=1_000, help="So many at most.")]
Offset = Annotated[int | None, typer.Option(min=0, help="After how many to begin.")]


def span(limit: int | None, offset: int | None) -> dict[str, int]:
    """As parameters of a control method, whose own bounds count for what is left out."""
    given = {"limit": limit, "offset": offset}
    return {name: value for name, value in given.items() if value is not None}


def more(shell: Shell, answer: Mapping[str, Any], key: str, offset: int | None) -> None:
    """Say how many there are when more follow; `key`: under which the rows stand."""
    upto = (offset or 0) + len(answer[key])
    total = answer.get("total", upto)
    if upto < total and not shell.as_json:
        shell.line("Up to {upto} of {total}; go on with --offset {upto}.", upto=upto, total=total)
