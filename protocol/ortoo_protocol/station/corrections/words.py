"""States of a correction, where a word alone would mean something else: `passed` is what a check is
elsewhere, `accepted` of a request that it was taken on."""

from __future__ import annotations

from ortoo_protocol.i18n import mark

SAID = {"passed": mark("passed on to its source"), "accepted": mark("answer accepted")}
