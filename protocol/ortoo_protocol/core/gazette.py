"""Announcements (公告) of the region: what its authority tells all stations of a plane, or some.

One is said once and never edited: another takes its place, or it is withdrawn with a reason, and
both stay to be read. (What a station says of itself, keys and departments, is `announcement.py`.)
"""

from __future__ import annotations

import enum
from typing import Literal

from ortoo_protocol.core.catalog.divisions import LEAGUES
from ortoo_protocol.core.catalog.names import says_nothing
from ortoo_protocol.core.codec import Count, Shape
from ortoo_protocol.core.errors import AnnouncementInvalid
from ortoo_protocol.core.ids import HexId
from ortoo_protocol.core.law.instants import END_OF_TIME_MS

MAX_TITLE_CHARACTERS, MAX_TEXT_CHARACTERS, MAX_BY_CHARACTERS = 100, 4_000, 40
Level = Literal["information", "important", "urgent"]
LEVELS: tuple[Level, ...] = ("information", "important", "urgent")


class Standing(enum.Enum):
    """How an announcement stands at one moment."""

    COMING = "coming"
    CURRENT = "current"
    PAST = "past"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


class Announcement(Shape, frozen=True):
    """公告, on the hub's directory feed. In force from `from_ms` until before `until_ms`;
    `leagues`: codes of those addressed, none for all; `replaces`: whose place it takes."""

    announcement: HexId
    title: str
    text: str
    level: Level
    from_ms: Count
    until_ms: Count
    leagues: tuple[str, ...]
    by: str
    replaces: HexId | None = None


class AnnouncementWithdrawn(Shape, frozen=True):
    """撤回公告: it no longer counts; what it said stays on record."""

    announcement: HexId
    reason: str
    by: str


def check_announcement(one: Announcement) -> Announcement:
    """Raises AnnouncementInvalid."""
    _line("title", one.title, MAX_TITLE_CHARACTERS)
    _line("by", one.by, MAX_BY_CHARACTERS)
    _filled("text", one.text, MAX_TEXT_CHARACTERS)
    if one.from_ms >= one.until_ms:
        raise AnnouncementInvalid(field="until", detail="it ends before it begins")
    if one.until_ms >= END_OF_TIME_MS:
        raise AnnouncementInvalid(field="until", detail="no calendar reaches that far")
    if list(one.leagues) != sorted(set(one.leagues)):
        raise AnnouncementInvalid(field="leagues", detail="in order, each once")
    if unknown := [each for each in one.leagues if each not in LEAGUES]:
        raise AnnouncementInvalid(field="leagues", detail=f"{unknown[0][:20]!r} is none")
    if one.replaces == one.announcement:
        raise AnnouncementInvalid(field="replaces", detail="itself")
    return one


def check_withdrawal(body: AnnouncementWithdrawn) -> AnnouncementWithdrawn:
    """Raises AnnouncementInvalid."""
    _filled("reason", body.reason, MAX_TEXT_CHARACTERS)
    _line("by", body.by, MAX_BY_CHARACTERS)
    return body


def _filled(field: str, text: str, most: int) -> None:
    if says_nothing(text):
        raise AnnouncementInvalid(field=field, detail="it says nothing")
    if len(text) > most:
        raise AnnouncementInvalid(field=field, detail=f"above {most} characters")


def _line(field: str, text: str, most: int) -> None:
    _filled(field, text, most)
    if not text.isprintable():
        raise AnnouncementInvalid(field=field, detail="one line, without control characters")
