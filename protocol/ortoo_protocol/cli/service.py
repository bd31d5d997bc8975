"""The commands about the running service itself: status, stop. The same for hub and node."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.core.errors import DaemonSilent
from ortoo_protocol.i18n import mark

app = typer.Typer()


@app.command("status")
def status(ctx: typer.Context, as_json: Json = False) -> None:
    """Show what the running service is doing: broker, directory, feeds, journal, warnings."""
    shell = Shell.of(ctx)
    answer = shell.call("status")
    shell.answer(answer, lambda: _show(shell, answer))


@app.command("health")
def health(ctx: typer.Context, as_json: Json = False) -> None:
    """Show each check of health, since when it stands so, and what to do."""
    shell = Shell.of(ctx)
    answer = shell.call("health")
    shell.answer(
        answer,
        lambda: shell.table(
            ("Check", "Subject", "State", "Since", "What", "What to do"),
            (
                (
                    shell.word(each["check"]),
                    each["subject"],
                    shell.word("stops exchange" if each["stops"] else each["level"]),
                    shell.time(each["since_ms"]),
                    shell.crossed(each["error"]),
                    shell.crossed_cure(each["error"]),
                )
                for each in answer["checks"]
            ),
        ),
    )


@app.command("settings")
def settings(ctx: typer.Context, as_json: Json = False) -> None:
    """Show the settings in force, without any secret, and where each stands in the file."""
    shell = Shell.of(ctx)
    answer = shell.call("settings.show")
    shell.answer(answer, lambda: _settings(shell, answer))


def _settings(shell: Shell, answer: Mapping[str, Any]) -> None:
    shell.facts([("Settings file", answer["file"]), ("Rule profile", answer["profile"])])
    entries = [each for section in answer["sections"] for each in section["entries"]]
    shell.table(
        ("Setting", "Value", "Line"),
        ((each["key"], each["value"], each["line"] or "") for each in entries),
    )
    if answer["error"] is not None:
        shell.line("Warning: {what}", what=shell.crossed(answer["error"]))
    elif answer["changed"]:
        shell.line("The file says something else by now. It counts from the next start on.")


def _show(shell: Shell, answer: Mapping[str, Any]) -> None:
    directory, broker, journal = answer["directory"], answer["broker"], answer["journal"]
    until = shell.time(directory["expires_ms"])
    shell.facts(
        [
            ("Party", f"{answer['party']} {answer['name']}"),
            ("Plane", shell.word(answer["plane"])),
            ("Version", answer["version"]),
            ("Running since", f"{shell.time(answer['started_ms'])} (pid {answer['pid']})"),
            ("Broker", _broker(shell, broker)),
            (
                "Directory",
                shell.say("version {n} until {t}", n=directory["version"], t=until),
            ),
            ("Letters without receipt", answer["outbox"]),
            ("In quarantine", answer["quarantine"]),
            ("Journal", shell.say("{n} rows", n=journal["size"])),
            ("Last backup", shell.time(answer.get("backup_ms")) or shell.word("none")),
            *_hub_facts(shell, answer),
            *_node_facts(shell, answer),
        ]
    )
    shell.table(
        ("Feed", "Role", "Incarnation", "Number", "Announced", "Applied", "State", "Error"),
        (
            (
                feed["feed"],
                shell.word(feed["role"]),
                feed["incarnation"],
                feed["seq"],
                feed["head"],
                feed["applied"],
                shell.word(feed["state"]),
                shell.crossed(feed["error"]),
            )
            for feed in answer["feeds"]
        ),
    )
    for warning in answer["warnings"]:
        shell.line("Warning: {what}", what=shell.crossed(warning))


def _broker(shell: Shell, broker: Mapping[str, Any]) -> str:
    state = "blocked" if broker["blocked"] else "connected" if broker["connected"] else "away"
    since = shell.say("since {t}", t=shell.time(broker["since_ms"]))
    return " ".join(filter(None, (shell.word(state), since, broker["detail"])))


def _hub_facts(shell: Shell, answer: Mapping[str, Any]) -> list[tuple[str, object]]:
    if "members" not in answer:
        return []
    members, router = answer["members"], answer["router"]
    counts = shell.say(
        "{active} active, {suspended} suspended, {pending} waiting for the directory", **members
    )
    agree = "as wanted" if router["agree"] else "being corrected"
    state = shell.crossed(router["error"]) or shell.word(agree)
    return [(mark("Members"), counts), (mark("Broker's rights"), state)]


def _node_facts(shell: Shell, answer: Mapping[str, Any]) -> list[tuple[str, object]]:
    if "tasks" not in answer:
        return []
    kept_back = ", ".join(f"{resource} {n}" for resource, n in answer["rejects"].items())
    waiting = shell.say("{open} open, {overdue} overdue", **answer["tasks"])
    return [
        (mark("Rows that did not leave"), kept_back or 0),
        (mark("Rectification tasks"), waiting),
    ]


@app.command("stop")
def stop(
    ctx: typer.Context,
    timeout_s: Annotated[
        float, typer.Option("--timeout", min=0.1, help="How long to wait for its end, in seconds.")
    ] = 60.0,
    as_json: Json = False,
) -> None:
    """Stop the running service in order, and wait until it has ended."""
    shell = Shell.of(ctx)
    pid = int(shell.call("status")["pid"])
    # Taken before it is told to stop: the number cannot come to mean another process.
    with contextlib.ExitStack() as stack:
        try:
            process = os.pidfd_open(pid)
            stack.callback(os.close, process)
        except ProcessLookupError:
            process = None
        answer = shell.call("stop")
        if process is not None and not select.select([process], [], [], timeout_s)[0]:
            raise DaemonSilent(method="stop", timeout_s=timeout_s)
    shell.done(answer, "Stopped.")
