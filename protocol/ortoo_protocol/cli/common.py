"""Tables and options that both programs' commands use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from ortoo_protocol.cli.shell import Shell
from ortoo_protocol.core.law.clock import DAY_MIN, moment_ms
from ortoo_protocol.core.law.share_types import WORDS as SHARE_TYPES

Handler = Annotated[str, typer.Option("--handler", help="Who handles this (经办人).")]
Approver = Annotated[str, typer.Option("--approver", help="Who approves it; not the handler.")]
Until = Annotated[
    datetime | None,
    typer.Option("--until", formats=["%Y-%m-%d"], help="Last day of use; open if left out."),
]


def as_fingerprint(heard: str) -> str:
    """A fingerprint as somebody typed it, in the form in which it is shown: groups of four."""
    digits = "".join(heard.replace("-", " ").replace(":", " ").split()).lower()
    return " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))


def end_of_day_ms(day: datetime | None) -> int:
    """The end of `day` by civil time, wherever this machine stands; 0 for none."""
    return 0 if day is None else moment_ms(day.date(), DAY_MIN)


def show_entry(shell: Shell, answer: Mapping[str, Any]) -> None:
    """One entry of the catalog with its items."""
    entry = answer["entry"]
    federated = shell.time(answer["accepted_ms"]) or shell.word("not yet in the regional catalog")
    shell.facts(
        [
            ("Code", f"{entry['code']} ({entry['version']})"),
            ("Name", entry["name"]),
            ("Provider", f"{entry['provider']} {answer['provider_name']}"),
            ("Department", f"{entry['department_name']} {entry['department']}"),
            ("Office", entry["office"]),
            ("Abstract", entry["abstract"]),
            ("Share type", shell.word(SHARE_TYPES.get(entry["share_type"]))),
            ("Share condition", entry["share_condition"]),
            ("Basis", entry["basis"]),
            ("Modes", "、".join(entry["modes"])),
            ("Purposes", "、".join(entry["purposes"])),
            ("Cycle", entry["cycle"]),
            ("Spares the citizen", entry["replaces_paper"]),
            ("Published", shell.time(entry["published_ms"])),
            ("In the regional catalog", federated),
            ("Status", shell.word(entry["status"])),
            ("Feed", entry["feed"]),
        ]
    )
    shell.table(
        ("Item", "Column", "Type", "Length", "Share type", "Base item", "Key"),
        (
            (
                item["name"],
                item["column"],
                item["type"],
                item["length"],
                shell.word(SHARE_TYPES.get(item["share_type"])),
                "✓" if item["base"] else "",
                "✓" if item["key"] else "",
            )
            for item in entry["items"]
        ),
    )


def show_list_rows(shell: Shell, rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows of a list beside the catalog."""
    shell.table(
        ("Number", "Title", "Department", "Basis", "Resource", "Status", "Answer"),
        (
            (
                f"{row['number']} ({row['version']})",
                row["title"],
                f"{row['provider_name']} {row['department_name']}",
                row["basis"],
                row["resource"],
                shell.word(row["status"]),
                row["answer"],
            )
            for row in rows
        ),
    )


def show_conflicts(shell: Shell, conflicts: Iterable[Mapping[str, Any]]) -> None:
    """Data that two resources claim to be the source of."""
    shell.table(
        ("Conflict", "Resource", "Other resource", "Items", "State", "Source", "Reason"),
        (
            (
                one["conflict"],
                one["resource"],
                f"{one['other']} {one['other_name']} ({one['other_provider']})",
                "、".join(one["items"]),
                shell.word(one["state"]),
                one["source"],
                one["reason"],
            )
            for one in conflicts
        ),
    )


def show_cases(shell: Shell, cases: Iterable[Mapping[str, Any]]) -> None:
    shell.table(
        ("Case", "Resource", "Applicant", "Provider", "Purpose", "State", "Opened", "Reason"),
        (
            (
                case["case"],
                f"{case['resource']} {case['resource_name']}",
                f"{case['applicant']} {case['department_name']}",
                case["provider"],
                case["purpose"],
                shell.word(case["state"]),
                shell.time(case["opened_ms"]),
                case["reason"],
            )
            for case in cases
        ),
    )


def show_grants(shell: Shell, grants: Iterable[Mapping[str, Any]]) -> None:
    shell.table(
        ("Grant", "Resource", "Provider", "Reader", "Mode", "Items", "Until", "State", "Reason"),
        (
            (
                grant["grant"],
                f"{grant['resource']} {grant['resource_name']}",
                grant["provider"],
                f"{grant['reader']} {grant['reader_department']}",
                grant["mode"],
                _granted_items(shell, grant),
                shell.time(grant["until_ms"]) or shell.word("open"),
                shell.word(grant["state"]),
                grant["reason"],
            )
            for grant in grants
        ),
    )


def _granted_items(shell: Shell, grant: Mapping[str, Any]) -> str:
    items = ", ".join(grant["items"]) or shell.word("all")
    masks = ", ".join(f"{column}={mask}" for column, mask in grant.get("masks", {}).items())
    return f"{items}; {masks}" if masks else items


def show_coordinations(shell: Shell, cases: Iterable[Mapping[str, Any]]) -> None:
    """What waits for the authority, with the last day."""
    shell.table(
        ("Case", "Resource", "Applicant", "Provider", "State", "Waits for", "Last day"),
        (
            (
                case["case"],
                f"{case['resource']} {case['resource_name']}",
                f"{case['applicant']} {case['department_name']}",
                case["provider"],
                shell.word(case["state"]),
                shell.word(case["waits_for"]),
                ", ".join(each["day"] or "" for each in case["clocks"] if not each["closed_ms"]),
            )
            for case in cases
        ),
    )


def show_case(shell: Shell, answer: Mapping[str, Any]) -> None:
    """One case with all that happened to it."""
    case, application = answer["case"], answer["application"]
    shell.facts(
        [
            ("Case", case["case"]),
            ("Resource", f"{case['resource']} {case['resource_name']}"),
            ("Applicant", f"{case['applicant']} {case['department_name']}"),
            ("Provider", case["provider"]),
            ("State", shell.word(case["state"])),
            ("Purpose", application["purpose"]),
            ("Basis", application["basis"]),
            ("Scenario", application["scenario"]),
            ("Mode", application["mode"]),
            ("Items", ", ".join(application["items"]) or shell.word("all")),
            ("Row filter", application["row_filter"]),
            ("Handler", application["handler"]),
            ("Approver", application["approver"]),
            ("Attachments", ", ".join(each["name"] for each in answer["attachments"])),
            ("Conditions", (answer["answer"] or {}).get("conditions", "")),
            ("Reason", case["reason"]),
            ("Grant", case["grant"]),
            ("May be done next", "; ".join(_open_steps(shell, answer["open"]))),
        ]
    )
    shell.table(
        ("Duty", "Party", "Last day", "State", "Article"),
        (
            (
                shell.word(clock["duty"]),
                clock["party"],
                clock["day"],
                shell.word(clock["state"]),
                shell.say(clock["article"]) if clock["article"] else "",
            )
            for clock in answer["clocks"]
        ),
    )
    shell.table(
        ("Time", "What happened", "Party", "By", "Reason"),
        (
            (
                shell.time(event["time_ms"]),
                shell.word(event["event"]),
                event["party"],
                event["by"],
                event["reason"],
            )
            for event in answer["events"]
        ),
    )


def _open_steps(shell: Shell, steps: Mapping[str, Iterable[str]]) -> list[str]:
    return [
        f"{shell.word(side)}: {', '.join(shell.word(event) for event in events)}"
        for side, events in steps.items()
        if events
    ]
