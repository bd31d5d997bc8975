"""Documents that travel between machines as files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ortoo_protocol.core.errors import SettingsDocument, SettingsExists

MAX_DOCUMENT_BYTES = 512 * 1024

NewFile = Annotated[Path, typer.Argument(dir_okay=False, help="The file to write; it must be new.")]


def read_bytes(path: Path) -> bytes:
    """The whole file; SettingsDocument if it cannot be read or is larger than any document."""
    try:
        with path.open("rb") as handle:
            content = handle.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        raise SettingsDocument(path=path, detail=error.strerror) from None
    if len(content) > MAX_DOCUMENT_BYTES:
        raise SettingsDocument(path=path, detail=f"larger than {MAX_DOCUMENT_BYTES} bytes")
    return content


def write_new(path: Path, content: bytes, *, mode: int = 0o640) -> None:
    """Write a file that was not there; SettingsExists if it was."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except FileExistsError:
        raise SettingsExists(path=path) from None
    except OSError as error:
        raise SettingsDocument(path=path, detail=error.strerror) from None
    with open(descriptor, "wb") as handle:
        handle.write(content)
