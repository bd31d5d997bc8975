"""account: people who log in to the console."""

from __future__ import annotations

# Roles and what they allow, states of accounts, kinds of links.
WORDS = (
    "Compiler",
    "Secrecy reviewer",
    "Approver (head)",
    "User of data",
    "Contact person",
    "System administrator",
    "Security administrator",
    "Security auditor",
    "apply",
    "confirm",
    "operate",
    "create-accounts",
    "secure-accounts",
    "disable-accounts",
    "audit",
    "invited",
    "disabled",
    "first",
    "invitation",
    "reset",
)
