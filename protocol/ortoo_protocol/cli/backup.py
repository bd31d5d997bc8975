"""backup and restore: one sealed file of all that a party is, and back; for hub and node alike."""

from __future__ import annotations

import base64
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ortoo_protocol.cli.files import NewFile
from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.core.errors import BackupLocked, DaemonUnreachable, SettingsLacking
from ortoo_protocol.station.settings import FILE_NAME, Settings, locate, read_secret

if TYPE_CHECKING:
    from ortoo_protocol.station.backup.contents import Manifest
    from ortoo_protocol.station.backup.sealing import Opener

COPY_TIMEOUT_S = 3_600.0
SUITE = 1

app = typer.Typer(help="Backups: one sealed file with store, settings, keys and trust.",
                  no_args_is_help=True)  # fmt: skip
restoring = typer.Typer()
Backup = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The backup.")]
Passphrase = Annotated[
    Path | None, typer.Option("--passphrase-file", help="File with the passphrase, one line.")
]
KeyOption = Annotated[
    Path | None,
    typer.Option("--key", help="Key file of backup key; the passphrase is then its own."),
]


@app.command("create")
def create(
    ctx: typer.Context,
    target: Annotated[
        Path | None, typer.Argument(help="The new file; by the settings if left out.")
    ] = None,
    passphrase_file: Passphrase = None,
    to: Annotated[
        list[str] | None, typer.Option("--to", help="Public key of backup key; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Back up this party while it runs: store, settings, keys and trust, sealed, in one file."""
    from ortoo_protocol.core.keys import builtin_suites
    from ortoo_protocol.station.backup import making
    from ortoo_protocol.station.backup.archive import Locks
    from ortoo_protocol.station.launch import package_version

    shell = Shell.of(ctx)
    settings = shell.settings()
    if passphrase_file or to:
        keys = tuple(making.public_key(each, "--to") for each in to or ())
        locks = Locks(read_secret(passphrase_file) if passphrase_file else "", keys)
    else:
        locks = making.locks_of(settings)
    store, made_ms = _copy(shell, settings)
    try:
        file = _target(settings, target, made_ms)
        made = making.make(
            settings, locate(shell.config), file, suite=builtin_suites().get(SUITE),
            rand=os.urandom, locks=locks, store=store, made_ms=made_ms, version=package_version(),
        )  # fmt: skip
    finally:
        store.unlink(missing_ok=True)
    gone = [] if target is not None else making.prune(file.parent, settings)
    shell.done(
        {**_facts(made), "file": str(file), "deleted": [str(each) for each in gone]},
        "{file} holds all as of {at}: {count} files, {size_mb} MB sealed. Keep it elsewhere.",
        file=file,
        at=shell.time(made.made_ms),
        count=len(made.entries),
        size_mb=-(-file.stat().st_size >> 20),
    )


def _copy(shell: Shell, settings: Settings) -> tuple[Path, int]:
    """By the running service; of one that is stopped, here."""
    from ortoo_protocol.station.backup.methods import COPY, copy_to

    try:
        answer = shell.long_call("Copying the store …", "backup.copy", timeout_s=COPY_TIMEOUT_S)
    except DaemonUnreachable:
        target, made_ms = settings.folder / COPY, _now_ms()
        copy_to(settings.store_file, target)
        return target, made_ms
    return Path(answer["path"]), int(answer["made_ms"])


def _target(settings: Settings, target: Path | None, made_ms: int) -> Path:
    from ortoo_protocol.station.backup.making import name_of

    if target is not None:
        return target.absolute()
    folder = settings.backup.folder
    if folder is None:
        raise SettingsLacking(place=str(settings.folder / FILE_NAME), key="backup: folder")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / name_of(settings, made_ms)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _facts(manifest: Manifest) -> dict[str, Any]:
    return {
        "party": manifest.party,
        "plane": manifest.plane,
        "made_ms": manifest.made_ms,
        "version": manifest.version,
        "files": [
            {"name": each.name, "size_bytes": each.size_bytes, "place": each.place}
            for each in manifest.entries
        ],
    }


@app.command("verify")
def verify(
    ctx: typer.Context,
    file: Backup,
    passphrase_file: Passphrase = None,
    key: KeyOption = None,
    as_json: Json = False,
) -> None:
    """Open a backup and check every byte of it, and that its store is whole. Restores nothing."""
    from ortoo_protocol.core.keys import builtin_suites
    from ortoo_protocol.station.backup import restoring as work

    shell = Shell.of(ctx)
    found = work.verify(
        file.absolute(), builtin_suites(), _opener(shell, file, passphrase_file, key)
    )
    shell.done(
        _facts(found),
        "{file} is whole: {party} on the {plane}, as of {at}, {count} files.",
        file=file,
        party=found.party,
        plane=shell.word(found.plane),
        at=shell.time(found.made_ms),
        count=len(found.entries),
    )


def _opener(shell: Shell, file: Path, passphrase_file: Path | None, key: Path | None) -> Opener:
    from ortoo_protocol.core.keys import builtin_suites
    from ortoo_protocol.station.backup.sealing import by_passphrase, by_seeds, read_header
    from ortoo_protocol.station.keyfile import KeyFile

    passphrase = read_secret(passphrase_file) if passphrase_file else _ask(shell)
    if key is None:
        return by_passphrase(passphrase)
    with file.open("rb") as raw:
        header, _ = read_header(raw)
    suites = builtin_suites()
    return by_seeds(KeyFile.load(key, passphrase, header.plane, header.party, suites).wrap_seeds)


def _ask(shell: Shell) -> str:
    said = str(typer.prompt(shell.say.text("Passphrase"), hide_input=True, err=True))
    if not said:
        raise BackupLocked(detail="no passphrase was given")
    return said


@app.command("key")
def new_key(
    ctx: typer.Context,
    file: NewFile,
    passphrase_file: Passphrase = None,
    as_json: Json = False,
) -> None:
    """Make a key file for backups, to be kept away from this machine; prints its public half."""
    from ortoo_protocol.core.keys import builtin_suites
    from ortoo_protocol.station.keyfile import KeyFile

    shell = Shell.of(ctx)
    station, suite = shell.settings().station, builtin_suites().get(SUITE)
    passphrase = read_secret(passphrase_file) if passphrase_file else _ask(shell)
    made = KeyFile.create(
        plane=station.plane, party=station.party, role="backup", suite=suite, rand=os.urandom,
        now_ms=_now_ms(),
    )  # fmt: skip
    made.save(file, passphrase, rand=os.urandom)
    public = base64.b64encode(suite.wrap_public(made.wraps[-1].seed)).decode()
    shell.done(
        {"file": str(file), "public": public},
        "{file} opens backups sealed to {public}: write that into the settings, backup.to.",
        file=file,
        public=public,
    )


@restoring.command("restore")
def restore(
    ctx: typer.Context,
    file: Backup,
    folder: Annotated[Path, typer.Argument(file_okay=False, help="An empty or new folder.")],
    passphrase_file: Passphrase = None,
    key: KeyOption = None,
    in_place: Annotated[
        bool,
        typer.Option("--in-place", help="Put files that lay outside back where nothing stands."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Restore a backup into an empty folder. The one that ran before must never run again."""
    from ortoo_protocol.core.keys import builtin_suites
    from ortoo_protocol.station.backup import restoring as work

    shell = Shell.of(ctx)
    opener = _opener(shell, file, passphrase_file, key)
    found = work.restore(
        file.absolute(), folder.absolute(), builtin_suites(), opener, _now_ms(), in_place=in_place
    )
    outside = [each.place for each in found.entries if each.place]
    shell.done(
        {**_facts(found), "folder": str(folder), "outside": outside},
        "{party} as of {at} is restored in {folder}. When it runs, its feeds begin anew.",
        party=found.party,
        at=shell.time(found.made_ms),
        folder=folder,
    )
