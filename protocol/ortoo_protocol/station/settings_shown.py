"""Settings as people may see them: what is in force, where it stands in the file, whether the file
says something else by now. Secrets stand in files of their own, of which the name is shown and
whether it can be used; what an address holds behind `?` or before `@` is left out all the same.
"""

from __future__ import annotations

import enum
import platform
import re
import sqlite3
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ortoo_protocol.core.errors import OrtooError, SettingsSecret
from ortoo_protocol.station.control_client import error_to
from ortoo_protocol.station.settings import (
    FILE_NAME,
    MAX_FILE_BYTES,
    Settings,
    Table,
    lines_of,
    load,
    read_secret,
)

_SECRET_FILES = ("password_file", "passphrase_file", "secret_file", "token_file", "url_file",
                 "headers_file")  # fmt: skip
_URL = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]*://)(?:[^/?#]*@)?([^?#]*)(\?.*)?(#.*)?$", re.DOTALL)


def shown(settings: Settings) -> dict[str, Any]:
    """`file`: where the settings stand, "" where that is not known (they were named on the command
    line and lie elsewhere); `changed`: it says something else than what is in force; `error`: with
    what it says now nothing would start."""
    file = settings.folder / FILE_NAME
    lines, changed, error = _file(file, settings)
    sections = [
        {"name": name, "line": lines.get(name, 0), "entries": entries}
        for name, entries in _sections(settings, lines)
    ]
    return {
        "file": str(file) if lines else "",
        "changed": changed,
        "error": None if error is None else error_to(error),
        "sections": sections,
    }


def versions(own: str) -> dict[str, str]:
    return {
        "Ortoo": own,
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "OpenSSL": ssl.OPENSSL_VERSION,
        "System": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def without_secrets(value: str) -> str:
    """An address without user, password and query; any other text as it is."""
    found = _URL.match(value)
    if found is None:
        return value
    return f"{found[1]}{found[2]}{'?…' if found[3] else ''}"


def _file(file: Path, settings: Settings) -> tuple[dict[str, int], bool, OrtooError | None]:
    try:
        raw = file.read_bytes()[:MAX_FILE_BYTES]
        lines = lines_of(raw.decode(errors="replace"))
    except OSError:
        return {}, False, None
    try:
        return lines, load(file, type(settings)) != settings, None
    except OrtooError as error:
        return lines, True, error


def _sections(
    settings: Settings, lines: Mapping[str, int]
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Each table of the file, and each of a list of tables, as a section."""
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        if isinstance(value, Table):
            yield name, list(_entries(value, name, lines))
        elif isinstance(value, tuple):
            for index, one in enumerate(value):
                yield f"{name}[{index}]", list(_entries(one, f"{name}[{index}]", lines))


def _entries(table: Table, name: str, lines: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    defaults = {field.name: field.default for field in msgspec.structs.fields(table)}
    for key in table.__struct_fields__:
        value, full = getattr(table, key), f"{name}.{key}"
        if isinstance(value, Table):
            yield from _entries(value, full, lines)
        elif isinstance(value, tuple) and value and isinstance(value[0], Table):
            for index, one in enumerate(value):
                yield from _entries(one, f"{full}[{index}]", lines)
        else:
            yield {
                "key": full,
                "value": _text(value),
                "line": lines.get(full, 0),
                "default": full not in lines and value == defaults.get(key),
                "secret": _secret(key, value),
            }


def _secret(key: str, value: object) -> str:
    """Whether it could be read: usable, or the code of the trouble; "" where it names none."""
    if key not in _SECRET_FILES or not isinstance(value, Path):
        return ""
    try:
        read_secret(value)
    except SettingsSecret as error:
        return error.code
    return "usable"


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case enum.Enum():
            return str(value.value)
        case str():
            return without_secrets(value)
        case tuple() | list():
            return ", ".join(_text(each) for each in value)
        case dict():  # what it maps to may be an account of a gateway
            return ", ".join(f"{name} = …" for name in value)
        case msgspec.Struct():
            return ", ".join(
                f"{name} = {_text(getattr(value, name))}" for name in value.__struct_fields__
            )
    return str(value)
