"""init and run."""

from __future__ import annotations

from pathlib import Path

import typer

from ortoo_node import settings
from ortoo_protocol.cli.running import Level, LogLevel, start_log
from ortoo_protocol.cli.setting_up import Folder, Name, Party, PlaneName, set_up
from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.station import starter

app = typer.Typer()


@app.command("init")
def init(
    ctx: typer.Context,
    party: Party,
    plane: PlaneName,
    name: Name,
    folder: Folder = Path(),
    as_json: Json = False,
) -> None:
    """Make a station's folder: settings, keys, passphrase. Next: enrol request."""
    shell = Shell.of(ctx)
    more = starter.databases(shell.say.text)
    set_up(shell, folder, party, plane, name, more=more, then="enrol request, enrol accept, run")


@app.command("run")
def run(ctx: typer.Context, log_level: LogLevel = Level.INFO) -> None:
    """Run the station until it is told to stop (stop, or SIGTERM)."""
    shell = Shell.of(ctx)
    loaded = settings.load(shell.config)
    start_log(loaded, log_level)
    from ortoo_node import daemon

    daemon.run(loaded)
