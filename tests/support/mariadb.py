"""A MariaDB of the tests' own: one server a session, one database a test."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pymysql
import pytest

PASSWORD = "of-the-tests"
_SYSTEM = Path("/usr/share/mysql")
_READY = "ready for connections"


def _program() -> str:
    path = shutil.which("mariadbd", path=f"/usr/sbin:{os.environ['PATH']}")
    if path is None:
        pytest.fail("MariaDB is not installed: apt-get install mariadb-server-core")
    return path


class PrivateMariadb:
    """A server in a temporary folder, on a free port of 127.0.0.1, with a password."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="ortoo-mariadb-"))
        self._process: subprocess.Popen[str] | None = None
        self._names = (f"test_{number}" for number in itertools.count(1))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    def start(self) -> None:
        if not (self._folder / "data").exists():
            self._make()
        self._process = subprocess.Popen(
            [
                *self._command(),
                *("--bind-address=127.0.0.1", f"--port={self.port}", "--skip-name-resolve"),
                *(f"--socket={self._folder}/sock", f"--pid-file={self._folder}/pid"),
                f"--init-file={self._folder}/users.sql",
                # Power is not cut in tests.
                *("--innodb-flush-log-at-trx-commit=0", "--max-connections=40"),
            ],
            stderr=subprocess.PIPE,
            text=True,
            cwd=self._folder,
        )
        log = []
        for line in self._process.stderr or ():
            log.append(line)
            if _READY in line:
                break
        else:
            pytest.fail("MariaDB did not start:\n" + "".join(log))
        # Nobody reads on: what it writes later must not fill the pipe and stop it.
        self.admin("SET GLOBAL log_warnings = 0")

    def _command(self) -> list[str]:
        command = [_program(), "--no-defaults", f"--datadir={self._folder}/data"]
        command += ["--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M"]
        return [*command, "--user=root"] if os.geteuid() == 0 else command

    def _make(self) -> None:
        """What mariadb-install-db does, without the client that it asks for."""
        (self._folder / "data").mkdir(mode=0o700)
        scripts = (
            (_SYSTEM / name).read_text()
            for name in ("mysql_system_tables.sql", "mysql_system_tables_data.sql")
        )
        subprocess.run(
            [*self._command(), "--bootstrap"],
            input="\n".join(
                [
                    *("CREATE DATABASE mysql;", "USE mysql;", "SET @auth_root_socket = NULL;"),
                    *("SET @skip_auth_anonymous = 1;", *scripts),
                ]
            ),
            text=True,
            check=True,
            capture_output=True,
        )
        users = self._folder / "users.sql"
        users.touch(mode=0o600)
        users.write_text(
            f"CREATE OR REPLACE USER ortoo@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
            "GRANT ALL ON *.* TO ortoo@'127.0.0.1' WITH GRANT OPTION;\n"
        )

    def remove(self) -> None:
        if self._process is not None:
            self._process.kill()  # nobody reads this again
            self._process.wait(timeout=30)
            if self._process.stderr is not None:
                self._process.stderr.close()
        shutil.rmtree(self._folder)

    def admin(self, statement: str) -> None:
        with closing(
            pymysql.connect(
                host="127.0.0.1", port=self.port, user="ortoo", password=PASSWORD, autocommit=True
            )
        ) as connection:
            connection.cursor().execute(statement)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new, empty database."""
        name = next(self._names)
        self.admin(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        try:
            yield f"mysql://ortoo:{PASSWORD}@127.0.0.1:{self.port}/{name}"
        finally:
            self.admin(f"DROP DATABASE {name}")


@pytest.fixture(scope="session")
def mariadb() -> Iterator[PrivateMariadb]:
    server = PrivateMariadb()
    try:
        server.start()
        yield server
    finally:
        server.remove()
