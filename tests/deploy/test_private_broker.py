"""A private broker is closed to everybody but its clients, keeps its data, and leaves nothing."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ortoo_demo import private_broker
from ortoo_demo.pki import DemoAuthority
from ortoo_demo.private_broker import PrivateBroker
from ortoo_protocol.core.errors import PrivateBrokerFailed, PrivateBrokerMissing
from tests.support.processes import listening_addresses, processes_at_home, wait_until

CALLER = """
import sys, pathlib
from ortoo_demo.pki import DemoAuthority
from ortoo_demo.private_broker import PrivateBroker
folder = pathlib.Path(sys.argv[1])
with PrivateBroker(folder / "broker", "orphan", DemoAuthority.create(folder / "pki", "test")):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def own_broker(tmp_path: Path, broker_authority: DemoAuthority) -> Iterator[PrivateBroker]:
    """Not started; whatever the test does to it ends with the test."""
    own = PrivateBroker(tmp_path / "broker", "own", broker_authority)
    try:
        yield own
    finally:
        own.kill()


def home(broker: PrivateBroker) -> Path:
    return broker.folder / "home"


def management(broker: PrivateBroker) -> httpx.Client:
    return httpx.Client(
        base_url=f"https://localhost:{broker.management_port}",
        auth=(broker.admin_user, broker.admin_password),
        verify=ssl.create_default_context(cafile=str(broker.ca_file)),
        trust_env=False,
        timeout=30,
    )


def refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("service", ["amqps_port", "management_port"])
def test_tls_verifies_hostname_and_authority(
    broker: PrivateBroker, service: str, tmp_path: Path
) -> None:
    port = getattr(broker, service)
    context = ssl.create_default_context(cafile=str(broker.ca_file))
    for name in ("localhost", "127.0.0.1"):
        with (
            socket.create_connection((broker.host, port), timeout=10) as raw,
            context.wrap_socket(raw, server_hostname=name) as tls,
        ):
            assert tls.version() == "TLSv1.3"
    foreign = DemoAuthority.create(tmp_path, "foreign")
    for untrusting, name in (
        (context, "broker.example"),
        (ssl.create_default_context(cafile=str(foreign.ca_file)), "localhost"),
    ):
        with (
            socket.create_connection((broker.host, port), timeout=10) as raw,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            untrusting.wrap_socket(raw, server_hostname=name)


@pytest.mark.parametrize(
    ("service", "greeting"),
    [("amqps_port", b"AMQP\x00\x00\x09\x01"), ("management_port", b"GET / HTTP/1.0\r\n\r\n")],
)
def test_plain_text_is_not_answered(broker: PrivateBroker, service: str, greeting: bytes) -> None:
    address = (broker.host, getattr(broker, service))
    with socket.create_connection(address, timeout=10) as plain:
        plain.sendall(greeting)
        answer = plain.recv(1024)
    assert not answer.startswith((b"AMQP", b"HTTP", b"\x01"))


def test_everything_listens_on_loopback_only(broker: PrivateBroker) -> None:
    addresses = listening_addresses(processes_at_home(home(broker)))

    assert {address for address, _ in addresses} <= {"127.0.0.1", "::1"}
    ports = {port for _, port in addresses}
    assert {broker.amqps_port, broker.management_port} < ports
    assert len(ports) == 4  # and epmd, and distribution: no plain AMQP, no plain HTTP


def test_guest_is_gone_and_the_administrator_is_alone(broker: PrivateBroker) -> None:
    with management(broker) as client:
        guest = client.get("/api/whoami", auth=("guest", "guest"))
        users = {user["name"]: user["tags"] for user in client.get("/api/users").json()}

    assert guest.status_code == httpx.codes.UNAUTHORIZED
    assert "guest" not in users
    assert users[broker.admin_user] == ["administrator"]


def test_limits_are_set(broker: PrivateBroker) -> None:
    limits = ("disk_free_limit", "mem_limit")
    with management(broker) as client:

        def shown() -> bool:  # the node publishes its figures every 5 s
            node = client.get("/api/nodes/test@localhost").json()
            return [node.get(name) for name in limits] == [512_000_000, 512_000_000]

        wait_until(shown)


def test_secrets_are_private_files(broker: PrivateBroker) -> None:
    for name in ("rabbitmq.conf", "admin.password", "home/.erlang.cookie"):
        assert (broker.folder / name).stat().st_mode & 0o077 == 0, name


def test_a_node_keeps_its_ports_and_data_and_leaves_nothing(
    broker: PrivateBroker, own_broker: PrivateBroker
) -> None:
    own_broker.start()
    own_broker.wait_ready()
    ports = (own_broker.amqps_port, own_broker.management_port)
    shares_nothing(own_broker, broker)
    with management(own_broker) as client:
        client.put("/api/vhosts/kept").raise_for_status()

    own_broker.restart()
    with management(own_broker) as client:
        client.get("/api/vhosts/kept").raise_for_status()

    own_broker.kill()
    assert processes_at_home(home(own_broker)) == []
    own_broker.start()
    own_broker.wait_ready()
    assert (own_broker.amqps_port, own_broker.management_port) == ports
    with management(own_broker) as client:
        client.get("/api/vhosts/kept").raise_for_status()

    own_broker.stop()
    assert not own_broker.running
    assert processes_at_home(home(own_broker)) == []
    assert all(map(refused, ports))
    own_broker.stop()


def shares_nothing(one: PrivateBroker, other: PrivateBroker) -> None:
    assert one.admin_password != other.admin_password
    assert len({(home(node) / ".erlang.cookie").read_text() for node in (one, other)}) == 2
    listening = [listening_addresses(processes_at_home(home(node))) for node in (one, other)]
    assert not listening[0] & listening[1]


@pytest.mark.parametrize("death", [signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_the_caller_dies(tmp_path: Path, death: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CALLER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"},
    ) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == b"ready\n"
        at_home = tmp_path / "broker" / "home"
        assert processes_at_home(at_home)
        caller.send_signal(death)
        caller.wait(60)
    wait_until(lambda: not processes_at_home(at_home))


def test_a_node_that_does_not_start_says_why_and_leaves_nothing(
    own_broker: PrivateBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = private_broker._CONFIG + "listeners.tcp = nonsense\n"
    monkeypatch.setattr(private_broker, "_CONFIG", broken)
    own_broker.start()

    with pytest.raises(PrivateBrokerFailed, match=r"(?s)broker\.start.*listeners\.tcp"):
        own_broker.wait_ready()

    assert processes_at_home(home(own_broker)) == []


def test_an_interrupt_while_waiting_leaves_nothing(
    own_broker: PrivateBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: PrivateBroker) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(PrivateBroker, "_answers", interrupt)
    own_broker.start()

    with pytest.raises(KeyboardInterrupt):
        own_broker.wait_ready()

    assert processes_at_home(home(own_broker)) == []


def test_a_machine_without_rabbitmq_is_told_so(
    own_broker: PrivateBroker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(private_broker, "_SERVER_PROGRAM", tmp_path / "rabbitmq-server")

    with pytest.raises(PrivateBrokerMissing):
        own_broker.start()

    assert not own_broker.running
