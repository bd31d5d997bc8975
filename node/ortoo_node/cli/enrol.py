"""enrol: how a station joins a region (入网).

Both commands work on the folder alone, before the service first runs. Two comparisons by telephone
carry the trust: the hub's people compare the request, the station's people compare the root.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ortoo_node import settings as node_settings
from ortoo_node.settings import NodeSettings
from ortoo_protocol.cli.common import as_fingerprint
from ortoo_protocol.cli.files import NewFile, read_bytes, write_new
from ortoo_protocol.cli.setting_up import make_request, now_ms, open_keys
from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.core.errors import SettingsError, SettingsExists
from ortoo_protocol.station import starter
from ortoo_protocol.station.settings import BrokerTable, locate, write_secret

app = typer.Typer(help="Join a region: request, accept.", no_args_is_help=True)


@app.command("request")
def request(
    ctx: typer.Context,
    file: NewFile,
    token: Annotated[str, typer.Option(help="The one-time token from the region's people.")],
    department: Annotated[
        list[str] | None,
        typer.Option(help="CODE=NAME of a department at this station; may be given several times."),
    ] = None,
    contact: Annotated[str, typer.Option(help="Whom the region calls: name and telephone.")] = "",
    as_json: Json = False,
) -> None:
    """Write the request file for the region, which proves that this station holds its keys."""
    shell = Shell.of(ctx)
    settings = shell.settings()
    content, fingerprint = make_request(
        settings, token=token, departments=department or [], contact=contact
    )
    write_new(file, content)
    shell.done(
        {"file": str(file), "fingerprint": fingerprint},
        "{file} is written: send it. Read its fingerprint out by telephone: {fingerprint}",
        file=file,
        fingerprint=fingerprint,
    )


@app.command("accept")
def accept(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The region's welcome file.")
    ],
    fingerprint: Annotated[
        str, typer.Option(help="The root's fingerprint, as the region read it out by telephone.")
    ],
    as_json: Json = False,
) -> None:
    """Check the region's welcome against the fingerprint and take it. Next: run."""
    shell = Shell.of(ctx)
    settings = node_settings.load(shell.config)
    if settings.broker is not None:
        raise SettingsExists(path=locate(shell.config))
    _take(settings, locate(shell.config), read_bytes(file), as_fingerprint(fingerprint))
    shell.done(
        {"party": settings.station.party, "settings": str(locate(shell.config))},
        "{party} has joined. Start it with run.",
        party=settings.station.party,
    )


def _take(settings: NodeSettings, file: Path, welcome: bytes, fingerprint: str) -> None:
    from ortoo_protocol.core.enrolment import open_welcome
    from ortoo_protocol.core.keys import builtin_suites

    _, broker = open_welcome(
        welcome,
        party=settings.station.party,
        wrap_seed=open_keys(settings).wraps[-1].seed,
        fingerprint=fingerprint,
        plane=settings.station.plane,
        suites=builtin_suites(),
        now_ms=now_ms(),
    )
    defaults = BrokerTable(host=broker.host)
    password_file = file.parent / defaults.password_file
    ca_file = file.parent / defaults.ca_file
    welcome_file = settings.trust_folder / "welcome"
    pin_file = settings.trust_folder / "root.fingerprint"
    settings.trust_folder.mkdir(mode=0o750, exist_ok=True)
    for half_taken in (password_file, ca_file, welcome_file, pin_file):
        half_taken.unlink(missing_ok=True)
    write_secret(password_file, broker.password)
    write_new(ca_file, broker.ca_pem.encode())
    write_new(welcome_file, welcome)
    write_new(pin_file, f"{fingerprint}\n".encode())
    # Last, for it is what says that the station has joined.
    try:
        with file.open("a", encoding="utf-8") as handle:
            handle.write(starter.broker(broker.host, broker.port, broker.vhost, broker.user))
    except OSError as error:
        raise SettingsError(path=file, detail=error.strerror) from None
