"""Check digits at the speed of a publication; python-stdnum says what they are.

Both sums are read off one integer: a number read in base 13 is its weighted sum modulo 11
(GB 11643), one read backwards in base 34 its weighted sum modulo 31 (GB 32100). What depends on few
digits, the place and the day, is asked of the library once and remembered.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from stdnum import numdb
from stdnum.cn import ric
from stdnum.exceptions import ValidationError
from stdnum.numdb import NumDB

_ID_CARD = re.compile(r"[0-9]{17}[0-9X]")
_CREDIT_CODE = re.compile(r"[0-9]{8}[0-9A-HJ-NP-RTUW-Y]{10}")
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: no I, O, S, V, Z
_DIGITS = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstu")
_CHECK_DIGITS = "0123456789X"


def is_id_card(value: str) -> bool:
    """公民身份号码: form, place, day of birth, check digit, without anything around it: a small x
    is not one.

    `stdnum.cn.ric` also wants the county to have borne its code in the year of birth. A number is
    of the place where it was given out, decades later for many who live, so here any county will do
    that ever was: a rule must not keep people out of a table.
    """
    return (
        len(value) == 18
        and value.isascii()
        and value[:17].isdigit()
        and value[17] == _CHECK_DIGITS[(1 - 2 * int(value[:17], 13)) % 11]
        and _born(value[:14])
    )


@lru_cache(maxsize=100_000)
def _born(beginning: str) -> bool:
    """Whether there ever was this county (6 digits), and this day (8)."""
    place = beginning[:6]
    try:
        ric.get_birth_date(f"{beginning}0000")
    except ValidationError:
        return False
    return any("county" in properties for _, properties in _places().info(place))


@cache
def _places() -> NumDB:
    return numdb.get("cn/loc")


def is_credit_code(value: str) -> bool:
    """统一社会信用代码 (`stdnum.cn.uscc`), without anything around it."""
    return (
        _CREDIT_CODE.fullmatch(value) is not None
        and int(value[16::-1].translate(_DIGITS), 34) % 31 == (31 - _ALPHABET.index(value[17])) % 31
    )


def looks_personal(value: str) -> bool:
    """Whether this is certainly somebody's number, whatever the rules say of the column."""
    return _ID_CARD.fullmatch(value.upper()) is not None
