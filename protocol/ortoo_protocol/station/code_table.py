"""The table of codes that the settings name, read from its file."""

from __future__ import annotations

from pathlib import Path

from ortoo_protocol.core.catalog.codes import Scheme, from_csv, from_toml
from ortoo_protocol.core.errors import CatalogScheme

MAX_FILE_BYTES = 4 << 20


def read_scheme(path: Path) -> Scheme:
    """Raises CatalogScheme."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
        text = raw.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogScheme(detail=f"{path}: {error}") from None
    if len(raw) > MAX_FILE_BYTES:
        raise CatalogScheme(detail=f"{path}: > {MAX_FILE_BYTES >> 20} MiB")
    try:
        if path.suffix.lower() == ".csv":
            return from_csv(text, path.stem)
        return from_toml(text)
    except CatalogScheme as error:
        raise CatalogScheme(detail=f"{path}: {error.facts['detail']}") from None
