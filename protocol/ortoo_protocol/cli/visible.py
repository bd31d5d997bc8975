"""Texts of others on a screen or in a log: names, reasons and error details that members wrote.

What a terminal obeys instead of showing (escape sequences, changes of writing direction, returns)
is shown as a number, so that no text can repaint the screen or pretend to be another line.
"""

from __future__ import annotations

import logging
import unicodedata

# Controls, format characters, surrogates, line and paragraph separators.
_OBEYED = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def visible(text: str, keep: str = "") -> str:
    """`text` with everything in it shown; characters in `keep` stay as they are."""
    if text.isprintable():
        return text
    return "".join(
        f"\\u{ord(char):04x}"
        if unicodedata.category(char) in _OBEYED and char not in keep
        else char
        for char in text
    )


class LineFormatter(logging.Formatter):
    """One line for each record, whatever its arguments hold; tracebacks keep their lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = visible(record.message)
        return super().formatMessage(record)
