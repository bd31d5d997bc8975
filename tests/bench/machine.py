"""What the figures were measured on: facts that matter, nothing that names the machine."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import ssl
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

PACKAGES = ("aio-pika", "faststream", "pyas2lib", "sqlalchemy")


@dataclass(frozen=True)
class Facts:
    cores: int
    processor: str
    memory_gib: float
    kernel: str
    python: str
    openssl: str
    sqlite: str
    rabbitmq: str
    erlang: str
    packages: dict[str, str]
    ortoo: str

    def text(self) -> str:
        peers = ", ".join(f"{name} {found}" for name, found in self.packages.items())
        return (
            f"Ortoo {self.ortoo} on {self.cores} cores ({self.processor}, {self.memory_gib:g} GiB)"
            f", which also run the broker and the peers.\n{self.kernel}, Python {self.python}, "
            f"{self.openssl}, SQLite {self.sqlite}, RabbitMQ {self.rabbitmq} on Erlang "
            f"{self.erlang};\n{peers}.\n"
        )

    def keep(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @staticmethod
    def kept(path: Path) -> Facts:
        return Facts(**json.loads(path.read_text(encoding="utf-8")))


def look(rabbitmq: str, erlang: str) -> Facts:
    return Facts(
        cores=os.cpu_count() or 0,
        processor=_processor(),
        memory_gib=round(psutil.virtual_memory().total / 2**30),
        kernel=f"{platform.system()} {platform.release().split('-')[0]}",
        python=platform.python_version(),
        openssl=" ".join(ssl.OPENSSL_VERSION.split()[:2]),
        sqlite=sqlite3.sqlite_version,
        rabbitmq=rabbitmq,
        erlang=erlang,
        packages={name: version(name) for name in PACKAGES},
        ortoo=version("ortoo"),
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
