"""`doctor`: what is wrong and what to do. What can be seen without the service is looked at first,
so that it helps also when the service does not start."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from ortoo_protocol.cli.exits import Exit, exit_of
from ortoo_protocol.cli.shell import Json, Shell
from ortoo_protocol.core.errors import (
    BusUnreachable,
    DaemonUnreachable,
    KeyFileUnreadable,
    OrtooError,
    SettingsSecret,
    StoreError,
    StoreLow,
    StoreReadOnly,
)
from ortoo_protocol.station.control_client import error_from, error_to
from ortoo_protocol.station.disk import disk_trouble
from ortoo_protocol.station.settings import Settings, read_secret

app = typer.Typer()


@dataclass(frozen=True)
class Finding:
    """`error` is missing exactly when all is well."""

    check: str
    subject: str = ""
    error: OrtooError | None = None
    level: str = "ok"

    @classmethod
    def bad(cls, check: str, error: OrtooError, subject: str = "") -> Finding:
        return cls(check, subject, error, "error")

    def crossing(self) -> dict[str, object]:
        error = None if self.error is None else error_to(self.error)
        return {"check": self.check, "subject": self.subject, "level": self.level, "error": error}


@app.command("doctor")
def doctor(ctx: typer.Context, as_json: Json = False) -> None:
    """Say what is wrong and what to do; also works while the service is stopped."""
    shell = Shell.of(ctx)
    findings = list(_examine(shell))
    answer = {"findings": [finding.crossing() for finding in findings]}
    shell.answer(answer, lambda: _show(shell, findings))
    worst = [f.error for f in findings if f.level == "error" and f.error is not None]
    if worst:
        raise typer.Exit(exit_of(worst[0]) or Exit.SETUP)


def _examine(shell: Shell) -> Iterator[Finding]:
    try:
        settings = shell.settings()
    except OrtooError as error:
        yield Finding.bad("settings", error)
        return
    yield Finding("settings")
    checks: tuple[tuple[str, Callable[[Settings], None]], ...] = (
        ("folder", _folder),
        ("keys", _keys),
        ("disk", _disk),
        ("broker's address", _reachable),
    )
    for name, check in checks:
        try:
            check(settings)
        except StoreLow as error:
            yield Finding(name, error=error, level="warning")
        except OrtooError as error:
            yield Finding.bad(name, error)
        else:
            yield Finding(name)
    try:
        found = shell.call("doctor")["findings"]
    except DaemonUnreachable as error:
        yield Finding.bad("service", error)
        return
    yield Finding("service")
    for one in found:
        yield _from_service(one)


def _from_service(one: dict[str, Any]) -> Finding:
    error = None if one["error"] is None else error_from(one["error"])
    return Finding(one["check"], one["subject"], error, one["level"])


def _folder(settings: Settings) -> None:
    if not os.access(settings.folder, os.R_OK | os.W_OK | os.X_OK):
        raise StoreReadOnly(path=settings.folder)
    loose = stat.S_IMODE(settings.folder.stat().st_mode) & 0o027
    if loose:
        raise StoreError(detail=f"{settings.folder} is open to others: chmod 750")


def _keys(settings: Settings) -> None:
    read_secret(settings.keys.passphrase_file)
    _private(settings.keys.file)
    if settings.broker is not None:
        read_secret(settings.broker.password_file)


def _private(path: Path) -> None:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise KeyFileUnreadable(path=path, detail=error.strerror) from None
    if mode & 0o077:
        raise SettingsSecret(path=path, detail=f"mode {mode:04o}")


def _disk(settings: Settings) -> None:
    if trouble := disk_trouble(settings.folder):
        raise trouble


def _reachable(settings: Settings) -> None:
    broker = settings.need_broker()
    first: BusUnreachable | None = None
    for host in (broker.host, *broker.other_hosts):
        try:
            socket.create_connection((host, broker.port), broker.connect_timeout_s).close()
        except OSError as error:
            detail = error.strerror or str(error)
            first = first or BusUnreachable(address=f"{host}:{broker.port}", detail=detail)
        else:
            return
    if first is not None:
        raise first


def _show(shell: Shell, findings: list[Finding]) -> None:
    shell.table(
        ("Check", "Of", "Result"),
        ((shell.word(f.check), f.subject, shell.word(f.level)) for f in findings),
    )
    for finding in findings:
        if finding.error is not None:
            shell.explain(finding.error)
    if all(finding.error is None for finding in findings):
        shell.line("All is well.")
