"""A RabbitMQ node of one's own: TLS only, on loopback, without root, systemd or a system broker.

The demo runs one per plane; the tests run as many as they like. Each has its own home, Erlang
cookie, epmd and ports, so that two on one machine are as far apart as two planes have to be.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from ortoo_demo import broker_guard
from ortoo_demo.pki import DemoAuthority
from ortoo_protocol.core.errors import PrivateBrokerFailed, PrivateBrokerMissing

HOST = "127.0.0.1"
_ADMIN_USER = "ortoo-admin"
# Debian's /usr/sbin/rabbitmq-server changes to the rabbitmq user; the program behind it does not.
_SERVER_PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_LOWEST_PORT = 16384
_POLL_S = 0.05
_STOP_S = 40.0
_LOG_LINES = 8

_CONFIG = """\
listeners.tcp = none
listeners.ssl.1 = {host}:{amqps_port}
ssl_options.cacertfile = {ca_file}
ssl_options.certfile = {cert_file}
ssl_options.keyfile = {key_file}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = false
ssl_options.versions.1 = tlsv1.3
ssl_options.versions.2 = tlsv1.2
management.ssl.ip = {host}
management.ssl.port = {management_port}
management.ssl.cacertfile = {ca_file}
management.ssl.certfile = {cert_file}
management.ssl.keyfile = {key_file}
management.ssl.versions.1 = tlsv1.3
management.ssl.versions.2 = tlsv1.2
default_user = {admin_user}
default_pass = {admin_password}
default_user_tags.administrator = true
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 512MB
raft.wal_max_size_bytes = 67108864
log.file = {log_file}
log.file.level = info
"""


class PrivateBroker:
    """One RabbitMQ node in ``folder``. Synchronous: call from a thread where that matters.

    ``name`` (ASCII, no ``@``) names the node and its certificate; a folder keeps its data, its
    administrator and its name, so open it again only under the same name. Ports are chosen at the
    first start and kept over restarts of this object. Whoever dies without calling ``stop()``
    leaves nothing running: see `broker_guard`. Not safe for use by two threads at once.
    """

    host = HOST
    admin_user = _ADMIN_USER

    def __init__(self, folder: Path, name: str, authority: DemoAuthority) -> None:
        self.folder = folder.resolve()
        self.name = name
        self.ca_file = authority.ca_file.resolve()
        self.log_file = self.folder / "log" / "broker.log"
        self.amqps_port = 0
        self.management_port = 0
        self._epmd_port = 0
        self._distribution_port = 0
        self._reserved: list[socket.socket] = []
        self._guard: subprocess.Popen[bytes] | None = None
        for part in ("", "home", "log", "data"):
            (self.folder / part).mkdir(parents=True, exist_ok=True, mode=0o700)
        self._certificate = authority.issue_server(name)
        self.admin_password = _kept_secret(self.folder / "admin.password")

    def __enter__(self) -> PrivateBroker:
        self.start()
        self.wait_ready()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        """Whether the node's processes live; says nothing about readiness."""
        return self._guard is not None and self._guard.poll() is None

    def start(self) -> None:
        """Start the node and return at once; `wait_ready` says when it can be used.

        Start several, then wait for each: they come up in parallel. Errors: PrivateBrokerMissing.
        """
        if self.running:
            return
        epmd = require_rabbitmq()
        self._choose_ports()
        self._write_configuration()
        with (self.folder / "log" / "boot.log").open("wb") as boot_log:
            self._guard = subprocess.Popen(  # noqa: S603 - fixed programs
                [sys.executable, "-I", broker_guard.__file__, epmd, str(_SERVER_PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=boot_log,
                stderr=boot_log,
                cwd=self.folder,
                env=self._environment(),
                start_new_session=True,
            )

    def wait_ready(self, timeout_s: float = 60.0) -> None:
        """Return when AMQP and the management API answer; otherwise end the node and raise.

        Errors: PrivateBrokerFailed with the end of the log.
        """
        deadline = time.monotonic() + timeout_s
        try:
            while not self._answers():
                if not self.running:
                    raise PrivateBrokerFailed(name=self.name, detail=self._complaints())
                if time.monotonic() > deadline:
                    detail = f"not ready after {timeout_s:g} s\n{self._complaints()}"
                    raise PrivateBrokerFailed(name=self.name, detail=detail)
                time.sleep(_POLL_S)
        except BaseException:
            self.kill()
            raise
        self._release_ports()

    def stop(self) -> None:
        """End the node in order (about 6 s): every process gone, ports closed. May be repeated."""
        self._end(b"s")

    def kill(self) -> None:
        """End the node as a power cut would (SIGKILL), every process of it."""
        self._end(b"k")

    def restart(self, timeout_s: float = 60.0) -> None:
        """Stop in order, start on the same ports, wait until ready."""
        self.stop()
        self.start()
        self.wait_ready(timeout_s)

    def _end(self, how: bytes) -> None:
        self._release_ports()
        guard, self._guard = self._guard, None
        if guard is None:
            return
        with guard:
            with contextlib.suppress(BrokenPipeError):
                os.write(_pipe(guard), how)
            try:
                guard.wait(_STOP_S)
            finally:
                guard.terminate()

    def _choose_ports(self) -> None:
        if self.amqps_port:
            return
        self._reserved = [_reserve_port() for _ in range(4)]
        (
            self.amqps_port,
            self.management_port,
            self._epmd_port,
            self._distribution_port,
        ) = (held.getsockname()[1] for held in self._reserved)

    def _release_ports(self) -> None:
        while self._reserved:
            self._reserved.pop().close()

    def _write_configuration(self) -> None:
        cert_file, key_file = self._certificate
        text = _CONFIG.format(
            host=HOST,
            amqps_port=self.amqps_port,
            management_port=self.management_port,
            ca_file=self.ca_file,
            cert_file=cert_file.resolve(),
            key_file=key_file.resolve(),
            admin_user=self.admin_user,
            admin_password=self.admin_password,
            log_file=self.log_file,
        )
        _write_secret(self.folder / "rabbitmq.conf", text)
        (self.folder / "enabled_plugins").write_text("[rabbitmq_management].\n", encoding="ascii")
        (self.folder / "rabbitmq-env.conf").touch()
        (self.folder / "advanced.config").write_text("[].\n", encoding="ascii")

    def _environment(self) -> dict[str, str]:
        """All that the node sees: nothing of /etc/rabbitmq or of the caller's own RABBITMQ_*."""
        folder = self.folder
        data = folder / "data"
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(folder / "home"),
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_CRASH_DUMP_SECONDS": "0",
            # Makes the start script become the node instead of a shell that waits for it.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_NODENAME": f"{self.name}@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ("-kernel inet_dist_use_interface {127,0,0,1}"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONFIG_FILES": str(folder / "conf.d"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(data),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "broker.pid"),
        }

    def _answers(self) -> bool:
        """Ask the node, over verified TLS and as its administrator, whether AMQP listens."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        login = base64.b64encode(f"{self.admin_user}:{self.admin_password}".encode()).decode()
        connection = http.client.HTTPSConnection(
            HOST, self.management_port, timeout=5, context=context
        )
        try:
            connection.request(
                "GET",
                f"/api/health/checks/port-listener/{self.amqps_port}",
                headers={"Authorization": f"Basic {login}"},
            )
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _complaints(self) -> str:
        """What the node wrote about its failure: its first errors, otherwise its last lines."""
        lines: list[str] = []
        for path in (self.folder / "log" / "boot.log", self.log_file):
            if path.exists():
                lines += path.read_text(encoding="utf-8", errors="replace").splitlines()
        errors = [line for line in lines if "[error]" in line]
        return "\n".join(errors[:_LOG_LINES] or lines[-_LOG_LINES:])


def require_rabbitmq() -> str:
    """Where epmd is; PrivateBrokerMissing unless RabbitMQ is installed."""
    epmd = shutil.which("epmd")
    if epmd is None or not _SERVER_PROGRAM.exists():
        raise PrivateBrokerMissing(program=_SERVER_PROGRAM)
    return epmd


def _pipe(guard: subprocess.Popen[bytes]) -> int:
    if guard.stdin is None:
        raise PrivateBrokerFailed(name="guard", detail="started without a pipe")
    return guard.stdin.fileno()


def _reserve_port() -> socket.socket:
    """Hold a free port below the range from which the kernel takes ports for outgoing connections.

    From inside that range, somebody's connection may take the port while the broker restarts, and
    a client that retries can even connect to itself. A socket that is bound with SO_REUSEADDR and
    does not listen keeps other choosers away and lets the node listen beside it.
    """
    limits = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    highest = max(int(limits.split()[0]), _LOWEST_PORT + 4096)
    while True:
        port = _LOWEST_PORT + secrets.randbelow(highest - _LOWEST_PORT)
        held = socket.socket()
        try:
            held.bind((HOST, port))  # without SO_REUSEADDR: refused if anybody holds the port
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        except OSError:
            held.close()
        else:
            return held


def _kept_secret(path: Path) -> str:
    if not path.exists():
        _write_secret(path, secrets.token_hex(20))
    return path.read_text(encoding="ascii")


def _write_secret(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
