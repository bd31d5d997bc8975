"""Entries as CSV, in the columns of the template; every row says all of its resource."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from ortoo_node.catalog.sheets.columns import COLUMNS
from ortoo_node.catalog.sheets.csv_grid import guarded
from ortoo_node.catalog.sheets.entries import rows_of
from ortoo_node.catalog.sheets.values import Shown


def write_csv(file: Path, entries: Iterable[Mapping[str, Any]], encoding: str = "utf-8-sig") -> int:
    """Write `entries`; how many. With a byte order mark, else spreadsheet programs in China take
    UTF-8 for GB18030; what GB18030 has no character for, nothing has."""
    count = 0
    with file.open("w", encoding=encoding, newline="") as out:
        writer = csv.writer(out)
        writer.writerow([column.heading for column in COLUMNS])
        for entry in entries:
            for line in rows_of(entry):
                writer.writerow([_text(line.get(column)) for column in COLUMNS])
            count += 1
    return count


def _text(value: Shown) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else guarded(str(value))
