"""Texts in cells of workbooks: what no workbook can hold replaced, nothing calculated."""

from __future__ import annotations

from typing import Any

_REPLACED = "\ufffd"


def plain(value: str) -> str:
    """Text without the characters that no workbook can hold."""
    return "".join(
        _REPLACED if (c < " " and c not in "\t\n\r") or c in "\ufffe\uffff" else c for c in value
    )


def as_text(made: Any, value: object) -> None:
    """Text stays text in its cell, whatever it begins with."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@")):
        made.data_type = "s"
        made.quotePrefix = True
