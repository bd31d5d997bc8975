"""Addresses of pages: which are pages, which are one page of different things, where one leads."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

# What stands for one thing of many: two paths that differ there alone are the same page.
_ONE_OF_MANY = re.compile(r"[0-9a-f]{16,}|[0-9]+")
# Papers and downloads are no pages of the console.
_OTHER = re.compile(
    r"/(papers|attachments|download|export|file|static|language|live)(/|$)|\.[a-z]{2,5}$"
)
FORMS = "/act/"
_LINK = re.compile(r'<a [^>]*?href="(/[^"]*)"([^>]*)>')


def shape(path: str) -> str:
    """What all pages of one kind have in common."""
    return _ONE_OF_MANY.sub("…", urlsplit(path).path)


def name_of(path: str) -> str:
    """For a file."""
    plain = _ONE_OF_MANY.sub("one", urlsplit(path).path)
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-") or "today"


def is_page(path: str) -> bool:
    plain = urlsplit(path).path
    return plain.startswith(FORMS) or not _OTHER.search(plain)


def leading(page: str) -> list[str]:
    """Where the links of a page's own part lead."""
    own = page.partition("<main")[2].partition("</main>")[0]
    return [html.unescape(path) for path, more in _LINK.findall(own) if "download" not in more]


def new_shapes(found: Iterable[str], seen: set[str], *, every_form: bool = True) -> list[str]:
    """One path of each page that is not in `seen`, where it is put. Forms are one template: one of
    them, unless `every_form`."""
    fresh = []
    for path in found:
        one = FORMS if path.startswith(FORMS) and not every_form else shape(path)
        if is_page(path) and one not in seen:
            seen.add(one)
            fresh.append(path)
    return fresh
