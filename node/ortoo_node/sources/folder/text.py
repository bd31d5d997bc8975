"""Text of a file as the value of an item: what people write, made exact or left as it is.

Full-width digits, thousands separators, currency signs and the common ways to write dates and
truths are understood. Whatever is not goes on unchanged, and the gate refuses it by its column:
nothing is guessed, rounded or cut. Text items are never touched, so codes keep their zeros.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal

from ortoo_protocol.core.rows import MAX_DECIMAL_DIGITS

Change = Callable[[str], object]

_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d?)-(\d\d?)|/(\d\d?)/(\d\d?)|\.(\d\d?)\.(\d\d?)|(\d\d)(\d\d)"
    r"|年(\d\d?)月(\d\d?)日)",
    re.ASCII,
)
_TIME = re.compile(
    r"(?:T|\s*)(\d\d?)(?::|时|点)(\d\d?)(?:(?::|分)(\d\d?)?秒?(?:\.(\d{1,6}))?)?"
    r"\s*(Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_COMPACT = re.compile(r"\d{14}", re.ASCII)
# What needs no change: nearly everything that a program wrote.
_CANONICAL = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TRUE = frozenset(("1", "true", "t", "yes", "y", "是", "真", "√"))
_FALSE = frozenset(("0", "false", "f", "no", "n", "否", "假", "×"))
# Full-width forms of ASCII, and signs that stand for nothing in a number.
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_WIDE |= {0x3000: 0x20, 0x2212: 0x2D, 0xFFE5: None, 0xA5: None}  # type: ignore[dict-item]


def change_of(letter: str) -> Change:
    """From text to the value of an item of type `letter`; empty text is no value."""
    return _CHANGES[letter]


def _plain(text: str) -> str:
    """Full-width characters as ASCII ones, without spaces around."""
    return (text if text.isascii() else text.translate(_WIDE)).strip()


def _same(text: str) -> object:
    return text or None


def _number(plain: str) -> Decimal | None:
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    if not _NUMBER.fullmatch(plain):
        return None
    number = Decimal(plain)
    # 1E+999 is six characters here and a thousand on the wire.
    return number if abs(number.adjusted()) <= MAX_DECIMAL_DIGITS else None


def _decimal(text: str) -> object:
    if _CANONICAL.fullmatch(text) and len(text) <= MAX_DECIMAL_DIGITS:
        return text
    plain = _plain(text)
    number = _number(plain)
    if number is None:
        return text if plain else None
    return format(number, "f")


def _integer(text: str) -> object:
    if text.isascii() and text.isdecimal() and len(text) < MAX_DECIMAL_DIGITS:
        return int(text)
    plain = _plain(text)
    number = _number(plain)
    if number is None:
        return text if plain else None
    return int(number) if number == number.to_integral_value() else text


def _float(text: str) -> object:
    plain = _plain(text)
    number = _number(plain)
    if number is None:
        return text if plain else None
    return float(number)


def _bool(text: str) -> object:
    plain = _plain(text).casefold()
    if plain in _TRUE or plain in _FALSE:
        return plain in _TRUE
    return text if plain else None


def _date(text: str) -> object:
    if _ISO_DATE.fullmatch(text):
        return text
    plain = _plain(text)
    found = _DATE.match(plain)
    if not found:
        return text if plain else None
    day, rest = _day(found), plain[found.end() :]
    if day is None or (rest and _clock(rest) != time(0)):
        return text
    return day.isoformat()


def _moment(text: str) -> object:
    plain = _plain(text)
    if compact := _COMPACT.fullmatch(plain):
        try:
            return datetime.strptime(compact[0], "%Y%m%d%H%M%S").isoformat()
        except ValueError:
            return text
    found = _DATE.match(plain)
    if not found:
        return text if plain else None
    day, rest = _day(found), plain[found.end() :]
    clock = _clock(rest) if rest else time(0)
    if day is None or clock is None:
        return text
    return datetime.combine(day, clock).isoformat()


def _day(found: re.Match[str]) -> date | None:
    year, month, day = (int(part) for part in found.groups() if part is not None)
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _clock(text: str) -> time | None:
    found = _TIME.fullmatch(text)
    if not found:
        return None
    hour, minute, second, fraction, offset = found.groups()
    micro = int((fraction or "").ljust(6, "0"))
    zone = offset or ""
    if len(zone) == 5:
        zone = f"{zone[:3]}:{zone[3:]}"
    try:
        naive = time(int(hour), int(minute), int(second or 0), micro)
        return time.fromisoformat(naive.isoformat() + zone)
    except ValueError:
        return None


def _bytes(text: str) -> object:
    if not text:
        return None
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return text


_CHANGES: dict[str, Change] = {
    "C": _same,
    "M": _same,
    "N": _decimal,
    "Y": _decimal,
    "I": _integer,
    "B": _float,
    "F": _float,
    "L": _bool,
    "D": _date,
    "T": _moment,
    "G": _bytes,
}
