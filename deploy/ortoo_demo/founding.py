"""The region is founded and its stations join: brokers, keys, ceremony, enrolment.

What people do on machines of their own and by telephone happens here in one folder: the documents
that travel lie in `documents`, holders' keys in `holders`.
"""

from __future__ import annotations

import base64
import secrets
import shutil
import socket
import ssl
from pathlib import Path

from ortoo_demo import catalogs, consoles
from ortoo_demo.checks import check
from ortoo_demo.plane import Plane
from ortoo_demo.texts import Text
from ortoo_protocol.station.settings import write_secret

ROOT_HOLDERS, ROOT_THRESHOLD = 5, 3
REGISTRARS, REGISTRAR_THRESHOLD = 3, 2
WRONG_FINGERPRINT = "0000 " * 15 + "0000"


# --- brokers and folders ------------------------------------------------------------------------


def brokers(plane: Plane) -> Text:
    """A private broker that speaks TLS only and knows nobody but its administrator."""
    plane.broker.start()
    plane.make_departments()
    folders = list(plane.pool.map(lambda party: _make_folder(plane, party), plane.cast.names))
    plane.broker.wait_ready()
    admin = plane.admin()
    listeners = admin.listeners()
    check("amqp/ssl" in listeners and "https" in listeners, f"no TLS among {listeners}")
    check(not {"amqp", "http"} & set(listeners), f"plain listeners: {listeners}")
    check(_turned_away(plane, "broker.example"), "its certificate passes for another host")
    users = admin.users()
    check("guest" not in users, "guest is still there")
    check(set(users) == {plane.broker.admin_user}, f"users before the hub ran: {sorted(users)}")
    _set_up_hub(plane)
    return Text(
        f"仅 TLS，主机名已核验，无 guest；{len(folders)} 个成员目录",
        f"TLS only, host name verified, no guest; folders of {len(folders)} parties",
    )


def _turned_away(plane: Plane, host: str) -> bool:
    """Whether a client that looks for `host` refuses this broker's certificate."""
    context = ssl.create_default_context(cafile=str(plane.broker.ca_file))
    with socket.create_connection((plane.broker.host, plane.broker.amqps_port), 10) as raw:
        try:
            context.wrap_socket(raw, server_hostname=host).close()
        except ssl.SSLCertVerificationError:
            return True
    return False


def _make_folder(plane: Plane, party: str) -> Path:
    """init, then the settings that an administrator writes by hand."""
    cast, folder = plane.cast, plane.of(party)
    about = ("--party", party, "--plane", cast.plane, "--name", cast.names[party])
    plane.cli(party, "init", str(folder), *about)
    file = plane.settings_file(party)
    text = file.read_text(encoding="utf-8")
    quick = "[timing]\nhead_s = 5\ncheckpoint_s = 2\ngap_ask_s = 1\n"
    text = text.replace("[timing]\n", quick)
    if plane.consoles:
        text = consoles.with_console(plane, party, text)
    file.write_text(text, encoding="utf-8")
    for department in cast.departments:
        if department.station == party:
            url = f"sqlite:///{plane.database(department)}"
            for table in ("sources", "sinks"):
                plane.add_settings(
                    party, f'\n[[{table}]]\nname = "{department.slug}"\nurl = "{url}"\n'
                )
    return folder


def _set_up_hub(plane: Plane) -> None:
    """The hub's administrator fills in the broker and its management interface."""
    hub, broker = plane.cast.hub, plane.broker
    keys = plane.of(hub) / "keys"
    write_secret(keys / "management.password", broker.admin_password)
    shutil.copy(broker.ca_file, keys / "broker.ca.pem")
    plane.add_settings(
        hub,
        f'\n[broker]\nhost = "localhost"\nport = {broker.amqps_port}\n'
        f'\n[management]\nhost = "localhost"\nport = {broker.management_port}\n'
        f'user = "{broker.admin_user}"\n',
    )


# --- ceremony -----------------------------------------------------------------------------------


def ceremony(plane: Plane) -> Text:
    """Root holders and registrars make keys and sign; a signature too few is refused."""
    holders = [
        *(("root", number) for number in range(1, ROOT_HOLDERS + 1)),
        *(("registrar", number) for number in range(1, REGISTRARS + 1)),
    ]
    list(plane.pool.map(lambda one: _make_holder(plane, *one), holders))
    root, directory = plane.desk("root"), plane.desk("directory-1")
    _draft_root(plane, root)
    plane.cli(plane.cast.hub, "directory", "first", str(directory), "--root", str(root))
    signed = plane.pool.submit(sign_directory, plane, directory)
    for number in range(1, ROOT_THRESHOLD):
        _sign(plane, "root", root, number)
    signed.result()
    plane.notes["root fingerprint"] = plane.cli(plane.cast.hub, "root", "show", str(root))[
        "fingerprint"
    ]
    install = ("root", "install", str(root), str(directory), "--fingerprint")
    found = plane.refused(plane.cast.hub, *install, plane.notes["root fingerprint"])
    check(found == "trust.threshold", f"a root of two signatures was met with {found}")
    _sign(plane, "root", root, ROOT_THRESHOLD)
    plane.cli(plane.cast.hub, *install, plane.notes["root fingerprint"])
    root_of, registrars_of = (
        f"{ROOT_THRESHOLD}/{ROOT_HOLDERS}",
        f"{REGISTRAR_THRESHOLD}/{REGISTRARS}",
    )
    return Text(
        f"根 {root_of}，登记管理员 {registrars_of}；少一个签名即被拒绝",
        f"root {root_of}, registrars {registrars_of}; one signature too few is refused",
    )


def _holder(plane: Plane, role: str, number: int) -> Path:
    return plane.folder / "holders" / f"{role}-{number}"


def _make_holder(plane: Plane, role: str, number: int) -> None:
    folder = _holder(plane, role, number)
    write_secret(folder / "passphrase", secrets.token_urlsafe(24))
    plane.cli(
        plane.cast.hub, "key", "new", str(folder / "key"),
        "--role", role, "--region", plane.cast.hub, "--plane", plane.name,
        "--passphrase-file", str(folder / "passphrase"),
    )  # fmt: skip


def _draft_root(plane: Plane, root: Path) -> None:
    publics: list[str] = []
    for role, count in (("root", ROOT_HOLDERS), ("registrar", REGISTRARS)):
        for number in range(1, count + 1):
            publics += [f"--{role}-key", str(_holder(plane, role, number) / "key.pub")]
    plane.cli(
        plane.cast.hub, "root", "draft", str(root),
        "--region", plane.cast.hub, "--plane", plane.name, *publics,
        "--root-threshold", str(ROOT_THRESHOLD),
        "--registrar-threshold", str(REGISTRAR_THRESHOLD),
    )  # fmt: skip


def _sign(plane: Plane, role: str, document: Path, number: int) -> None:
    holder = _holder(plane, role, number)
    what = "root" if role == "root" else "directory"
    plane.cli(
        plane.cast.hub, what, "sign", str(document), "--yes",
        "--key", str(holder / "key"), "--passphrase-file", str(holder / "passphrase"),
    )  # fmt: skip


def sign_directory(plane: Plane, directory: Path) -> None:
    """As many registrars as are needed."""
    for number in range(1, REGISTRAR_THRESHOLD + 1):
        _sign(plane, "registrar", directory, number)


# --- hub and enrolment --------------------------------------------------------------------------


def enrol(plane: Plane) -> Text:
    """Stations join by token, two comparisons by telephone, and a directory of the registrars."""
    hub, stations = plane.cast.hub, plane.cast.stations
    plane.start(hub)
    plane.wait_ready(hub)
    fingerprints = dict(
        zip(stations, plane.pool.map(lambda s: _request(plane, s), stations), strict=True)
    )
    for station, fingerprint in fingerprints.items():
        _admit(plane, station, fingerprint)
    _publish_members(plane)
    list(plane.pool.map(lambda station: _accept(plane, station), stations))
    for station in stations:
        plane.start(station)
    for station in stations:
        plane.wait_ready(station)
    members = plane.cli(hub, "member", "list")["members"]
    active = {member["party"] for member in members if member["status"] == "active"}
    check(active == set(plane.cast.names), f"active are {sorted(active)}")
    tags = plane.admin().users()
    check(all(not tags[station] for station in stations), "a station has tags on the broker")
    return Text(
        f"{len(stations)} 个节点凭令牌、双向核对指纹入网；指纹不符即被拒绝",
        f"{len(stations)} stations joined by token and both fingerprints; a wrong one is refused",
    )


def _request(plane: Plane, station: str) -> str:
    """The station's request; returns the fingerprint that its people read out."""
    token = plane.call(plane.cast.hub, "member.token", party=station)["token"]
    named = {d.code: d.name for d in plane.cast.departments if d.station == station}
    named |= catalogs.departments(station)
    departments: list[str] = []
    for code, name in named.items():
        departments += ["--department", f"{code}={name}"]
    made = plane.cli(
        station, "enrol", "request", str(plane.desk(f"request-{station}")),
        "--token", token, "--contact", "联系人甲 0000-0000000", *departments,
    )  # fmt: skip
    return str(made["fingerprint"])


def _admit(plane: Plane, station: str, fingerprint: str) -> None:
    hub, request = plane.cast.hub, plane.desk(f"request-{station}")
    content = base64.b64encode(request.read_bytes()).decode()
    found = plane.refused_call(hub, "member.admit", request=content, fingerprint=WRONG_FINGERPRINT)
    check(found == "trust.request-pin", f"a wrong fingerprint of {station} was met with {found}")
    plane.call(hub, "member.admit", request=content, fingerprint=fingerprint)


def _publish_members(plane: Plane) -> None:
    """A directory that one registrar alone has signed is refused, the next signature suffices."""
    hub, directory = plane.cast.hub, plane.desk("directory-2")
    plane.cli(hub, "directory", "propose", str(directory))
    _sign(plane, "registrar", directory, 1)
    found = plane.refused(hub, "directory", "publish", str(directory))
    check(found == "trust.threshold", f"one registrar's directory was met with {found}")
    _sign(plane, "registrar", directory, 2)
    plane.cli(hub, "directory", "publish", str(directory))


def _accept(plane: Plane, station: str) -> None:
    """The station's people compare the root by telephone; a wrong root is refused."""
    welcome = plane.desk(f"welcome-{station}")
    answer = plane.call(plane.cast.hub, "member.welcome", party=station)
    welcome.write_bytes(base64.b64decode(answer["welcome"]))
    accept = ("enrol", "accept", str(welcome), "--fingerprint")
    if station == plane.cast.stations[0]:
        found = plane.refused(station, *accept, WRONG_FINGERPRINT)
        check(found == "trust.pin", f"a wrong root at {station} was met with {found}")
    plane.cli(station, *accept, plane.notes["root fingerprint"])
