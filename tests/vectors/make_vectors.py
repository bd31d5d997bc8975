"""Make the vectors of this folder again: ``python -m tests.vectors.make_vectors``.

Everything is fixed: seeds and random draws are SHAKE-256 of a label, times are given. No vector
depends on how a library compresses: the one zstd frame is put together by hand.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from ortoo_protocol.core import frames
from tests.vectors import (
    of_envelopes,
    of_feeds,
    of_journals,
    of_kinds,
    of_strings,
    of_trust,
    of_workdays,
)

FOLDER = Path(__file__).parent
FILES: dict[str, Callable[[], dict[str, Any]]] = {
    "strings.json": of_strings.make,
    "envelopes.json": of_envelopes.make,
    "kinds.json": of_kinds.make,
    "feeds.json": of_feeds.make,
    "journal.json": of_journals.make,
    "trust.json": of_trust.make,
    "workdays.json": of_workdays.make,
}


def text_of(name: str) -> str:
    with mock.patch.object(frames, "compress", lambda content: (content, False)):
        made = FILES[name]()
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    for each in FILES:
        (FOLDER / each).write_text(text_of(each), encoding="utf-8")
        sys.stdout.write(f"{each}\n")
