"""Consoles of the demo's parties: where they listen, and accounts that people can sign in with."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import httpx

from ortoo_demo.checks import check
from ortoo_demo.plane import Plane
from ortoo_demo.texts import Text

HOST = "127.0.0.1"
# Where one begins to look for free ports; the same at every start as long as nobody takes them.
FIRST_PORT = {"extranet": 8440, "intranet": 8450}
LAST_PORT = 65_535
# Nobody's device is at hand for a second factor, and passwords live as long as the demo.
SETTINGS = '\n[console]\naddress = "{host}"\nport = {port}\n\n[accounts]\nsecond_factor = "none"\n'
BY = "演示"


@dataclass(frozen=True)
class Office:
    """One account: a person with roles (core/accounts/roles)."""

    name: str
    person: str
    roles: tuple[str, ...]
    what: Text


# By law nobody takes two steps on one entry or request, and the three administrators are three.
OFFICES = (
    Office(
        "jingban", "演示经办人", ("compiler", "subscriber", "contact"),
        Text("经办：编目、申请、订阅、签收", "clerk: catalog, requests, subscriptions"),
    ),
    Office(
        "baomi", "演示保密员", ("secrecy-reviewer",),
        Text("保密审查", "secrecy review"),
    ),
    Office(
        "shenpi", "演示负责人", ("approver",),
        Text("负责人：审核、答复、授权", "head: approves, answers, grants"),
    ),
    Office("xitong", "演示系统员", ("system-admin",), Text("系统管理员", "system admin")),
    Office("anquan", "演示安全员", ("security-admin",), Text("安全管理员", "security admin")),
    Office("shenji", "演示审计员", ("auditor",), Text("安全审计员", "security auditor")),
)  # fmt: skip
AT_STATIONS_ALONE = frozenset(("subscriber", "secrecy-reviewer"))


@dataclass(frozen=True)
class Opened:
    """A console that answers, with the names of accounts that were made."""

    plane: str
    party: str
    name: str
    url: str
    accounts: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def with_console(plane: Plane, party: str, settings: str) -> str:
    """`settings` that switch a console on, which greets people in Chinese."""
    port = _free_port(FIRST_PORT[plane.name] + list(plane.cast.names).index(party))
    plane.notes[f"console of {party}"] = f"http://{HOST}:{port}"
    chinese = settings.replace('language = "en"', 'language = "zh_CN"')
    return chinese + SETTINGS.format(host=HOST, port=port)


def _free_port(first: int) -> int:
    """`first`, or the next tenth port after it that nobody has."""
    for port in range(first, LAST_PORT, 20):
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((HOST, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port from {first}")


def new_password() -> str:
    """One for all accounts of this demo, of three kinds of characters."""
    return f"Y{secrets.token_hex(4)}-{secrets.token_hex(4)}"


def open_all(plane: Plane, password: str) -> list[Opened]:
    """Accounts for people at every party of `plane`; the consoles then answer them."""
    return list(plane.pool.map(lambda party: _open(plane, party, password), plane.cast.names))


def _open(plane: Plane, party: str, password: str) -> Opened:
    url = plane.notes[f"console of {party}"]
    made = tuple(_accounts(plane, party, url, password))
    return Opened(plane.name, party, plane.cast.names[party], url, made)


def _accounts(plane: Plane, party: str, url: str, password: str) -> Iterator[str]:
    """As an administrator makes them, and as each person then follows the own link."""
    with httpx.Client(base_url=url, headers={"sec-fetch-site": "same-origin"}) as client:
        for office in OFFICES:
            roles = [
                role
                for role in office.roles
                if party in plane.cast.stations or role not in AT_STATIONS_ALONE
            ]
            if not roles:
                continue
            made = plane.call(
                party, "accounts.create",
                name=office.name, person=office.person, roles=roles, by=BY,
            )  # fmt: skip
            typed = {"name": office.name, "person": office.person}
            answer = client.post(
                made["link"]["path"], data={**typed, "password": password, "again": password}
            )
            check(answer.status_code == 303, f"{party}: {office.name}: {answer.status_code}")
            yield office.name
