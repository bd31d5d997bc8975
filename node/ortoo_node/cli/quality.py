"""quality: rules for a resource's items, checks, reports (数据质量核查)."""

from __future__ import annotations

import enum
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ortoo_node.cli.quality_page import page
from ortoo_protocol.cli.files import NewFile, write_new
from ortoo_protocol.cli.shell import Json, Shell

CHECK_TIMEOUT_S = 3_600.0

app = typer.Typer(help="Data quality: rules, checks, reports.", no_args_is_help=True)
rules_app = typer.Typer(help="Rules for a resource's items.", no_args_is_help=True)
app.add_typer(rules_app, name="rules")
Resource = Annotated[str, typer.Argument(help="Code of the resource, of this station's own.")]


class Cycle(enum.StrEnum):
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    OFF = "off"


@rules_app.command("put")
def put(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The rules, as TOML.")
    ],
    by: Annotated[str, typer.Option(help="Who decides this.")],
    as_json: Json = False,
) -> None:
    """Put the rules of a file in force, as the next version.

    A rule's code list may stand in a file beside it (file = "codes.txt", one code a line): it is
    stored with the rules.
    """
    shell = Shell.of(ctx)
    answer = shell.call("quality.put", given=_read(shell, file), by=by)
    shell.done(answer, "{rules} rules for {resource} are in force, as version {version}.", **answer)


def _read(shell: Shell, file: Path) -> dict[str, Any]:
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
        for rule in given.get("rules", []):
            if isinstance(rule, dict) and "file" in rule:
                beside = file.parent / str(rule.pop("file"))
                lines = beside.read_text(encoding="utf-8-sig").splitlines()
                rule["codes"] = [line.strip() for line in lines if line.strip()]
    except (ValueError, OSError) as error:
        said = shell.say("{file} holds no rules: {detail}", file=file, detail=error)
        raise typer.BadParameter(said) from None
    return given


@rules_app.command("show")
def show(ctx: typer.Context, resource: Resource, as_json: Json = False) -> None:
    """Show the rules in force, and the versions before."""
    shell = Shell.of(ctx)
    answer = shell.call("quality.show", resource=resource)
    shell.answer(answer, lambda: _show_rules(shell, answer))


def _show_rules(shell: Shell, answer: dict[str, Any]) -> None:
    newest = answer["versions"][0]
    shell.facts(
        [
            ("Resource", answer["resource"]),
            ("Version", answer["version"]),
            ("By", newest["by"]),
            ("Time", shell.time(newest["time_ms"])),
            ("Personal", ", ".join(answer["personal"])),
        ]
    )
    plain = ("column", "check", "severity", "tolerance_percent", "codes", "examples")
    shell.table(
        ("Column", "Rule", "Severity", "Tolerance %", "With"),
        (
            (
                rule["column"],
                shell.word(rule["check"]),
                shell.word(rule["severity"]),
                rule["tolerance_percent"],
                ", ".join(
                    [f"{name} {value}" for name, value in rule.items() if name not in plain]
                    + ([f"{len(rule['codes'])} codes"] if "codes" in rule else [])
                ),
            )
            for rule in answer["rules"]
        ),
    )


@app.command("check")
def check(ctx: typer.Context, resource: Resource, as_json: Json = False) -> None:
    """Check the source, what is published, and one against the other; keep the report."""
    shell = Shell.of(ctx)
    answer = shell.long_call(
        "Reading and checking…", "quality.check", timeout_s=CHECK_TIMEOUT_S, resource=resource
    )
    shell.answer(answer, lambda: _show_report(shell, answer))


@app.command("report")
def report(ctx: typer.Context, resource: Resource, as_json: Json = False) -> None:
    """Show the newest report."""
    shell = Shell.of(ctx)
    answer = shell.call("quality.report", resource=resource)
    shell.answer(answer, lambda: _show_report(shell, answer))


def _show_report(shell: Shell, answer: dict[str, Any]) -> None:
    found = answer["report"]
    compared, fresh = found["comparison"], found["freshness"]
    scores = " ".join(f"{each['score_permille'] / 10:.1f}" for each in answer["trend"][-12:])
    facts: list[tuple[str, object]] = [
        ("Resource", f"{found['resource']} {found['name']}"),
        ("Department", f"{found['department_name']} {found['department']}"),
        ("Time", shell.time(found["time_ms"])),
        ("Score", f"{found['score_permille'] / 10:.1f} ({shell.word(verdict(found['passed']))})"),
        ("Scores so far", scores),
        ("Rows", found["rows"]),
        ("Rows that fail", found["failed_rows"]),
        ("Cycle", fresh["cycle"]),
        ("Published", shell.time(fresh["published_ms"])),
        ("Up to date", shell.word(verdict(fresh["passed"]))),
    ]
    if compared is not None:
        facts += [
            ("Source rows", compared["source_rows"]),
            ("Published rows", compared["published_rows"]),
            ("May not leave", compared["rejected"]),
            ("Missing", compared["missing"]),
            ("Surplus", compared["surplus"]),
            ("Differing", compared["differing"]),
        ]
    shell.facts(facts)
    shell.table(
        ("Item", "Rule", "Severity", "In the source", "Published", "Result"),
        (
            (
                f"{each['title']} {each['column']}".strip(),
                reason(shell, each["code"], each["column"]),
                shell.word(each["severity"]),
                each["source_failed"],
                each["published_failed"],
                shell.word(verdict(each["passed"])),
            )
            for each in found["rules"]
        ),
    )


def verdict(passed: bool) -> str:
    return "passed" if passed else "not passed"


def reason(shell: Shell, code: str, column: str) -> str:
    """What is wrong, in words."""
    return shell.crossed({"code": code, "what": code, "cure": "", "facts": {"column": column}})


@app.command("export")
def export(ctx: typer.Context, resource: Resource, file: NewFile, as_json: Json = False) -> None:
    """Write the newest report to a file: .html to print it, .json for programs."""
    shell = Shell.of(ctx)
    answer = shell.call("quality.report", resource=resource)
    if file.suffix == ".html":
        content = page(shell, answer).encode()
    elif file.suffix == ".json":
        content = msgspec.json.format(msgspec.json.encode(answer), indent=2)
    else:
        raise typer.BadParameter(shell.say("{file} is neither .html nor .json.", file=file))
    write_new(file, content)
    shell.done({"file": str(file)}, "{file} is written.", file=file)


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """List the newest report of each resource, and when it is checked next."""
    shell = Shell.of(ctx)
    answer = shell.call("quality.list")
    shell.answer(
        answer,
        lambda: shell.table(
            ("Resource", "Time", "Score", "Result", "Checked", "Next", "Error"),
            (
                (
                    f"{one['resource']} {one['resource_name']}",
                    shell.time(one["time_ms"]),
                    "" if one["score_permille"] is None else f"{one['score_permille'] / 10:.1f}",
                    "" if one["passed"] is None else shell.word(verdict(one["passed"])),
                    shell.word(one["cycle"]),
                    shell.time(one["next_ms"]),
                    one["error"],
                )
                for one in answer["resources"]
            ),
        ),
    )


@app.command("schedule")
def schedule(
    ctx: typer.Context,
    resource: Resource,
    cycle: Annotated[Cycle, typer.Argument(help="How often; off ends it.")],
    as_json: Json = False,
) -> None:
    """Check a resource by itself from now on."""
    shell = Shell.of(ctx)
    answer = shell.call("quality.schedule", resource=resource, cycle=cycle.value)
    if answer["next_ms"]:
        next_time = shell.time(answer["next_ms"])
        shell.done(
            answer, "{resource} is checked next at {time}.", resource=resource, time=next_time
        )
    else:
        shell.done(answer, "{resource} is no longer checked by itself.", resource=resource)
