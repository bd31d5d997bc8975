"""key and root: how a region is founded (建区), offline, before any hub runs.

Holders make their keys on machines of their own and hand over the public halves; somebody drafts
the root; holders sign it; the hub's folder takes it with the first directory.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ortoo_hub.cli.signing import Document, KeyPath, PassphraseFile, Yes, passphrase, sign
from ortoo_protocol.cli.common import as_fingerprint
from ortoo_protocol.cli.files import NewFile, read_bytes, write_new
from ortoo_protocol.cli.setting_up import SUITE, PlaneName, now_ms
from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.core.errors import SettingsDocument, SettingsExists
from ortoo_protocol.core.ids import Plane, check_party

key = typer.Typer(help="Keys of root and registrar holders.", no_args_is_help=True)
root = typer.Typer(help="The root of trust: draft, show, sign, install.", no_args_is_help=True)
Region = Annotated[str, typer.Option(help="The hub's party id, such as h150000.")]
ExistingFile = typer.Argument(exists=True, dir_okay=False, help="The document.")


class Holder(enum.StrEnum):
    ROOT = "root"
    REGISTRAR = "registrar"


@key.command("new")
def new(
    ctx: typer.Context,
    file: NewFile,
    role: Annotated[Holder, typer.Option(help="What the key signs.")],
    region: Region,
    plane: PlaneName,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Make a holder's key file, and FILE.pub with its public half for the root."""
    from ortoo_hub import ceremony
    from ortoo_protocol.core.keys import builtin_suites

    shell = Shell.of(ctx)
    public = ceremony.make_key(
        file,
        passphrase(shell, passphrase_file, new=True),
        role="root" if role is Holder.ROOT else "registrar",
        plane=plane,
        region=check_party(region),
        suite=builtin_suites().get(SUITE),
        rand=os.urandom,
        now_ms=now_ms(),
    )
    public_file = file.with_name(f"{file.name}.pub")
    write_new(public_file, f"{public.suite} {public.public.hex()}\n".encode())
    shell.done(
        {"file": str(file), "public": str(public_file)},
        "{file} is written: keep it offline. Hand over {public}.",
        file=file,
        public=public_file,
    )


@root.command("draft")
def draft(
    ctx: typer.Context,
    file: NewFile,
    region: Region,
    plane: PlaneName,
    root_key: Annotated[list[Path], typer.Option(help="A root holder's .pub file; several times.")],
    root_threshold: Annotated[int, typer.Option(min=1, help="How many of them must sign.")],
    registrar_key: Annotated[
        list[Path], typer.Option(help="A registrar's .pub file; several times.")
    ],
    registrar_threshold: Annotated[int, typer.Option(min=1, help="How many of them must sign.")],
    as_json: Json = False,
) -> None:
    """Write a region's first root, unsigned, from the holders' public keys."""
    from ortoo_hub import ceremony
    from ortoo_protocol.core.keys import builtin_suites

    suites = builtin_suites()
    drafted = ceremony.draft_root(
        plane=plane,
        region=check_party(region),
        allowed=[suite.number for suite in suites.known],
        root_keys=_publics(root_key),
        root_threshold=root_threshold,
        registrar_keys=_publics(registrar_key),
        registrar_threshold=registrar_threshold,
        suite=suites.get(SUITE),
        suites=suites,
        now_ms=now_ms(),
    )
    write_new(file, drafted)
    _print(Shell.of(ctx), file)


def _publics(files: Sequence[Path]) -> list[Any]:
    from ortoo_protocol.core.directory import PublicKey

    found = []
    for file in files:
        try:
            number, digits = read_bytes(file).decode().split()
            found.append(PublicKey(int(number), bytes.fromhex(digits)))
        except ValueError:
            raise SettingsDocument(path=file, detail="not a public key") from None
    return found


@root.command("next")
def next_(
    ctx: typer.Context,
    previous: Annotated[Path, ExistingFile],
    file: NewFile,
    as_json: Json = False,
) -> None:
    """Write the root after PREVIOUS with the same keys for another year, unsigned."""
    from ortoo_hub import ceremony
    from ortoo_protocol.core.keys import builtin_suites

    suites = builtin_suites()
    drafted = ceremony.draft_next_root(
        read_bytes(previous), suite=suites.get(SUITE), suites=suites, now_ms=now_ms()
    )
    write_new(file, drafted)
    _print(Shell.of(ctx), file)


@root.command("show")
def show(ctx: typer.Context, file: Annotated[Path, ExistingFile], as_json: Json = False) -> None:
    """Show a root, its fingerprint and how many have signed it."""
    _print(Shell.of(ctx), file)


@root.command("sign")
def sign_root(
    ctx: typer.Context,
    file: Document,
    key: KeyPath,
    passphrase_file: PassphraseFile = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Sign a root with a root holder's key, after looking at it."""
    shell = Shell.of(ctx)
    if not shell.as_json:
        _print(shell, file)
    sign(shell, file, key, passphrase_file, yes=yes)


@root.command("install")
def install(
    ctx: typer.Context,
    root_file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The signed root.")
    ],
    directory_file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The signed first directory.")
    ],
    fingerprint: Annotated[
        str, typer.Option(help="The root's fingerprint, as its holders read it.")
    ],
    as_json: Json = False,
) -> None:
    """Give the hub's folder the signed root and the signed first directory. Next: run."""
    from ortoo_protocol.core.keys import builtin_suites
    from ortoo_protocol.core.trust import Trust

    shell = Shell.of(ctx)
    settings = shell.settings()
    root_document, directory = read_bytes(root_file), read_bytes(directory_file)
    trust = Trust.pin(
        root_document,
        fingerprint=as_fingerprint(fingerprint),
        plane=settings.station.plane,
        suites=builtin_suites(),
        now_ms=now_ms(),
    ).with_directory(directory, now_ms())
    trust.party(settings.station.party)
    settings.trust_folder.mkdir(mode=0o750, exist_ok=True)
    kept = (settings.trust_folder / "root", settings.trust_folder / "directory")
    for path in kept:
        if path.exists():
            raise SettingsExists(path=path)
    write_new(kept[0], root_document)
    write_new(kept[1], directory)
    shell.done(
        {"region": trust.hub, "version": trust.directory_version},
        "{party} is founded. Start it with run.",
        party=trust.hub,
    )


def _print(shell: Shell, file: Path) -> None:
    about = _about(file)
    shell.answer(about, lambda: _show(shell, about))


def _about(file: Path) -> dict[str, Any]:
    from ortoo_hub import ceremony
    from ortoo_protocol.core.directory import Root, read_body, read_document
    from ortoo_protocol.core.keys import builtin_suites
    from ortoo_protocol.core.trust import fingerprint_of_root

    raw, suites = ceremony.read_document_file(file), builtin_suites()
    body = read_body(read_document(raw, "root"), Root)
    signed, needed = ceremony.signatures(raw, raw, suites=suites)
    return {
        "file": str(file),
        "fingerprint": fingerprint_of_root(raw, plane=body.plane, suites=suites),
        "region": body.region,
        "plane": Plane(body.plane).value,
        "version": body.version,
        "expires_ms": body.expires_ms,
        "root_keys": len(body.root_keys),
        "root_threshold": body.root_threshold,
        "registrar_keys": len(body.registrar_keys),
        "registrar_threshold": body.registrar_threshold,
        "signatures": signed,
        "threshold": needed,
    }


def _show(shell: Shell, about: Mapping[str, Any]) -> None:
    roots = {"threshold": about["root_threshold"], "keys": about["root_keys"]}
    registrars = {"threshold": about["registrar_threshold"], "keys": about["registrar_keys"]}
    shell.facts(
        [
            ("Fingerprint", about["fingerprint"]),
            ("Region", about["region"]),
            ("Plane", shell.word(about["plane"])),
            ("Version", about["version"]),
            ("Valid until", shell.time(about["expires_ms"])),
            ("Root holders", shell.say("{threshold} of {keys}", **roots)),
            ("Registrars", shell.say("{threshold} of {keys}", **registrars)),
            ("Signatures so far", about["signatures"]),
        ]
    )
