"""Names that a piece of SQL mentions: enough to see that a view, trigger or query is over a table.

Too many rather than too few: a column that is called like a table counts as the table.
"""

from __future__ import annotations

import re

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_TEXT = re.compile(r"'(?:[^']|'')*'")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"|`((?:[^`]|``)*)`|\[([^\]]*)\]')
_BARE = re.compile(r"[^\W\d][\w$]*")


def names_in(sql: str) -> frozenset[str]:
    """Folded to one case, quotes taken off; texts and comments are left out."""
    rest = _TEXT.sub(" ", _COMMENT.sub(" ", sql))
    found = {quoted.casefold() for groups in _QUOTED.findall(rest) for quoted in groups if quoted}
    found |= {bare.casefold() for bare in _BARE.findall(_QUOTED.sub(" ", rest))}
    return frozenset(found)
