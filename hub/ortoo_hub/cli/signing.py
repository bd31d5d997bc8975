"""Signing a document with a holder's key file: looked at first, then signed, without any hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ortoo_protocol.cli.shell import Shell
from ortoo_protocol.station.settings import read_secret

Document = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="The document; signed in place.")
]
KeyPath = Annotated[
    Path, typer.Option("--key", exists=True, dir_okay=False, help="The holder's key file.")
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(help="File of mode 0600 with the key's passphrase; asked for if left out."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before signing.")]


def passphrase(shell: Shell, file: Path | None, *, new: bool = False) -> str:
    """From `file`, or typed by the holder (twice for a new key)."""
    if file is not None:
        return read_secret(file)
    asked: str = typer.prompt(
        shell.say("Passphrase of the key"), hide_input=True, confirmation_prompt=new, err=True
    )
    return asked


def sign(shell: Shell, file: Path, key: Path, secret_file: Path | None, *, yes: bool) -> None:
    """Add the signature of `key` to `file`; what is signed was shown before."""
    from ortoo_hub import ceremony
    from ortoo_protocol.core.directory import Directory, Root, read_body, read_document
    from ortoo_protocol.core.keys import builtin_suites

    document = read_document(ceremony.read_document_file(file))
    shape: type[Root] | type[Directory] = Root if document.type == "root" else Directory
    body = read_body(document, shape)
    if not yes:
        typer.confirm(shell.say("Sign this?"), abort=True, err=True)
    ceremony.sign_file(
        file,
        key,
        passphrase(shell, secret_file),
        plane=body.plane,
        region=body.region,
        suites=builtin_suites(),
    )
    shell.done(
        {"file": str(file), "type": document.type, "version": body.version},
        "{file} bears one more signature.",
        file=file,
    )
