"""Check digits at the speed of a publication; python-stdnum says what they are.

Both sums are read off one integer: a number read in base 13 is its weighted sum modulo 11
(GB 11643), one read backwards in base 34 its weighted sum modulo 31 (GB 32100). What depends on few
digits, the place and the day, is asked of the library once and remembered.
"""

from __future__ import annotations

import re
from functools import lru_cache

from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

_ID_CARD = re.compile(r"[0-9]{17}[0-9X]", re.ASCII)
_CREDIT_CODE = re.compile(r"[0-9]{8}[0-9A-HJ-NP-RTUW-Y]{10}", re.ASCII)
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: no I, O, S, V, Z
_DIGITS = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstu")
_CHECK_DIGITS = "0123456789X"


def is_id_card(value: str) -> bool:
    """公民身份号码: form, place, day of birth, check digit (`stdnum.cn.ric`), without anything
    around it: a small x is not one."""
    return (
        _ID_CARD.fullmatch(value) is not None
        and value[17] == _CHECK_DIGITS[(1 - 2 * int(value[:17], 13)) % 11]
        and _born(value[:6], value[6:14])
    )


@lru_cache(maxsize=100_000)
def _born(place: str, day: str) -> bool:
    """Whether there was this day, and then this county."""
    number = f"{place}{day}000"
    number += ric.calc_check_digit(number + "0")
    try:
        ric.validate(number)
    except ValidationError:
        return False
    return True


def is_credit_code(value: str) -> bool:
    """统一社会信用代码 (`stdnum.cn.uscc`), without anything around it."""
    return (
        _CREDIT_CODE.fullmatch(value) is not None
        and int(value[16::-1].translate(_DIGITS), 34) % 31 == (31 - _ALPHABET.index(value[17])) % 31
    )


def looks_personal(value: str) -> bool:
    """Whether this is certainly somebody's number, whatever the rules say of the column."""
    return _ID_CARD.fullmatch(value.upper()) is not None


def credit_check_digit(first_17: str) -> str:
    return str(uscc.calc_check_digit(first_17))
