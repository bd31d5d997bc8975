"""What a password must be (口令策略), and the names of accounts.

One rule covers names and common passwords alike: what is left of it without them must still be
long enough to guess at. Rules of kinds of characters are GB/T 22239's (复杂度要求).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from ortoo_protocol.core.errors import AccountName, AccountPassword

MAX_PASSWORD_CHARACTERS = 256
LEAST_LEFT = 5
LEAST_DIFFERENT = 6
_NAME = re.compile(r"\w(?:[\w.@-]{0,62}\w)?")
_LOOKS = str.maketrans("@4310$5!7", "aaeiossit")

# The commonest parts of passwords in China and elsewhere, letters and keyboard walks alike.
COMMON = (
    "1234567890", "123456789", "12345678", "1234567", "123456", "12345", "0987654321", "987654321",
    "87654321", "654321", "54321", "123123", "112233", "121212", "147258369", "147258", "159357",
    "1qaz2wsx3edc", "1qaz2wsx", "1q2w3e4r5t", "1q2w3e4r", "1q2w3e", "1qaz", "2wsx", "3edc",
    "qwertyuiop", "qwerty", "qwert", "asdfghjkl", "asdfgh", "asdf", "zxcvbnm", "zxcvbn", "zxcv",
    "qazwsx", "abcdefg", "abcdef", "abcde", "abc123", "abcd", "aabbcc", "a123456",
    "password", "passwd", "passw0rd", "admin", "administrator", "root", "guest", "test", "user",
    "login", "welcome", "letmein", "master", "monkey", "dragon", "sunshine", "princess", "iloveyou",
    "football", "baseball", "shadow", "superman", "batman", "michael", "trustno1", "secret",
    "woaini", "5201314", "1314520", "520520", "1314", "520", "aini", "wodemima", "mima",
    "zhangwei", "wangwei", "wang", "zhang", "beijing", "zhongguo", "china", "huawei", "tencent",
    "neimenggu", "neimeng", "huhehaote", "hohhot", "baotou", "hulunbeier", "eerduosi", "ordos",
    "government", "zhengwu", "shuju", "gongxiang", "mulu", "ortoo", "changeme", "default", "system",
    "2023", "2024", "2025", "2026", "2027", "2028", "888888", "8888", "666666", "6666", "000000",
    "0000", "111111", "1111", "999999", "9999",
)  # fmt: skip


@dataclass(frozen=True)
class PasswordRules:
    """`least`: characters. `kinds`: of small letters, capitals, digits, others."""

    least: int = 10
    kinds: int = 3


def normal(password: str) -> str:
    """As it is hashed: the same characters however a keyboard composed them (RFC 8265, 4.2)."""
    return unicodedata.normalize("NFC", password)


def check_password(rules: PasswordRules, password: str, about: Iterable[str]) -> None:
    """`about`: what others know of the person: account, name, organisation. Raises
    AccountPassword."""
    text = normal(password)
    if len(text) < rules.least:
        detail = "it is too short"
        raise AccountPassword(detail=detail, least=rules.least)
    if len(text) > MAX_PASSWORD_CHARACTERS:
        detail = "it is too long"
        raise AccountPassword(detail=detail, least=rules.least)
    if any(unicodedata.category(each) == "Cc" for each in text):
        detail = "it has characters that cannot be seen"
        raise AccountPassword(detail=detail, least=rules.least)
    if _kinds(text) < rules.kinds:
        detail = "it has too few kinds of characters (small letters, capitals, digits, others)"
        raise AccountPassword(detail=detail, least=rules.least)
    if len(set(text.casefold())) < LEAST_DIFFERENT:
        detail = "it repeats few characters"
        raise AccountPassword(detail=detail, least=rules.least)
    if _left(text, about) < LEAST_LEFT:
        detail = "it is hardly more than a name or a common password"
        raise AccountPassword(detail=detail, least=rules.least)


def _kinds(text: str) -> int:
    small, capital = any(each.islower() for each in text), any(each.isupper() for each in text)
    other = any(not (each.isalpha() and each.isascii()) and not each.isdigit() for each in text)
    return small + capital + any(each.isdigit() for each in text) + other


def _left(text: str, about: Iterable[str]) -> int:
    """Letters and digits that remain when names and common parts are taken out of `text`, read as
    it stands or with figures and signs as the letters they look like; whichever leaves less."""
    names = [part for each in about for part in re.split(r"[\W_]+", each.casefold())]
    words = sorted({*COMMON, *(part for part in names if len(part) > 1)}, key=len, reverse=True)
    plain = text.casefold()
    return min(_without(form, words) for form in (plain, plain.translate(_LOOKS)))


def _without(text: str, words: Iterable[str]) -> int:
    for word in words:
        text = text.replace(word, " ")
    return sum(each.isalnum() for each in text)


def account_name(typed: str) -> str:
    """The name of an account however it was typed: one case, one width."""
    return unicodedata.normalize("NFKC", typed).casefold().strip()


def check_account_name(typed: str) -> str:
    """`account_name` of what may become one. Raises AccountName."""
    name = account_name(typed)
    if not _NAME.fullmatch(name):
        raise AccountName(name=typed[:64])
    return name
