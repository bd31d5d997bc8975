"""Arguments that several commands of request take."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

Case = Annotated[str, typer.Argument(help="Number of the case.")]
Reason = Annotated[str, typer.Option(help="Why; it goes to the other side.")]
Items = Annotated[
    list[str] | None,
    typer.Option("--item", help="Column of an item; may be given several times; all if left out."),
]
Attach = Annotated[
    list[Path] | None,
    typer.Option(
        "--attach",
        exists=True,
        dir_okay=False,
        readable=True,
        help="A scan (PDF, JPEG, PNG; 8 MiB at most); several times, eight at most.",
    ),
]
Side = Annotated[
    str, typer.Option(help="Inside one station: as applicant or as provider.", show_default=False)
]


def contents(files: Sequence[Path]) -> list[dict[str, str]]:
    """Scans as the service takes them."""
    return [
        {"name": file.name, "content": base64.b64encode(file.read_bytes()).decode()}
        for file in files
    ]
