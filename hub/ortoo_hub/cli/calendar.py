"""calendar: which days are worked, put into force for all stations of the plane."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ortoo_protocol.cli.calendar import Year, show
from ortoo_protocol.cli.files import NewFile, read_bytes, write_new
from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.core.errors import CalendarFile
from ortoo_protocol.core.law import calendar_files
from ortoo_protocol.core.law.workdays import NamedDay

app = typer.Typer(
    help="Working days of the region: show, import, set, export.", no_args_is_help=True
)
app.command("show")(show)
By = Annotated[str, typer.Option(help="Who puts it into force.")]
Source = Annotated[str, typer.Option(help="The notice that names the days.")]


@app.command("import")
def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or JSON file.")],
    by: By,
    source: Source = "",
    as_json: Json = False,
) -> None:
    """Put a year into force from a file; it takes the place of what was known of that year."""
    shell = Shell.of(ctx)
    try:
        text = read_bytes(file).decode("utf-8")
    except UnicodeDecodeError as error:
        raise CalendarFile(path=file, detail=error) from None
    found = calendar_files.read(text, str(file))
    answer = shell.call(
        "calendar.import",
        year=found.year,
        source=source or found.source,
        by=by,
        days=[{"day": one.day, "working": one.working, "name": one.name} for one in found.days],
    )
    shell.done(answer, "The calendar of {year} is in force, version {version}.", **answer)


@app.command("set")
def set_(
    ctx: typer.Context,
    day: Annotated[str, typer.Argument(help="Such as 2027-07-15.")],
    kind: Annotated[str, typer.Argument(help="off, work, or weekday: as its weekday says.")],
    by: By,
    name: Annotated[str, typer.Option(help="Of the holiday, such as 那达慕.")] = "",
    source: Source = "",
    as_json: Json = False,
) -> None:
    """Set one day: local holidays of an autonomous region, or a correction."""
    shell = Shell.of(ctx)
    answer = shell.call("calendar.set", day=day, kind=kind, by=by, name=name, source=source)
    shell.done(answer, "The calendar of {year} is in force, version {version}.", **answer)


@app.command("export")
def export(ctx: typer.Context, year: Year, file: NewFile, as_json: Json = False) -> None:
    """Write a year as a file (.csv, else JSON) that can be changed and imported."""
    shell = Shell.of(ctx)
    answer = shell.call("calendar.show", year=year)
    if len(answer["years"]) != 1:
        raise CalendarFile(path=file, detail=f"{year or '-'} is not known here")
    (one,) = answer["years"]
    days = [NamedDay(day["day"], day["working"], day["name"]) for day in one["days"]]
    if file.suffix.lower() == ".csv":
        text = calendar_files.write_csv(days)
    else:
        text = calendar_files.write_json(one["year"], one["source"], days)
    write_new(file, text.encode())
    shell.done({"file": str(file)}, "{file} is written.", file=file)
