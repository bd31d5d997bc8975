"""A PostgreSQL of the tests' own: one cluster a session, one database a test."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

PASSWORD = "of-the-tests"
_READY = "database system is ready to accept connections"


def _program(name: str) -> str:
    """Debian keeps the server's programs out of PATH, one folder a version."""
    found = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda each: int(each.parts[-3])
    )
    path = str(found[-1]) if found else shutil.which(name)
    if path is None:
        pytest.fail("PostgreSQL is not installed: apt-get install postgresql")
    return path


class PrivatePostgres:
    """A cluster in a temporary folder, on a free port of 127.0.0.1, with a password."""

    def __init__(self) -> None:
        # The server refuses to run as root, and cannot enter pytest's folders, which are 0700.
        self._user = "postgres" if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="ortoo-postgres-"))
        self._process: subprocess.Popen[str] | None = None
        self._names = (f"test_{number}" for number in itertools.count(1))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    def start(self) -> None:
        data = self._folder / "data"
        if not data.exists():
            self._make(data)
        self._process = subprocess.Popen(
            [
                *(_program("postgres"), "-D", str(data), "-p", str(self.port), "-h", "127.0.0.1"),
                # Power is not cut in tests; killed clients need no fsync.
                *(
                    "-k",
                    "",
                    "-F",
                    "-c",
                    "max_connections=40",
                    "-c",
                    "wal_level=logical",
                    "-c",
                    "log_checkpoints=off",
                ),
            ],
            stderr=subprocess.PIPE,
            text=True,
            user=self._user,
            cwd=self._folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        )
        log = []
        for line in self._process.stderr or ():
            log.append(line)
            if _READY in line:
                break
        else:
            pytest.fail("PostgreSQL did not start:\n" + "".join(log))
        # Nobody reads on: what it writes later must not fill the pipe and stop it.
        self.admin("ALTER SYSTEM SET log_min_messages = panic")
        self.admin("ALTER SYSTEM SET log_min_error_statement = panic")
        self.admin("SELECT pg_reload_conf()")

    def _make(self, data: Path) -> None:
        password_file = self._folder / "password"
        password_file.write_text(PASSWORD)
        if self._user:
            shutil.chown(self._folder, self._user)
            shutil.chown(password_file, self._user)
        subprocess.run(
            [
                *(_program("initdb"), "-D", str(data), "-U", "postgres", "-A", "scram-sha-256"),
                *("--pwfile", str(password_file), "-E", "UTF8", "--locale", "C.UTF-8", "-N"),
            ],
            check=True,
            capture_output=True,
            user=self._user,
            cwd=self._folder,
        )

    def _stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)  # "immediate": nobody reads this again
            self._process.wait(timeout=30)
            if self._process.stderr is not None:
                self._process.stderr.close()
            self._process = None

    def remove(self) -> None:
        self._stop()
        shutil.rmtree(self._folder)

    def admin(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new, empty database."""
        name = next(self._names)
        self.admin(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield f"postgresql://postgres:{PASSWORD}@127.0.0.1:{self.port}/{name}"
        finally:
            self.admin(f"DROP DATABASE {name} WITH (FORCE)")

    def dsn(self, database: str) -> str:
        return (
            f"host=127.0.0.1 port={self.port} user=postgres password={PASSWORD} dbname={database}"
        )


@pytest.fixture(scope="session")
def postgres() -> Iterator[PrivatePostgres]:
    cluster = PrivatePostgres()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()
