"""From what stands in a cell to the value of a field, and back.

`read` gets the text of a cell that is not empty and raises a CellError when it means nothing;
`show` gives what a cell is written with. What is longer than the catalog allows, or against its
rules, passes here: the rules of an entry say so once for every way in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Protocol

from stdnum.cn import uscc
from stdnum.exceptions import InvalidChecksum, InvalidFormat, InvalidLength, ValidationError

from ortoo_node.catalog.sheets.choices import Choices
from ortoo_node.sources.folder.text import change_of
from ortoo_protocol.core.errors import (
    CellChoice,
    CellDate,
    CellDepartment,
    CellLength,
    CellNumber,
)
from ortoo_protocol.i18n import mark

CHINA = timezone(timedelta(hours=8))
_FIRST_DAY = date(1899, 12, 30)  # of the days that spreadsheet programs count
_SERIAL_DAYS = range(20_000, 80_000)
_SEPARATORS = re.compile(r"[、，,;；\n|｜]+")
_STRONG = re.compile(r"[;；\n]+")  # between free words, where one of them holds another separator
_CODE_SEPARATORS = re.compile(r"[、，,;；|｜\s]+")
_SHOWN_CHARACTERS = 40
_DECIMAL = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
Shown = str | int | float | date | None


class Kind(Protocol):
    def read(self, text: str) -> object: ...

    def show(self, value: object) -> Shown: ...


def brief(text: str) -> str:
    """The beginning of a text, for a sentence about it."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHOWN_CHARACTERS else flat[: _SHOWN_CHARACTERS - 1] + "…"


def narrow(text: str) -> str:
    """Full-width characters as ordinary ones, without spaces around."""
    return unicodedata.normalize("NFKC", text).strip()


@dataclass(frozen=True)
class Text:
    """Kept as people wrote it."""

    def read(self, text: str) -> object:
        return text.strip()

    def show(self, value: object) -> Shown:
        return str(value)


@dataclass(frozen=True)
class Code:
    """A code: narrow, in capitals if `capital`, without spaces inside."""

    capital: bool = False

    def read(self, text: str) -> object:
        code = "".join(narrow(text).split())
        return code.upper() if self.capital else code

    def show(self, value: object) -> Shown:
        return str(value)


@dataclass(frozen=True)
class CreditCode(Code):
    """统一社会信用代码 (GB 32100), with its check digit."""

    capital: bool = True

    def read(self, text: str) -> object:
        code = str(super().read(text))
        try:
            uscc.validate(code)
        except InvalidLength:
            raise self._refused(code, mark("it has not 18 characters")) from None
        except InvalidChecksum:
            raise self._refused(code, mark("its check digit does not fit the others")) from None
        except InvalidFormat:
            raise self._refused(code, mark("it holds characters that none has")) from None
        except ValidationError as error:
            raise self._refused(code, str(error)) from None
        return code

    @staticmethod
    def _refused(code: str, detail: str) -> CellDepartment:
        return CellDepartment(shown=brief(code), detail=detail)


@dataclass(frozen=True)
class Pick:
    """One of a closed list."""

    choices: Choices

    def read(self, text: str) -> object:
        try:
            return self.choices.find(text)
        except KeyError:
            listed = "、".join(self.choices.shown)
            raise CellChoice(shown=brief(text), choices=listed) from None

    def show(self, value: object) -> Shown:
        return self.choices.label(value)


@dataclass(frozen=True)
class Picks:
    """Some of a closed list."""

    choices: Choices

    def read(self, text: str) -> object:
        pick = Pick(self.choices)
        return list(dict.fromkeys(pick.read(word) for word in _words(_SEPARATORS, text)))

    def show(self, value: object) -> Shown:
        return "、".join(_texts(value))


@dataclass(frozen=True)
class Words:
    """Free words, one or more."""

    def read(self, text: str) -> object:
        separators = _STRONG if _STRONG.search(text) else _SEPARATORS
        return list(dict.fromkeys(_words(separators, text)))

    def show(self, value: object) -> Shown:
        words = _texts(value)
        if any(_SEPARATORS.search(word) for word in words):
            return "".join(f"{word}；" for word in words)
        return "、".join(words)


@dataclass(frozen=True)
class Codes:
    def read(self, text: str) -> object:
        return list(dict.fromkeys(filter(None, _CODE_SEPARATORS.split(narrow(text).upper()))))

    def show(self, value: object) -> Shown:
        return "、".join(_texts(value))


@dataclass(frozen=True)
class Length:
    """数据长度: a whole number of 1 or more."""

    def read(self, text: str) -> object:
        number = change_of("I")(text)
        if not isinstance(number, int):
            raise CellNumber(shown=brief(text), example="18")
        if not 1 <= number <= 1 << 31:
            raise CellLength(shown=brief(text))
        return number

    def show(self, value: object) -> Shown:
        return value if isinstance(value, int) and value else None


@dataclass(frozen=True)
class Decimal:
    """A number of 0 or more, exact: kept as text."""

    def read(self, text: str) -> object:
        number = change_of("N")(text)
        if not isinstance(number, str) or not _DECIMAL.fullmatch(number):
            raise CellNumber(shown=brief(text), example="12.5")
        return number

    def show(self, value: object) -> Shown:
        text = str(value)
        if _DECIMAL.fullmatch(text) and len(text) <= 15:
            number = float(text) if "." in text else int(text)
            if str(number) == text:
                return number
        return text


@dataclass(frozen=True)
class Day:
    """A day, kept as the millisecond in which it began in China."""

    def read(self, text: str) -> object:
        plain = narrow(text)
        if plain.isascii() and plain.isdecimal() and len(plain) == 5:
            serial = int(plain)
            if serial in _SERIAL_DAYS:
                return self.ms_of(_FIRST_DAY + timedelta(days=serial))
        found = change_of("T")(plain)
        try:
            return self.ms_of(datetime.fromisoformat(str(found)).date())
        except (ValueError, OverflowError):
            raise CellDate(shown=brief(text)) from None

    @staticmethod
    def ms_of(day: date) -> int:
        ms = int(datetime(day.year, day.month, day.day, tzinfo=CHINA).timestamp() * 1000)
        if ms < 0:
            raise CellDate(shown=day.isoformat())
        return ms

    def show(self, value: object) -> Shown:
        if not isinstance(value, int) or not value:
            return None
        try:
            return datetime.fromtimestamp(value / 1000, CHINA).date()
        except (ValueError, OverflowError, OSError):
            return str(value)


def _words(separators: re.Pattern[str], text: str) -> list[str]:
    return [word for part in separators.split(text) if (word := part.strip())]


def _texts(value: object) -> Sequence[str]:
    return [str(each) for each in value] if isinstance(value, (list, tuple)) else [str(value)]
