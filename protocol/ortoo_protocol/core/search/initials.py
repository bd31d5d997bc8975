"""Initials of pinyin (拼音首字母): zdshbz finds 最低生活保障, for hands that type without a Chinese
input method. A help, not a dictionary: a character is read as it mostly is, unless it stands in a
word that is known to be read otherwise (银行 yh, 行政 xz)."""

from __future__ import annotations

from functools import lru_cache

from ortoo_protocol.core.search.words import pieces

FIRST, LAST = 0x4E00, 0x9FFF
MAX_CHARACTERS = 400


def initials(text: str) -> str:
    """The initials of each piece of `text`, pieces apart; Latin letters and digits as they are."""
    return " ".join(_of(piece) for piece in pieces(text[:MAX_CHARACTERS]))


def _of(piece: str) -> str:
    letters, words, longest = _tables()
    found: list[str] = []
    place = 0
    while place < len(piece):
        for length in range(min(longest, len(piece) - place), 1, -1):
            known = words.get(piece[place : place + length])
            if known:
                found.append(known)
                place += length
                break
        else:
            character = piece[place]
            if FIRST <= ord(character) <= LAST:
                letter = letters[ord(character) - FIRST]
                found.append(character if letter == "?" else letter)
            else:
                found.append(character)
            place += 1
    return "".join(found)


@lru_cache(maxsize=1)
def _tables() -> tuple[str, dict[str, str], int]:
    # Imported when the first entry is indexed: a command line that only asks needs none of it.
    from ortoo_protocol.core.search.initials_table import LETTERS, WORDS

    words = dict(pair.split("=") for pair in WORDS.split())
    return LETTERS, words, max(map(len, words))
