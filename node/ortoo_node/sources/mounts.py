"""Which file systems lay where files were found: an empty mount point is no emptied folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from ortoo_protocol.core.errors import SourceFolder


def device(folder: Path) -> int | None:
    """The number of its file system; None: it is not there."""
    try:
        return os.stat(folder).st_dev
    except FileNotFoundError:
        return None


def seen(top: Path, names: Iterable[str]) -> dict[str, int]:
    """By folder (from `top`, "" itself), the file systems that begin there, of the files `names`
    below `top`."""
    folders = {str(folder) for name in names for folder in PurePosixPath(name).parents} | {"."}
    devices = {folder: device(top / folder) for folder in folders}
    return {
        "" if folder == "." else folder: number
        for folder, number in devices.items()
        if number is not None
        and (folder == "." or number != devices[str(PurePosixPath(folder).parent)])
    }


def check(top: Path, names: Iterable[str], known: Mapping[str, int]) -> None:
    """What `seen` said when files were there. Raises SourceFolder: where some were there is none
    now, and another file system; whoever took the files away left the file system."""
    left = list(names)
    for folder, number in known.items():
        if any(name.startswith(f"{folder}/" if folder else "") for name in left):
            continue
        if device(top / folder) not in (number, None):
            detail = "it is empty and on another file system than its files were"
            raise SourceFolder(path=top / folder, detail=detail)


def written(devices: Mapping[str, int]) -> str:
    return json.dumps({"devices": devices}, sort_keys=True)


def read(mark: str) -> dict[str, int]:
    """As `written`; what is nothing of ours says nothing."""
    try:
        found = json.loads(mark)["devices"]
        return {str(folder): int(number) for folder, number in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
