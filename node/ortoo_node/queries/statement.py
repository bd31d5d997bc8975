"""The SQL of a declared query: one SELECT, its parameters bound by name.

This is a guard against slips of the people who declare. What keeps a query from writing is the
database itself: a read-only transaction (PostgreSQL, MySQL), a read-only file and an authorizer
(SQLite).
"""

from __future__ import annotations

import re

from sqlalchemy import text

from ortoo_protocol.core.errors import QueryDeclaration

MAX_CHARACTERS = 20_000
# What a statement is made of, as far as it matters here; nothing steps back.
_TOKEN = re.compile(
    r"""
    (?P<comment>--[^\n]*+ | /\*(?:[^*]++|\*(?!/))*+\*/)
  | (?P<quoted>'[^']*+(?:''[^']*+)*+' | "[^"]*+(?:""[^"]*+)*+" | `[^`]*+`)
  | (?P<open>'|"|`|/\*)
  | (?P<end>;)
  | (?P<other>[^-/'"`;]++|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BEGINS = re.compile(r"\s*(?:select|with)\b", re.IGNORECASE)


def check(sql: str) -> set[str]:
    """The names of the parameters that `sql` binds. Raises QueryDeclaration."""
    if len(sql) > MAX_CHARACTERS:
        raise QueryDeclaration(detail=f"sql: above {MAX_CHARACTERS} characters")
    bare, quoted = _bare(sql)
    if not _BEGINS.match(bare):
        raise QueryDeclaration(detail="sql: begins with SELECT or WITH")
    names = _names(bare)
    if _names(sql) != names or any(_names(each) for each in quoted):
        raise QueryDeclaration(detail="sql: a parameter stands within quotes or in a comment")
    return names


def _bare(sql: str) -> tuple[str, list[str]]:
    """Without comments and what is quoted; and what was quoted."""
    kept, quoted = [], []
    for match in _TOKEN.finditer(sql):
        kind = match.lastgroup
        if kind == "open":
            raise QueryDeclaration(detail="sql: a quote or comment is not closed")
        if kind == "end" and sql[match.end() :].strip():
            raise QueryDeclaration(detail="sql: one statement")
        if kind == "other":
            kept.append(match[0])
        elif kind != "end":
            quoted.append(match[0])
            kept.append(" ")
    return "".join(kept), quoted


def _names(sql: str) -> set[str]:
    return set(text(sql).compile().params)
