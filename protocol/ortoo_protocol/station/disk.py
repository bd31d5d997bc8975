"""Folders that cannot be written, and disks that fill up; also for programs without a store."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from ortoo_protocol.core.errors import StoreError, StoreFull, StoreLow, StoreReadOnly

LOW_BYTES = 1 << 30
# Below this not even a small transaction is sure to find room, though some still may.
FULL_BYTES = 1 << 20


def file_failure(error: OSError, path: Path) -> StoreError:
    """Why the file or folder `path` could not be written."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return StoreFull(path=path) if full else StoreReadOnly(path=path)


def disk_trouble(folder: Path) -> StoreError | None:
    """StoreReadOnly, StoreFull, or StoreLow, which is a warning."""
    if not os.access(folder, os.W_OK):
        return StoreReadOnly(path=folder)
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < FULL_BYTES:
        return StoreFull(path=folder)
    return StoreLow(path=folder, free_mb=free_bytes >> 20) if free_bytes < LOW_BYTES else None
