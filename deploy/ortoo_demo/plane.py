"""One plane of the demo while it runs: its broker, its parties' folders and services.

All that is done to hub and stations goes through their command lines or their control sockets, as
an administrator of theirs would do it.
"""

from __future__ import annotations

import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ortoo_demo import departments
from ortoo_demo.broker_api import BrokerApi
from ortoo_demo.checks import CheckFailed, Patience
from ortoo_demo.departments import TableAt
from ortoo_demo.pki import DemoAuthority
from ortoo_demo.private_broker import PrivateBroker
from ortoo_demo.processes import Processes, Ran, Service, program
from ortoo_demo.world import Cast, Department, Resource, rows_of
from ortoo_protocol.core.errors import DaemonUnreachable, OrtooError
from ortoo_protocol.station.control import call
from ortoo_protocol.station.settings import FILE_NAME

READY_S = 45.0
CALL_S = 60.0


@dataclass
class Plane:
    """`folder` holds everything of this plane."""

    cast: Cast
    folder: Path
    processes: Processes
    patience: Patience
    pool: ThreadPoolExecutor
    consoles: bool = False  # whether people reach its parties with a browser
    broker: PrivateBroker = field(init=False)
    services: dict[str, Service] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)  # what one step leaves for a later one
    _admin: BrokerApi | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        authority = DemoAuthority.create(self.folder / "pki", f"Ortoo demo {self.name}")
        self.broker = PrivateBroker(self.folder / "broker", self.name, authority)

    @property
    def name(self) -> str:
        return self.cast.plane

    # --- folders ---

    def of(self, party: str) -> Path:
        """The folder of `party`: settings, keys, store, log."""
        return self.folder / party

    def desk(self, name: str) -> Path:
        """A document on somebody's desk: requests, directories, entries."""
        (self.folder / "documents").mkdir(parents=True, exist_ok=True)
        return self.folder / "documents" / name

    def database(self, department: Department) -> Path:
        return self.folder / "departments" / f"{department.station}-{department.slug}.sqlite"

    def source(self, resource: Resource, columns: tuple[str, ...] = ()) -> TableAt:
        """The table of the department that owns `resource`; all columns unless some are named."""
        return TableAt(
            self.database(resource.owner),
            resource.table,
            resource.key,
            columns or resource.columns,
        )

    def sink(
        self, resource: Resource, reader: Department, columns: tuple[str, ...] = ()
    ) -> TableAt:
        """The table that `reader` takes `resource` into."""
        return TableAt(
            self.database(reader),
            f"from_{resource.owner.station}_{resource.table}",
            resource.key,
            columns or resource.columns,
        )

    def make_departments(self) -> None:
        """Every department's database; the owners' with their tables."""
        for department in self.cast.departments:
            departments.create(self.database(department))
        for resource in self.cast.resources:
            types = [item.sql_type for item in resource.items]
            departments.create_table(self.source(resource), types, rows_of(resource))

    # --- commands ---

    def command(self, party: str, *args: str) -> Ran:
        """Run a command on the folder of `party`."""
        return self.processes.run((*_program(party), "--config", str(self.of(party)), *args))

    def cli(self, party: str, *args: str) -> Any:
        """The JSON that a command answers; CheckFailed when it fails."""
        ran = self.command(party, *args, "--json")
        if ran.code != 0:
            said = f"exit {ran.code}: {ran.err.strip() or ran.out.strip()}"
            raise CheckFailed(detail=f"{party}: {' '.join(args)}: {said[-1500:]}")
        return json.loads(ran.out)

    def refused(self, party: str, *args: str) -> str:
        """The code with which a command is refused; CheckFailed when it is done instead."""
        ran = self.command(party, *args, "--json")
        if ran.code == 0:
            raise CheckFailed(detail=f"{party}: {' '.join(args)} was not refused")
        try:
            return str(json.loads(ran.out.splitlines()[-1])["error"]["code"])
        except (ValueError, KeyError, IndexError):
            detail = f"{party}: {' '.join(args)} ended with {ran.code}: {ran.err[-1500:]}"
            raise CheckFailed(detail=detail) from None

    def call(self, party: str, method: str, /, **params: object) -> Any:
        """Ask a running service, as its commands do."""
        self.patience.go_on()
        return call(self.of(party) / "control.sock", method, params, CALL_S)

    def refused_call(self, party: str, method: str, /, **params: object) -> str:
        """The code with which a running service refuses."""
        try:
            self.call(party, method, **params)
        except OrtooError as error:
            return error.code
        raise CheckFailed(detail=f"{party}: {method} was not refused")

    # --- services ---

    def start(self, party: str) -> None:
        """Start a hub or station and return at once."""
        argv = (*_program(party), "--config", str(self.of(party)), "run")
        self.services[party] = self.processes.start(argv, self.of(party) / "log" / "output.log")

    def wait_ready(self, party: str) -> None:
        """Until it answers and is connected to the broker; CheckFailed when it ends instead."""
        self.patience.until(
            lambda: self._connected(party), f"{party} runs and is connected", within_s=READY_S
        )

    def _connected(self, party: str) -> bool:
        service = self.services[party]
        if service.ended():
            raise CheckFailed(detail=f"{party} ended: {service.log_text()[-2000:]}")
        with suppress(DaemonUnreachable):
            return bool(self.call(party, "status")["broker"]["connected"])
        return False

    def kill(self, party: str) -> None:
        """SIGKILL, as when the power goes."""
        self.services[party].kill()

    def stop_all(self) -> dict[str, int | None]:
        """SIGTERM to every service that runs: exit codes, None for one that does not stop."""
        running = {party: each for party, each in self.services.items() if not each.ended()}
        for each in running.values():
            each.signal(signal.SIGTERM)
        return {party: each.wait(READY_S) for party, each in running.items()}

    # --- settings, as an administrator edits them ---

    def settings_file(self, party: str) -> Path:
        return self.of(party) / FILE_NAME

    def add_settings(self, party: str, text: str) -> None:
        with self.settings_file(party).open("a", encoding="utf-8") as file:
            file.write(text)

    def admin(self) -> BrokerApi:
        """The broker's management interface, with its administrator's account."""
        with self._lock:
            if self._admin is None:
                self._admin = BrokerApi(self.broker)
            return self._admin

    def close(self) -> None:
        if self._admin is not None:
            self._admin.close()


def _program(party: str) -> tuple[str, ...]:
    return program("ortoo-hub" if party.startswith("h") else "ortoo-node")
