"""directory: the registrars' signed list of members (成员名录)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ortoo_hub.cli.member import show_members
from ortoo_hub.cli.signing import Document, KeyPath, PassphraseFile, Yes, sign
from ortoo_protocol.cli.files import NewFile, read_bytes, write_new
from ortoo_protocol.cli.setting_up import SUITE, make_request, now_ms
from ortoo_protocol.cli.shell import Json, Shell

app = typer.Typer(help="The directory: propose, sign, publish, show.", no_args_is_help=True)
Previous = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="The directory before it, to compare with."),
]


def _changes(shell: Shell, answer: Mapping[str, Any]) -> None:
    shell.table(
        ("Party", "So far", "Next"),
        (
            (one["party"], shell.word(one["from"]), shell.word(one["to"]))
            for one in answer["changes"]
        ),
    )


@app.command("propose")
def propose(ctx: typer.Context, file: NewFile, as_json: Json = False) -> None:
    """Write the next directory, unsigned, for the registrars to sign."""
    shell = Shell.of(ctx)
    answer = shell.call("directory.propose")
    write_new(file, base64.b64decode(answer["document"]))

    def human() -> None:
        _changes(shell, answer)
        shell.line(
            "{file} holds version {version}. It needs {threshold} registrars' signatures.",
            file=file,
            version=answer["version"],
            threshold=answer["threshold"],
        )

    shell.answer({**answer, "file": str(file)}, human)


@app.command("first")
def first(
    ctx: typer.Context,
    file: NewFile,
    root: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="The region's signed root.")
    ],
    profile: Annotated[str, typer.Option(help="Rule profile: NM2018 or SC2025.")] = "NM2018",
    as_json: Json = False,
) -> None:
    """Write a region's first directory, unsigned, with the hub of this folder as its member."""
    from ortoo_hub import roster
    from ortoo_protocol.core.keys import builtin_suites

    shell = Shell.of(ctx)
    settings, suites, now = shell.settings(), builtin_suites(), now_ms()
    request, fingerprint = make_request(settings, token="", departments=(), contact="")
    entry = roster.entry_from_request(
        request,
        compared=fingerprint,
        parent=None,
        plane=settings.station.plane,
        suites=suites,
        allowed=[suite.number for suite in suites.known],
        now_ms=now,
    )
    drafted = roster.draft_directory(
        read_bytes(root),
        [entry],
        previous=None,
        profile=profile,
        suite=suites.get(SUITE),
        suites=suites,
        now_ms=now,
    )
    write_new(file, drafted)
    shell.done({"file": str(file)}, "{file} is written, unsigned.", file=file)


@app.command("inspect")
def inspect(
    ctx: typer.Context, file: Document, previous: Previous = None, as_json: Json = False
) -> None:
    """Show what a directory document changes against the one before it."""
    shell = Shell.of(ctx)
    _inspect(shell, file, previous)


def _inspect(shell: Shell, file: Path, previous: Path | None) -> None:
    from ortoo_hub import roster
    from ortoo_protocol.core.keys import builtin_suites

    before = None if previous is None else read_bytes(previous)
    found = roster.changes(before, read_bytes(file), suites=builtin_suites())
    shell.answer(
        {"changes": found},
        lambda: shell.table(
            ("Party", "Name", "So far", "Next", "New keys", "Compromised keys"),
            (
                (
                    change.party,
                    change.name,
                    shell.word(change.before),
                    shell.word(change.after),
                    "\n".join(change.new_keys),
                    change.compromised,
                )
                for change in found
            ),
        ),
    )


@app.command("sign")
def sign_directory(
    ctx: typer.Context,
    file: Document,
    key: KeyPath,
    previous: Previous = None,
    passphrase_file: PassphraseFile = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Sign a directory with a registrar's key, after looking at its changes. Works offline."""
    shell = Shell.of(ctx)
    if not shell.as_json:
        _inspect(shell, file, previous)
    sign(shell, file, key, passphrase_file, yes=yes)


@app.command("publish")
def publish(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The signed directory.")
    ],
    as_json: Json = False,
) -> None:
    """Put a signed directory into force; every member gets it at once."""
    shell = Shell.of(ctx)
    document = base64.b64encode(read_bytes(file)).decode()
    answer = shell.call("directory.publish", document=document)
    shell.done(answer, "Directory version {version} is in force for {parties} parties.", **answer)


@app.command("show")
def show(ctx: typer.Context, as_json: Json = False) -> None:
    """Show the directory in force and what the next one changes."""
    shell = Shell.of(ctx)
    answer = shell.call("directory.show")

    def human() -> None:
        shell.facts(
            [
                ("Version", answer["version"]),
                ("Hash", answer["hash"]),
                ("Made", shell.time(answer["created_ms"])),
                ("Valid until", shell.time(answer["expires_ms"])),
                ("Rule profile", answer["profile"]),
                ("Root", f"{answer['root_version']} {answer['root_fingerprint']}"),
                ("Last timestamp", shell.time(answer["timestamp_ms"])),
            ]
        )
        show_members(shell, answer["parties"])

    shell.answer(answer, human)
