"""query: declare what may be asked, ask it, see who asked what (在线查询, 接口网关)."""

from __future__ import annotations

import csv
import enum
import json
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.core.errors import QueryDeclaration, QueryParameter

app = typer.Typer(help="Online query: declare, ask, record.", no_args_is_help=True)
Grant = Annotated[str, typer.Option(help="The grant to ask under; its mode is 在线查询.")]
_SHOWN = 200  # rows of a table on a terminal; the rest is for --out csv or json


class Out(enum.StrEnum):
    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@app.command("declare")
def declare(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The query, as TOML.")
    ],
    as_json: Json = False,
) -> None:
    """Let others ask a query of this station, or put a changed one in force.

    Parameters are bound, never pasted in. A grant's items choose among the columns.
    """
    shell = Shell.of(ctx)
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise QueryDeclaration(detail=f"{file.name}: {error}") from None
    answer = shell.call("query.declare", given=given)
    shell.done(answer, "{code} may be asked, as declaration {number}.", **answer)


@app.command("withdraw")
def withdraw(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="Code of the query.")],
    as_json: Json = False,
) -> None:
    """Let nobody ask a query any more; what was asked stays recorded."""
    shell = Shell.of(ctx)
    answer = shell.call("query.withdraw", code=code)
    shell.done(answer, "{code} can no longer be asked.", **answer)


@app.command("list")
def list_(
    ctx: typer.Context,
    grant: Annotated[
        str | None, typer.Option(help="Of this grant, as its provider says; without: our own.")
    ] = None,
    fresh: Annotated[bool, typer.Option(help="Ask the provider again now.")] = False,
    as_json: Json = False,
) -> None:
    """List the queries that may be asked."""
    shell = Shell.of(ctx)
    if grant is None:
        answer = shell.call("query.list")
        shell.answer(answer, lambda: _own(shell, answer["queries"]))
        return
    answer = shell.call("query.offered", timeout_s=60.0, grant=grant, fresh=fresh)
    shell.answer(answer, lambda: _offered(shell, answer["queries"]))


def _own(shell: Shell, queries: Sequence[dict[str, Any]]) -> None:
    shell.table(
        ("Code", "Name", "Resource", "Source", "Calls a minute", "State"),
        (
            (
                one["code"],
                one["declaration"]["name"],
                one["resource"],
                one["declaration"]["source"] or one["declaration"]["service"],
                one["declaration"]["calls_a_minute"],
                shell.word("in force" if one["in_force"] else "withdrawn"),
            )
            for one in queries
        ),
    )


def _offered(shell: Shell, queries: Sequence[dict[str, Any]]) -> None:
    shell.table(
        ("Code", "Name", "Parameters", "Columns", "Rows at most", "Calls a minute"),
        (
            (
                one["code"],
                one["name"],
                ", ".join(
                    f"{each['name']}{'' if each['required'] else '?'}:{each['type']}"
                    for each in one["parameters"]
                ),
                ", ".join(one["columns"]),
                one["max_rows"],
                one["calls_a_minute"],
            )
            for one in queries
        ),
    )


@app.command("run")
def run(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="Code of the query, as query list --grant shows it.")],
    grant: Grant,
    purpose: Annotated[str, typer.Option(help="What the answer is used for, as it was granted.")],
    handler: Annotated[str, typer.Option(help="Who asks (经办人).")],
    param: Annotated[
        list[str] | None, typer.Option(help="A parameter, name=value; as often as needed.")
    ] = None,
    out: Annotated[Out, typer.Option(help="How the rows are printed.")] = Out.TABLE,
    page_rows: Annotated[int, typer.Option(min=1, max=4_096, help="Rows of a page.")] = 1_000,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for each page.")] = 30.0,
    as_json: Json = False,
) -> None:
    """Ask a query under a grant and print its rows.

    Each ask is recorded at both ends with its purpose and with who asks.
    """
    shell = Shell.of(ctx)
    first = shell.call(
        "query.run",
        timeout_s=timeout + 10,
        grant=grant,
        query=code,
        purpose=purpose,
        handler=handler,
        parameters=_parameters(param or []),
        page_rows=page_rows,
        wait_s=timeout,
    )
    names = [column["name"] for column in first["columns"]]
    rows = _rows(shell, first, timeout)
    if as_json or out is Out.JSON:
        _print_json(names, rows, first)
    elif out is Out.CSV:
        writer = csv.writer(sys.stdout)
        writer.writerow(names)
        writer.writerows(rows)
    else:
        _print_table(shell, names, list(rows))
    if first["cut"]:
        typer.echo(shell.say("There is more: the answer was cut at its limit ({cut}).",
                             cut=shell.word(first["cut"])), err=True)  # fmt: skip


def _parameters(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or name in found:
            raise QueryParameter(detail=f"{name[:63]} is not name=value, or stands twice")
        found[name] = value
    return found


def _rows(shell: Shell, page: dict[str, Any], timeout_s: float) -> Iterator[list[Any]]:
    """Page by page: the next one is fetched when this one is printed."""
    while True:
        yield from page["rows"]
        if not page["reading"]:
            return
        page = shell.call("query.next", timeout_s=timeout_s + 10, reading=page["reading"])


def _print_json(names: Sequence[str], rows: Iterator[list[Any]], first: dict[str, Any]) -> None:
    """Written as it comes: a long answer is never held whole."""
    typer.echo('{"columns": ' + json.dumps(names, ensure_ascii=False) + ', "rows": [')
    mark = " "
    for row in rows:
        typer.echo(mark + json.dumps(row, ensure_ascii=False))
        mark = ","
    typer.echo(f'], "count": {first["rows_in_all"]}, "cut": {json.dumps(first["cut"])}}}')


def _print_table(shell: Shell, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    shell.table(names, rows[:_SHOWN], of_data=True)
    if len(rows) > _SHOWN:
        shell.line("{count} rows in all; --out csv or json prints them.", count=len(rows))


@app.command("stats")
def stats(
    ctx: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=400, help="Of how many days.")] = 7,
    as_json: Json = False,
) -> None:
    """Calls, rows, errors and times of each query, grant and day."""
    shell = Shell.of(ctx)
    answer = shell.call("query.stats", timeout_s=60.0, days=days)
    shell.answer(
        answer,
        lambda: shell.table(
            ("Day", "Role", "Query", "Grant", "Calls", "Rows", "Errors", "p50 ms", "p99 ms"),
            (
                (
                    one["day"],
                    shell.word(one["role"]),
                    one["query"],
                    one["grant"],
                    one["calls"],
                    one["rows"],
                    one["errors"],
                    f"{one['p50_ms']:.1f}",
                    f"{one['p99_ms']:.1f}",
                )
                for one in answer["queries"]
            ),
        ),
    )


@app.command("record")
def record(
    ctx: typer.Context,
    grant: Annotated[str | None, typer.Option(help="Of this grant alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many, newest first.")] = 50,
    parameters: Annotated[
        bool, typer.Option(help="Show what was asked too: personal data, for auditors.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Who asked what, under which grant, for which purpose, and what came of it."""
    shell = Shell.of(ctx)
    answer = shell.call("query.record", grant=grant, limit=limit, parameters=parameters)
    shell.answer(
        answer,
        lambda: shell.table(
            (
                "Time", "Role", "Party", "Query", "Grant", "Purpose", "Handler", "Parameters",
                "Rows", "State", "Error",
            ),
            (
                (
                    shell.time(one["time_ms"]),
                    shell.word(one["role"]),
                    one["peer"],
                    one["query"],
                    one["grant"],
                    one["purpose"],
                    one["handler"],
                    json.dumps(one["parameters"], ensure_ascii=False) if parameters else "",
                    one["rows"],
                    shell.word(one["state"]),
                    one["error"],
                )
                for one in answer["queries"]
            ),
        ),
    )  # fmt: skip
