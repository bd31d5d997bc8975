"""A region founded in files, and its hub as a process of its own on a real broker."""

from __future__ import annotations

import base64
import itertools
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from ortoo_demo.private_broker import PrivateBroker
from ortoo_hub import ceremony, roster
from ortoo_protocol.bus.amqp import AmqpAddress, AmqpBus
from ortoo_protocol.core.announcement import Announcement, DepartmentEntry, make_announcement
from ortoo_protocol.core.directory import PartyEntry, PublicKey, SigningKeyEntry, add_signature
from ortoo_protocol.core.enrolment import Broker, fingerprint_of, make_request, open_welcome
from ortoo_protocol.core.errors import DaemonError
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import Signer, builtin_suites
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station import trusting
from ortoo_protocol.station.context import Hooks, Identity
from ortoo_protocol.station.control import call
from ortoo_protocol.station.keyfile import KeyFile
from ortoo_protocol.station.launch import clock
from ortoo_protocol.station.station import Station, Surroundings, make_station
from ortoo_protocol.station.store.migrate import STATION
from ortoo_protocol.station.store.store import open_store
from tests.support.empty_stores import make_store
from tests.support.stations import QUICK
from tests.support.trust import DEPARTMENTS, HUB

ROOT = Path(__file__).parents[2]
PLANE, SUITES = Plane.EXTRANET, builtin_suites()
SUITE = SUITES.get(1)
_VHOSTS = itertools.count(1)


class Founded:
    """Two of two root keys, two of two registrars; `folder` is the hub's."""

    def __init__(self, folder: Path, broker: PrivateBroker, reconcile_s: float = 30) -> None:
        self.folder, self.broker = folder, broker
        self.vhost = f"hub/{next(_VHOSTS)}"
        self.socket = folder / "control.sock"
        self._registrars = [SUITE.signer(os.urandom(32)) for _ in range(2)]
        self._process: subprocess.Popen[bytes] | None = None
        self.api = httpx.Client(
            base_url=f"https://{broker.host}:{broker.management_port}/api/",
            auth=(broker.admin_user, broker.admin_password),
            verify=ssl.create_default_context(cafile=broker.ca_file),
            timeout=60,
            trust_env=False,
        )
        (folder / "keys").mkdir(parents=True)
        (folder / "trust").mkdir()
        self._secret("passphrase", "a passphrase for tests")
        self._secret("broker.password", "the hub's own password")
        self._secret("management.password", broker.admin_password)
        (folder / "station.toml").write_text(self._settings(reconcile_s), encoding="utf-8")
        self._found(self._keys())

    def _secret(self, name: str, value: str) -> None:
        path = self.folder / "keys" / name
        path.write_text(value + "\n", encoding="utf-8")
        path.chmod(0o600)

    def _settings(self, reconcile_s: float) -> str:
        broker = self.broker
        return f"""
[station]
party = "{HUB}"
plane = "{PLANE.value}"
name = "自治区数据局"
[broker]
host = "{broker.host}"
port = {broker.amqps_port}
vhost = "{self.vhost}"
ca_file = "{broker.ca_file}"
[management]
host = "{broker.host}"
port = {broker.management_port}
user = "{broker.admin_user}"
ca_file = "{broker.ca_file}"
reconcile_s = {reconcile_s}
[timing]
retry_first_s = 0.2
gap_ask_s = 0.2
checkpoint_s = 0.5
reconnect_first_s = 0.1
reconnect_cap_s = 0.5
"""

    def _keys(self) -> KeyFile:
        keys = new_keys(HUB)
        path = self.folder / "keys" / "station.key"
        keys.save(path, "a passphrase for tests", rand=os.urandom)
        return keys

    def _found(self, keys: KeyFile) -> None:
        now_ms = clock()
        roots = [SUITE.signer(os.urandom(32)) for _ in range(2)]
        root = ceremony.draft_root(
            plane=PLANE,
            region=HUB,
            allowed=[1],
            root_keys=_publics(roots),
            root_threshold=2,
            registrar_keys=_publics(self._registrars),
            registrar_threshold=2,
            suite=SUITE,
            suites=SUITES,
            now_ms=now_ms,
        )
        root = _signed(root, roots)
        key = SigningKeyEntry(
            suite=1,
            public=keys.signer.public,
            from_ms=now_ms,
            until_ms=now_ms + roster.SIGNING_KEY_LIFE_MS,
            link=b"",
            compromised_since_ms=None,
        )
        hub = PartyEntry(
            party=HUB,
            name="自治区数据局",
            parent=None,
            status="active",
            since_ms=now_ms,
            reason="",
            keys=(key,),
        )
        directory = roster.draft_directory(
            root,
            [hub],
            previous=None,
            profile="NM2018",
            suite=SUITE,
            suites=SUITES,
            now_ms=now_ms,
        )
        (self.folder / "trust" / "root").write_bytes(root)
        (self.folder / "trust" / "directory").write_bytes(self.sign(directory))

    def sign(self, directory: bytes) -> bytes:
        return _signed(directory, self._registrars)

    # --- the process ---

    def start(self) -> None:
        program = [sys.executable, "-m", "ortoo_hub", "--config", str(self.folder), "run"]
        paths = [str(ROOT / part) for part in ("protocol", "hub", "node", "deploy")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "ORTOO_LANG": "en"}
        with (self.folder / "stderr.log").open("ab") as log:
            self._process = subprocess.Popen(program, env=environment, stdout=log, stderr=log)
        self.until(lambda: self.status()["broker"]["connected"])

    def stop(self) -> int:
        """By SIGTERM; the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(20)

    def stop_by_control(self) -> int:
        assert self._process is not None
        assert self.call("stop") == {"stopping": True}
        return self._process.wait(20)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)

    def call(self, method: str, **params: object) -> Any:
        return call(self.socket, method, params)

    def status(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.call("status")
        return found

    def found(self, code: str) -> bool:
        """Whether the regional catalog has the resource."""
        return any(one["code"] == code for one in self.call("catalog.search", text="")["entries"])

    def until(self, condition: Any, within_s: float = 20) -> float:
        """Wait until `condition` holds; returns how long it took."""
        begun = time.monotonic()
        while True:
            try:
                if condition():
                    return time.monotonic() - begun
            except DaemonError:
                pass
            assert self._process is not None
            log = (self.folder / "stderr.log").read_text(encoding="utf-8")[-2_000:]
            assert self._process.poll() is None, log
            assert time.monotonic() - begun < within_s, log
            time.sleep(0.02)

    # --- members ---

    def publish_next(self) -> Mapping[str, Any]:
        proposed = self.call("directory.propose")
        signed = self.sign(base64.b64decode(proposed["document"]))
        found: Mapping[str, Any] = self.call(
            "directory.publish", document=base64.b64encode(signed).decode()
        )
        return found

    def request(self, party: str, keys: KeyFile, token: str) -> bytes:
        code, name = DEPARTMENTS[party]
        now_ms = clock()
        announcement = Announcement(
            party=party,
            number=1,
            time_ms=now_ms,
            wrap_keys=keys.wrap_entries(now_ms),
            departments=(DepartmentEntry(code=code, name=name),),
            contact="",
        )
        return make_request(
            party=party,
            name=f"{party} 站",
            token=token,
            announcement=make_announcement(announcement, keys.signer, suite=SUITE, plane=PLANE),
            signer=keys.signer,
            suite=SUITE,
            plane=PLANE,
        )

    def admit(self, *parties: str) -> dict[str, KeyFile]:
        """Token, request, fingerprint, and a directory that names them."""
        made = {party: new_keys(party) for party in parties}
        for party, keys in made.items():
            token = self.call("member.token", party=party)["token"]
            raw = self.request(party, keys, token)
            self.call(
                "member.admit",
                request=base64.b64encode(raw).decode(),
                fingerprint=fingerprint_of(raw, plane=PLANE, suites=SUITES),
            )
        self.publish_next()
        return made

    def welcome(self, party: str, keys: KeyFile) -> tuple[Trust, Broker]:
        answer = self.call("member.welcome", party=party)
        return open_welcome(
            base64.b64decode(answer["welcome"]),
            party=party,
            wrap_seed=keys.wraps[-1].seed,
            fingerprint=answer["fingerprint"],
            plane=PLANE,
            suites=SUITES,
            now_ms=clock(),
        )

    def bindings(self) -> set[str]:
        """Routing keys bound on the exchanges feeds and letters of this region's broker."""
        vhost = quote(self.vhost, safe="")
        found = self.api.get(f"bindings/{vhost}").raise_for_status().json()
        return {one["routing_key"] for one in found if one["source"] in ("feeds", "letters")}


def member(
    folder: Path, keys: KeyFile, trust: Trust, broker: Broker, ca_file: Path, hooks: Hooks
) -> Station:
    """A station in this process, as it starts after its welcome."""
    path = folder / keys.party / "store.sqlite"
    make_store(path, keys.party, PLANE, (STATION,))
    store = open_store(path, keys.party, PLANE, (STATION,))
    with store.writing.begin() as conn:
        trusting.save(conn, trust)
    identity = Identity(
        party=keys.party,
        name=keys.party,
        plane=PLANE,
        suite=keys.suite,
        signer=keys.signer,
        signing_key_id=keys.signing_key_id,
        wrap_seeds=keys.wrap_seeds,
        store_key=keys.store_key,
    )
    address = AmqpAddress(
        host=broker.host,
        port=broker.port,
        vhost=broker.vhost,
        user=broker.user,
        password=broker.password,
        ca_file=ca_file,
    )
    around = Surroundings(
        store=store,
        trust=trust,
        bus=AmqpBus(address),
        suites=SUITES,
        clock=clock,
        rand=os.urandom,
        timing=QUICK,
    )
    return make_station(identity, around, hooks)


@contextmanager
def founded(folder: Path, broker: PrivateBroker, **more: Any) -> Iterator[Founded]:
    """In a virtual host of its own; the process and the virtual host go with it."""
    region = Founded(folder, broker, **more)
    vhost = quote(region.vhost, safe="")
    with region.api as api:
        api.put(f"vhosts/{vhost}").raise_for_status()
        rights = {"configure": ".*", "write": ".*", "read": ".*"}
        api.put(f"permissions/{vhost}/{broker.admin_user}", json=rights).raise_for_status()
        try:
            yield region
        finally:
            region.kill()
            api.delete(f"vhosts/{vhost}")


def new_keys(party: str) -> KeyFile:
    return KeyFile.create(
        plane=PLANE,
        party=party,
        role="hub" if party == HUB else "station",
        suite=SUITE,
        rand=os.urandom,
        now_ms=clock(),
    )


def _publics(signers: list[Signer]) -> list[PublicKey]:
    return [PublicKey(1, signer.public) for signer in signers]


def _signed(document: bytes, signers: list[Signer]) -> bytes:
    for signer in signers:
        document = add_signature(document, signer, suite=SUITE, plane=PLANE)
    return document
