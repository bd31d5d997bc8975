"""ortoo-node: the command line of a station."""

from __future__ import annotations

from pathlib import Path

import typer

from ortoo_node import settings
from ortoo_node.cli import (
    announcements,
    catalog,
    correction,
    demand,
    dispatch,
    enrol,
    exchange,
    file,
    folder,
    grant,
    publication,
    quality,
    query,
    rejects,
    request,
    setup,
    sink,
    source,
    subscription,
    token,
    trace,
    use,
)
from ortoo_protocol.cli import (
    accounts,
    backup,
    calendar,
    clock,
    contact,
    coordination,
    doctor,
    evidence,
    journal,
    notices,
    program,
    service,
)
from ortoo_protocol.cli.shell import Config, Shell, Version
from ortoo_protocol.cli.supervision import reports, supervise

app = program.application("Ortoo station (驿站): exchange government data with other stations.")


@app.callback()
def begin(ctx: typer.Context, config: Config = Path(), version: Version = False) -> None:
    Shell.of(ctx).begin(config, settings.load)


app.add_typer(setup.app)
app.add_typer(enrol.app, name="enrol")
app.add_typer(service.app)
app.add_typer(doctor.app)
app.add_typer(backup.app, name="backup")
app.add_typer(backup.restoring)
app.add_typer(catalog.app, name="catalog")
app.add_typer(request.app, name="request")
app.add_typer(demand.app, name="demand")
app.add_typer(coordination.app, name="coordination")
app.add_typer(grant.app, name="grant")
app.add_typer(correction.app, name="correction")
app.add_typer(use.app, name="use")
app.add_typer(exchange.app)
app.add_typer(publication.app, name="publication")
app.add_typer(source.app, name="source")
app.add_typer(sink.app, name="sink")
app.add_typer(file.app, name="file")
app.add_typer(folder.app, name="folder")
app.add_typer(quality.app, name="quality")
app.add_typer(rejects.rejects, name="reject")
app.add_typer(rejects.tasks, name="task")
app.add_typer(subscription.app, name="subscription")
app.add_typer(token.app, name="token")
app.add_typer(trace.app, name="trace")
app.add_typer(query.app, name="query")
app.add_typer(dispatch.app, name="dispatch")
app.add_typer(announcements.app, name="announcements")
app.add_typer(calendar.app, name="calendar")
app.add_typer(clock.app, name="clock")
app.add_typer(contact.app, name="contact")
app.add_typer(accounts.app, name="account")
app.add_typer(notices.todo)
app.add_typer(notices.notify, name="notify")
app.add_typer(supervise.app, name="supervise")
app.add_typer(reports.app, name="report")
app.add_typer(journal.app, name="journal")
app.add_typer(evidence.disputes, name="dispute")


def main() -> None:
    app(prog_name="ortoo-node")
