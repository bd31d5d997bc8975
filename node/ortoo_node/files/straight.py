"""Writing a long file straight to its disk (O_DIRECT), past the page cache.

A file of gigabytes is written once and read by nobody here: to fill the cache with it costs more
CPU than to decipher it, and drives out what the databases want there. It takes aligned memory and
whole blocks, and most file systems; elsewhere, and at the file's end, it is written as ever.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os

BLOCK_BYTES = 4096
FROM_BYTES = 16 << 20
_DIRECT = getattr(os, "O_DIRECT", 0)


class Straight:
    """Writes chunks of at most `chunk_bytes` to `descriptor`. In one thread at a time."""

    def __init__(self, descriptor: int, chunk_bytes: int) -> None:
        self._descriptor = descriptor
        self._aligned = mmap.mmap(-1, chunk_bytes)
        self._direct = self._set(bool(_DIRECT))

    def write(self, data: bytes, at: int) -> None:
        """All of `data`, at `at`. Raises OSError."""
        if self._direct and (at % BLOCK_BYTES or len(data) % BLOCK_BYTES):
            self._direct = self._set(False)
        if not self._direct:
            write_all(self._descriptor, memoryview(data), at)
            return
        with memoryview(self._aligned) as whole, whole[: len(data)] as view:
            view[:] = data
            try:
                write_all(self._descriptor, view, at)
                return
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
        self._direct = self._set(False)  # larger blocks than ours, or none of this at all
        write_all(self._descriptor, memoryview(data), at)

    def _set(self, direct: bool) -> bool:
        """Whether it is so now."""
        flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL)
        wanted = flags | _DIRECT if direct else flags & ~_DIRECT
        try:
            fcntl.fcntl(self._descriptor, fcntl.F_SETFL, wanted)
        except OSError:
            return False
        return direct

    def close(self) -> None:
        self._aligned.close()


def write_all(descriptor: int, data: memoryview, at: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, at)
        data, at = data[written:], at + written
