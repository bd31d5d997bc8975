"""ortoo-hub: the command line of a region's hub."""

from __future__ import annotations

from pathlib import Path

import typer

from ortoo_hub import settings
from ortoo_hub.cli import announce, calendar, directory, founding, member, setup, supervise
from ortoo_protocol.cli import (
    accounts,
    backup,
    clock,
    contact,
    doctor,
    journal,
    notices,
    program,
    service,
)
from ortoo_protocol.cli.shell import Config, Shell, Version

app = program.application(
    "Ortoo hub: members, regional catalog, notary and rights on the broker of one region and plane."
)


@app.callback()
def begin(ctx: typer.Context, config: Config = Path(), version: Version = False) -> None:
    Shell.of(ctx).begin(config, settings.load)


app.add_typer(setup.app)
app.add_typer(service.app)
app.add_typer(doctor.app)
app.add_typer(backup.app, name="backup")
app.add_typer(backup.restoring)
app.add_typer(founding.key, name="key")
app.add_typer(founding.root, name="root")
app.add_typer(member.app, name="member")
app.add_typer(directory.app, name="directory")
app.add_typer(supervise.app)
app.add_typer(announce.app, name="announce")
app.add_typer(calendar.app, name="calendar")
app.add_typer(clock.app, name="clock")
app.add_typer(contact.app, name="contact")
app.add_typer(accounts.app, name="account")
app.add_typer(notices.todo)
app.add_typer(notices.notify, name="notify")
app.add_typer(journal.app, name="journal")


def main() -> None:
    app(prog_name="ortoo-hub")
