"""Roles of accounts (角色) as the Measures and graded protection name them, and what each may do.

Separation of duties within one catalog entry or request is by person, and judged where the step is
taken (core/catalog/steps.py): an account acts there under the name of its person. Here stand only
the roles that no account may join.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ortoo_protocol.core.errors import AccountRole, AccountRolesApart


class Role(enum.StrEnum):
    COMPILER = "compiler"  # 编目员
    SECRECY_REVIEWER = "secrecy-reviewer"  # 保密审查员
    APPROVER = "approver"  # 审核员(负责人)
    SUBSCRIBER = "subscriber"  # 使用员
    CONTACT = "contact"  # 联络员
    SYSTEM_ADMIN = "system-admin"  # 系统管理员
    SECURITY_ADMIN = "security-admin"  # 安全保密管理员
    AUDITOR = "auditor"  # 安全审计员


class Right(enum.StrEnum):
    """What a page or a call asks for. Whoever is signed in may read what is his department's."""

    READ = "read"
    COMPILE = "compile"  # drafts of entries, lists, imports; at the hub drafts of notices
    CHECK = "check"  # 保密检查, impact on personal information
    DECIDE = "decide"  # review entries, answer requests, grant, rule
    APPLY = "apply"  # ask for data, subscribe, query, fetch files, doubt
    CONFIRM = "confirm"  # contacts, sign for deliveries (签收)
    OPERATE = "operate"  # sources, sinks, members, settings, health
    CREATE_ACCOUNTS = "create-accounts"
    SECURE_ACCOUNTS = "secure-accounts"  # roles, links, locks
    DISABLE_ACCOUNTS = "disable-accounts"
    AUDIT = "audit"  # acts, journal, proofs


@dataclass(frozen=True)
class Charge:
    """`title`: its English name, a message id of the catalogs. `at_hub`: it has something to do at
    a hub, which has no data of its own."""

    title: str
    rights: frozenset[Right]
    at_hub: bool = True


_R = Right

CHARGES: Mapping[Role, Charge] = MappingProxyType(
    {
        Role.COMPILER: Charge("Compiler", frozenset((_R.READ, _R.COMPILE))),
        Role.SECRECY_REVIEWER: Charge(
            "Secrecy reviewer", frozenset((_R.READ, _R.CHECK)), at_hub=False
        ),
        Role.APPROVER: Charge("Approver (head)", frozenset((_R.READ, _R.DECIDE))),
        Role.SUBSCRIBER: Charge("User of data", frozenset((_R.READ, _R.APPLY)), at_hub=False),
        Role.CONTACT: Charge("Contact person", frozenset((_R.READ, _R.CONFIRM))),
        Role.SYSTEM_ADMIN: Charge(
            "System administrator",
            frozenset((_R.READ, _R.OPERATE, _R.CREATE_ACCOUNTS, _R.DISABLE_ACCOUNTS)),
        ),
        Role.SECURITY_ADMIN: Charge(
            "Security administrator",
            frozenset((_R.READ, _R.SECURE_ACCOUNTS, _R.DISABLE_ACCOUNTS)),
        ),
        Role.AUDITOR: Charge("Security auditor", frozenset((_R.READ, _R.AUDIT))),
    }
)

ADMINS = frozenset((Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR))

# Sets of roles of which one account holds one at most (三员分立).
EXCLUSIONS: tuple[frozenset[Role], ...] = (ADMINS,)


def rights(roles: Iterable[Role]) -> frozenset[Right]:
    """All that an account with these roles may do; without a role, nothing."""
    return frozenset(right for role in roles for right in CHARGES[role].rights)


def check_roles(names: Iterable[str], *, hub: bool) -> frozenset[Role]:
    """`names` as roles that one account may hold together. Raises AccountRole for a name that is
    no role, or has no meaning at a hub, AccountRolesApart for roles that exclude each other."""
    found: set[Role] = set()
    for name in names:
        try:
            role = Role(name)
        except ValueError:
            raise AccountRole(name=name[:64]) from None
        if hub and not CHARGES[role].at_hub:
            raise AccountRole(name=name)
        found.add(role)
    for apart in EXCLUSIONS:
        if len(both := sorted(found & apart)) > 1:
            first, second = (CHARGES[role].title for role in both[:2])
            raise AccountRolesApart(role=first, other_role=second)
    return frozenset(found)
