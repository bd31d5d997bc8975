"""Masks (脱敏): what a grant shows of an item instead of its value.

    partial(n,m)    the first n and the last m characters, * for each one between
    name            partial(1,0): the surname stays
    id-card         partial(6,4): division and last four; the day of birth goes
    phone           partial(3,4)
    bank-card       partial(4,4)
    hash            32 hexadecimal digits, keyed with a secret of this grant alone
    year, month     of a date or a moment
    range(s)        ``[20,30)``: the step of width s that holds the number
    age(a,b,…)      ``18-34``: bands that begin at 0, a, b, …
    division(p)     province, city or county of a division code, zeros behind it
    suppress        nothing

A mask is a text in exactly this form, so one mask has one text and a scope one feed. It shows no
more than it says: a value that is too short for what would be kept is starred whole, one that does
not have the form that its mask needs is left out. How long a text is, and whether there is a value
at all, stays visible under `partial`. The reader's table bears the type that the mask makes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal
from itertools import pairwise

import msgspec

from ortoo_protocol.core.catalog import Item
from ortoo_protocol.core.codec import Packed, Scalar
from ortoo_protocol.core.errors import GrantScope
from ortoo_protocol.core.feeds import Column
from ortoo_protocol.core.ids import ColumnName, Plane
from ortoo_protocol.core.keys import Suite, domain

HASH_BYTES = 16
MAX_KEPT = 64
MAX_BANDS = 20
_HASH = "hash"
_FORM = re.compile(r"([a-z-]{1,16})(?:\(([0-9a-z.,]{1,128})\))?", re.ASCII)
_COUNT = re.compile(r"0|[1-9][0-9]{0,2}", re.ASCII)
_STEP = re.compile(r"(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{0,5}[1-9])?", re.ASCII)
_READY = {"name": (1, 0), "id-card": (6, 4), "phone": (3, 4), "bank-card": (4, 4)}
_DIGITS_OF = {"province": 2, "city": 4, "county": 6}
_DIVISION_LENGTHS = (2, 4, 6, 9, 12)
_EXACT = Context(prec=700, rounding=ROUND_FLOOR)  # more digits than a value or a float has

_encode: Callable[[object], bytes] = msgspec.msgpack.Encoder().encode  # as rows are encoded

Change = Callable[[Scalar], Scalar]


class Mask(Packed, frozen=True):
    """One item and how it is masked."""

    column: ColumnName
    mask: str


@dataclass(frozen=True)
class Masking:
    """A mask as it was understood. `change` is handed the key of `hash` masks."""

    types: frozenset[str]
    makes: Callable[[Column], Column]
    change: Callable[[bytes, Suite, Plane], Change]
    hashes: bool = False


# --- what may stand in a grant ------------------------------------------------------------------


def check_masks(masks: Sequence[Mask], items: Collection[str]) -> None:
    """What everyone who reads a grant can tell: the form, each column once and among `items`
    (empty: all). Raises GrantScope."""
    for mask in masks:
        parse(mask.mask)
        if items and mask.column not in items:
            raise GrantScope(detail=f"a mask for {mask.column}, which is not granted")
    if len({mask.column for mask in masks}) != len(masks):
        raise GrantScope(detail="two masks for one item")


def check_fit(masks: Sequence[Mask], items: Sequence[Item]) -> None:
    """Whether the masks fit the items of the resource. A key must still tell rows apart, so it is
    hashed or stays as it is. Raises GrantScope."""
    known = {item.column: item for item in items}
    for mask in masks:
        item, masking = known.get(mask.column), parse(mask.mask)
        if item is None:
            raise GrantScope(detail=f"no such items: {mask.column}")
        if item.key and not masking.hashes:
            raise GrantScope(detail=f"{mask.column} is a key: it may only be masked by hash")
        if item.type not in masking.types:
            detail = f"{mask.mask} does not fit {mask.column}, which is of type {item.type}"
            raise GrantScope(detail=detail)


def needs_key(masks: Sequence[Mask]) -> bool:
    """Whether these masks hash, so that their view belongs to one grant alone."""
    return any(parse(mask.mask).hashes for mask in masks)


# --- the masks ----------------------------------------------------------------------------------


def parse(text: str) -> Masking:
    """Raises GrantScope."""
    form = _FORM.fullmatch(text)
    if form is not None:
        name, given = form[1], form[2]
        arguments = given.split(",") if given is not None else []
        made = _MAKERS[name](name, arguments) if name in _MAKERS else None
        if made is not None:
            return made
    raise GrantScope(detail=f"{text[:40]!r} is no mask")


def _partial(name: str, arguments: list[str]) -> Masking | None:
    if name in _READY:
        if arguments:
            return None
        first, last = _READY[name]
    else:
        if len(arguments) != 2 or not all(_COUNT.fullmatch(each) for each in arguments):
            return None
        first, last = map(int, arguments)
        if max(first, last) > MAX_KEPT:
            return None
    kept = first + last

    def change(value: Scalar) -> Scalar:
        if value is None:
            return None
        text = str(value)
        if len(text) <= kept:
            return "*" * len(text)
        return text[:first] + "*" * (len(text) - kept) + text[len(text) - last :]

    return Masking(frozenset("CMNYI"), _starred, lambda _key, _suite, _plane: change)


def _starred(column: Column) -> Column:
    if column.type in "CM":
        return column
    return Column(column.name, "C", 0)


def _hash(_name: str, arguments: list[str]) -> Masking | None:
    if arguments:
        return None

    def keyed(key: bytes, suite: Suite, plane: Plane) -> Change:
        # Of a domain string with one part all but that part and its length is the same each time.
        beginning = domain("ortoo/mask", plane, b"")[:-4]

        def change(value: Scalar) -> Scalar:
            if value is None:
                return None
            part = _encode(value)
            context = beginning + len(part).to_bytes(4, "big") + part
            return suite.kdf(key, context, HASH_BYTES).hex()

        return change

    return Masking(frozenset("CMNYIDT"), _text(2 * HASH_BYTES), keyed, hashes=True)


def _text(length: int) -> Callable[[Column], Column]:
    return lambda column: Column(column.name, "C", length)


def _plain(types: str, length: int, change: Change) -> Masking:
    """A mask whose outcome is text, nothing for nothing."""
    return Masking(
        frozenset(types),
        _text(length),
        lambda _key, _suite, _plane: lambda value: None if value is None else change(value),
    )


def _cut(length: int) -> Callable[[str, list[str]], Masking | None]:
    def maker(_name: str, arguments: list[str]) -> Masking | None:
        return None if arguments else _plain("DT", length, lambda value: str(value)[:length])

    return maker


def _range(_name: str, arguments: list[str]) -> Masking | None:
    if len(arguments) != 1 or not _STEP.fullmatch(arguments[0]):
        return None
    width = Decimal(arguments[0])
    if not width:
        return None

    def change(value: Scalar) -> Scalar:
        number = Decimal(repr(value) if type(value) is float else str(value))
        lower = _EXACT.multiply(_EXACT.quantize(_EXACT.divide(number, width), Decimal(1)), width)
        return f"[{_digits(lower)},{_digits(_EXACT.add(lower, width))})"

    return _plain("NYIBF", 0, change)


def _digits(number: Decimal) -> str:
    return format(number or abs(number), "f")  # no -0


def _age(_name: str, arguments: list[str]) -> Masking | None:
    if not 1 <= len(arguments) <= MAX_BANDS or not all(map(_COUNT.fullmatch, arguments)):
        return None
    bounds = [0, *map(int, arguments)]
    if sorted(set(bounds)) != bounds:
        return None
    bands = [f"{low}-{high - 1}" for low, high in pairwise(bounds)]
    bands.append(f"{bounds[-1]}+")

    def change(value: Scalar) -> Scalar:
        age = Decimal(str(value))
        return bands[bisect_right(bounds, age) - 1] if age >= 0 else None

    return _plain("NI", 0, change)


def _division(_name: str, arguments: list[str]) -> Masking | None:
    if len(arguments) != 1 or arguments[0] not in _DIGITS_OF:
        return None
    kept = _DIGITS_OF[arguments[0]]

    def change(value: Scalar) -> Scalar:
        text = str(value)
        if len(text) not in _DIVISION_LENGTHS or not (text.isascii() and text.isdigit()):
            return None
        return text[:kept].ljust(len(text), "0")

    return _plain("C", max(_DIVISION_LENGTHS), change)


def _suppress(_name: str, arguments: list[str]) -> Masking | None:
    if arguments:
        return None
    return Masking(
        frozenset("CNYDTLMGBIF"),
        lambda column: column,
        lambda _key, _suite, _plane: lambda _value: None,
    )


_MAKERS: dict[str, Callable[[str, list[str]], Masking | None]] = {
    "partial": _partial,
    **dict.fromkeys(_READY, _partial),
    _HASH: _hash,
    "year": _cut(4),
    "month": _cut(7),
    "range": _range,
    "age": _age,
    "division": _division,
    "suppress": _suppress,
}
