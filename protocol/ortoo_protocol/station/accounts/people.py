"""Who somebody is here: accounts as they are kept, and as pages see whoever is signed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ortoo_protocol.core.accounts.roles import Right, Role, rights
from ortoo_protocol.core.errors import AccountFactorNeeded, AccountForbidden

LOCAL_ADDRESS = "local"


@dataclass(frozen=True)
class Account:
    """`second_factor`, `factor_next`: sealed secrets, b"" for none."""

    account: str
    person: str
    department: str
    roles: frozenset[Role]
    password: str = field(repr=False)
    password_ms: int
    second_factor: bytes = field(repr=False)
    factor_step: int
    factor_next: bytes = field(repr=False)
    subject: str
    disabled_ms: int | None
    created_ms: int
    created_by: str

    @property
    def is_usable(self) -> bool:
        return self.disabled_ms is None and bool(self.password or self.subject)

    def view(self) -> dict[str, Any]:
        """What administrators see; no secret."""
        idle = "invited" if self.disabled_ms is None else "disabled"
        return {
            "account": self.account,
            "person": self.person,
            "department": self.department,
            "roles": sorted(role.value for role in self.roles),
            "state": "active" if self.is_usable else idle,
            "second_factor": bool(self.second_factor),
            "unified": bool(self.subject),
            "password_ms": self.password_ms,
            "created_ms": self.created_ms,
            "created_by": self.created_by,
        }


@dataclass(frozen=True)
class SignedIn:
    """A live session. `token` is for the cookie, `csrf` for forms: who has it has not the token.

    `department`: credit code, "" for the platform's own people. `second_factor`: it was proven in
    this session. While `must_set_second_factor` or `must_change_password`, pages offer that alone.
    """

    token: str = field(repr=False)
    account: str
    person: str
    department: str
    roles: frozenset[Role]
    csrf: str = field(repr=False)
    language: str
    second_factor: bool
    must_set_second_factor: bool
    must_change_password: bool = False
    address: str = ""

    @property
    def rights(self) -> frozenset[Right]:
        return rights(self.roles)

    def need(self, right: Right) -> None:
        """Raises AccountForbidden, AccountFactorNeeded."""
        if right not in self.rights:
            raise AccountForbidden(needed=right.value)
        if self.must_set_second_factor:
            raise AccountFactorNeeded()


@dataclass(frozen=True)
class Local:
    """Whoever types commands as the service's own user: the control socket hears nobody else, and
    that user could change the store itself. What is done so is an act as well, under the name
    given."""

    person: str
    account: str = ""
    address: str = LOCAL_ADDRESS

    def need(self, right: Right) -> None:
        """Has every right."""


@dataclass(frozen=True)
class LinkTarget:
    """What a one-time link is for. `kind`: first (an administrator of an empty platform chooses
    name and person), invitation, reset. `roles`: those that the account has, or will have."""

    kind: str
    account: str
    person: str
    department: str
    roles: frozenset[Role]
    expires_ms: int


@dataclass(frozen=True)
class SecondFactor:
    """Shown once: the secret in base32 to type in, and `uri` (otpauth) for a picture of it."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


@dataclass(frozen=True)
class Link:
    """A link just made; the secret is kept nowhere."""

    secret: str = field(repr=False)
    target: LinkTarget


Actor = SignedIn | Local
