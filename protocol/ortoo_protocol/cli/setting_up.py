"""`init`: a folder with settings, passphrase and keys, for hub and node alike."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ortoo_protocol.cli.files import write_new
from ortoo_protocol.cli.shell import Shell
from ortoo_protocol.core.errors import SettingsExists, StoreReadOnly
from ortoo_protocol.core.ids import Plane, check_department, check_party, is_hub
from ortoo_protocol.station import starter
from ortoo_protocol.station.settings import (
    FILE_NAME,
    KeysTable,
    Settings,
    read_secret,
    write_secret,
)

if TYPE_CHECKING:
    from ortoo_protocol.station.keyfile import KeyFile

PASSPHRASE_BYTES = 32
SUITE = 1
BROKER_LOGIN = "keys/broker.password"
_KEYS = KeysTable()

Folder = Annotated[Path, typer.Argument(file_okay=False, help="The folder to make.")]
Party = Annotated[str, typer.Option(help="Party id: h or s and the division code.")]
PlaneName = Annotated[Plane, typer.Option(help="extranet (外网) or intranet (内网), for good.")]
Name = Annotated[str, typer.Option(help="The organisation's name, as it stands in the directory.")]


def set_up(
    shell: Shell, folder: Path, party: str, plane: Plane, name: str, *, more: str, then: str
) -> None:
    """Make everything in `folder`; SettingsExists if there are settings or keys already.

    `more` is the rest of the settings file, `then` the commands that come next.
    """
    check_party(party)
    base = folder.absolute()
    file = base / FILE_NAME
    for precious in (file, base / _KEYS.file, base / _KEYS.passphrase_file):
        if precious.exists():
            raise SettingsExists(path=precious)
    text = starter.station(party, plane, name, shell.say.language, shell.say.text) + more
    try:
        for below in (base, base / "keys", base / "trust", base / "log"):
            below.mkdir(mode=0o750, parents=True, exist_ok=True)
            below.chmod(0o700 if below.name == "keys" else 0o750)
    except OSError:
        raise StoreReadOnly(path=base) from None
    _make_keys(base, party, plane)
    if is_hub(party):  # a station's comes with its welcome; the hub makes its own user with this
        write_secret(base / BROKER_LOGIN, secrets.token_urlsafe(PASSPHRASE_BYTES))
    write_new(file, text.encode())
    shell.done(
        {"folder": str(base), "settings": str(file), "party": party, "plane": plane.value},
        "{party} is set up in {folder}. Look through {settings}. Next: {then}.",
        party=party,
        folder=base,
        settings=file,
        then=then,
    )


def _make_keys(base: Path, party: str, plane: Plane) -> None:
    from ortoo_protocol.core.keys import builtin_suites
    from ortoo_protocol.station.keyfile import KeyFile

    passphrase = secrets.token_urlsafe(PASSPHRASE_BYTES)
    write_secret(base / _KEYS.passphrase_file, passphrase)
    KeyFile.create(
        plane=plane,
        party=party,
        role="hub" if is_hub(party) else "station",
        suite=builtin_suites().get(SUITE),
        rand=os.urandom,
        now_ms=now_ms(),
    ).save(base / _KEYS.file, passphrase, rand=os.urandom)


def open_keys(settings: Settings) -> KeyFile:
    """The party's own private keys."""
    from ortoo_protocol.core.keys import builtin_suites
    from ortoo_protocol.station.keyfile import KeyFile

    return KeyFile.load(
        settings.keys.file,
        read_secret(settings.keys.passphrase_file),
        settings.station.plane,
        settings.station.party,
        builtin_suites(),
    )


def make_request(
    settings: Settings, *, token: str, departments: Sequence[str], contact: str
) -> tuple[bytes, str]:
    """The enrolment request of this folder's party, and its fingerprint for the telephone.

    `departments` as CODE=NAME. Its announcement is numbered by the time in seconds: whoever asks
    again does not contradict what was sent before.
    """
    from ortoo_protocol.core import enrolment
    from ortoo_protocol.core.announcement import (
        Announcement,
        DepartmentEntry,
        make_announcement,
    )
    from ortoo_protocol.core.keys import builtin_suites

    keys, now, station = open_keys(settings), now_ms(), settings.station
    pairs = (one.partition("=") for one in departments)
    announced = Announcement(
        party=station.party,
        number=now // 1000,
        time_ms=now,
        wrap_keys=keys.wrap_entries(now),
        departments=tuple(
            DepartmentEntry(code=check_department(code.strip()), name=name.strip())
            for code, _, name in pairs
        ),
        contact=contact,
    )
    made = enrolment.make_request(
        party=station.party,
        name=station.name,
        token=token,
        announcement=make_announcement(
            announced, keys.signer, suite=keys.suite, plane=station.plane
        ),
        signer=keys.signer,
        suite=keys.suite,
        plane=station.plane,
    )
    return made, enrolment.fingerprint_of(made, plane=station.plane, suites=builtin_suites())


def now_ms() -> int:
    return time.time_ns() // 1_000_000
