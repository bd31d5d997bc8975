"""Names that a piece of SQL mentions: enough to see that a view, trigger or query is over a table.

Too many rather than too few: a column that is called like a table counts as the table. Texts and
comments are left out only where every database reads them as we do; a statement that could hide a
name behind a quote that is none (a backslash, a dollar quote, a comment within a comment) counts
with every word in it.
"""

from __future__ import annotations

import re

ANY = "*"  # names are written in a way that is not read here: it may be any
# In the order in which a database reads: what begins first hides what stands in it.
_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?\*/) | '(?P<text>(?:[^']|'')*)'
    | "(?P<double>(?:[^"]|"")*)" | `(?P<back>(?:[^`]|``)*)` | \[(?P<bracket>[^\]]*)\]
    | (?P<bare>[^\W\d][\w$]*) | (?P<other>\S)""",
    re.DOTALL | re.VERBOSE,
)
_WORD = re.compile(r"[^\W\d][\w$]*")
# Of MySQL: # begins a comment, -- only before a blank, /*! is no comment; of PostgreSQL: $$, nested
# comments; of both: a backslash in a text.
_DOUBTFUL = re.compile(r"[\\#$]|--(?=\S)|/\*!|/\*(?:(?!\*/).)*/\*", re.DOTALL)
_ESCAPED = re.compile(r"[uU]&[\"']")
# Functions of PostgreSQL that run what a text says.
_RUN_TEXTS = frozenset(
    ("query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "table_to_xml",
     "table_to_xml_and_xmlschema", "cursor_to_xml", "dblink", "crosstab", "ts_stat", "execute")
)  # fmt: skip
# SQLite takes a text for a name where a table has to stand.
_BEFORE_TABLES = frozenset((*",.(", "from", "join", "into", "update", "table"))


def names_in(sql: str) -> frozenset[str]:
    """Folded to one case, quotes taken off; texts and comments are left out where that is safe."""
    found: set[str] = set()
    before = ""
    for token in _TOKEN.finditer(sql):
        if token["comment"]:
            continue
        kind, said = str(token.lastgroup), token[str(token.lastgroup)]
        if kind in ("double", "back", "bare"):
            found.add(said.replace('""', '"').replace("``", "`").casefold())
        elif kind == "bracket" or (kind == "text" and before in _BEFORE_TABLES):
            found |= {said.casefold(), *_words(said)}  # of PostgreSQL [ ] is no quote
        before = said.casefold()
    if _DOUBTFUL.search(sql) or found & _RUN_TEXTS:
        found |= _words(sql)
    if _ESCAPED.search(sql):
        found.add(ANY)
    return frozenset(found) - {""}


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text)}
