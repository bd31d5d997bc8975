"""How texts of the catalog are cut so that a search finds them, and what a search asks for.

Chinese has no spaces, and a word cut by a dictionary is missed when the dictionary cuts otherwise.
So a text is cut at everything that is no letter and no digit, and each piece into its overlapping
pairs of characters, plus its last character alone: 民政局 is 民政, 政局, 局. Then

- a word of several characters is the run of its pairs, one after the other: exactly the places
  where it stands, inside longer pieces too, whatever mixes in it (GIS图层, 2023年度, A类);
- one character is what pairs begin with: each begins exactly one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from ortoo_protocol.core.errors import CatalogQuery

MAX_QUERY_CHARACTERS = 200  # no name is longer
MAX_QUERY_WORDS = 16
MAX_INDEXED_CHARACTERS = 60_000  # of one field: 1,000 items of 60 characters
# Marks that are not seen or choose a shape (Mongolian ones among them), and halves of a character
# that came without the other half.
_UNSEEN = re.compile(
    "[\u00ad\u180b-\u180f\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff\ud800-\udfff]"
)
_BETWEEN = re.compile(r"[\W_]+")
_CODE = re.compile(r"[123][0-9a-z]*(/[0-9a-z]*)?")


def fold(text: str) -> str:
    """Full-width and half-width, upper and lower case are one."""
    return unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).casefold()


def pieces(text: str) -> list[str]:
    """Runs of letters and digits, folded."""
    return [piece for piece in _BETWEEN.split(fold(text[:MAX_INDEXED_CHARACTERS])) if piece]


def grams(piece: str) -> list[str]:
    """What is stored of a piece: pairs, and the last character alone."""
    return [piece[place : place + 2] for place in range(len(piece))]


def pairs(word: str) -> list[str]:
    """What a word of two characters or more is looked for by."""
    return [word[place : place + 2] for place in range(len(word) - 1)]


@dataclass(frozen=True)
class Term:
    """What stood between two spaces of a search: found where all `words` stand, or, when it may be
    the beginning of a resource's code, there."""

    words: tuple[str, ...]
    code: str = ""


NOTHING = Term(())  # is found nowhere


def terms(text: str) -> tuple[Term, ...]:
    """What `text` asks for, all of it; none when it is blank. Marks between words count for
    nothing; marks alone (such as ???) are found nowhere.

    Raises CatalogQuery.
    """
    if len(text) > MAX_QUERY_CHARACTERS:
        raise CatalogQuery(detail=f"{len(text)} > {MAX_QUERY_CHARACTERS}")
    found = [term for term in map(_term, fold(text).split()) if term.words or term.code]
    if sum(len(term.words) for term in found) > MAX_QUERY_WORDS:
        raise CatalogQuery(detail=f"> {MAX_QUERY_WORDS}")
    if not found and text.strip():
        return (NOTHING,)
    return tuple(dict.fromkeys(found))


def _term(chunk: str) -> Term:
    looks = len(chunk) > 1 and _CODE.fullmatch(chunk)
    return Term(tuple(pieces(chunk)), chunk if looks else "")
