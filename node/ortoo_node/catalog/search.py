"""Search in the mirror: it works on this station's own store, hub or not.

Chinese has no spaces: entries are indexed by overlapping bigrams and a word is a phrase of bigrams
(FTS5's unicode61 finds nothing inside a run of Chinese, its trigram drops words of two characters);
a single character is looked for as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, Row, select, text

from ortoo_node.store.tables import catalog
from ortoo_protocol.core.catalog import Entry

MAX_FOUND = 500
_SPACES = re.compile(r"\s+")


def searchable(entry: Entry) -> str:
    """What a search looks at, folded: names, department, abstract, items."""
    parts = [entry.name, entry.code, entry.department_name, entry.abstract]
    parts += [item.name for item in entry.items]
    return fold(" ".join(parts))


def fold(words: str) -> str:
    return _SPACES.sub(" ", words).strip().casefold()


def bigrams(words: str) -> list[str]:
    """Overlapping pairs of characters, each as hex so that the tokenizer keeps it whole."""
    return [f"{ord(first):x}x{ord(second):x}" for first, second in pairwise(words)]


def search(conn: Connection, words: str, limit: int) -> Sequence[Row[Any]]:
    """Entries that hold every word of `words`; published ones first, then by name."""
    query = select(catalog)
    for word in fold(words).split(" "):
        if len(word) > 1 and conn.dialect.name == "sqlite":
            phrase = '"' + " ".join(bigrams(word)) + '"'
            found = text("SELECT code FROM catalog_text WHERE catalog_text MATCH :phrase")
            codes = conn.execute(found, {"phrase": phrase}).scalars().all()
            query = query.where(catalog.c.code.in_(codes))
        elif word:
            query = query.where(catalog.c.text.contains(word, autoescape=True))
    order = (catalog.c.status, catalog.c.name)
    return conn.execute(query.order_by(*order).limit(min(limit, MAX_FOUND))).all()
