"""What was read of a folder, as the text that the publisher keeps with the rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from ortoo_node.sources.folder.rows import Asked
from ortoo_node.sources.folder.settled import Found
from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.station.control_client import error_to

DIGEST_CHARACTERS = 32


class Read(msgspec.Struct, frozen=True, array_like=True):
    """A file as it was read. `error`: why nothing of it was (`control_client.error_to`); it is
    tried again once it changes."""

    size: int
    mtime_ns: int
    digest: str
    error: dict[str, Any] | None = None

    @classmethod
    def of(cls, found: Found, digest: str, error: OrtooError | None = None) -> Read:
        said = None if error is None else error_to(error)
        return cls(found.stamp.size, found.stamp.mtime_ns, digest[:DIGEST_CHARACTERS], said)

    def is_state_of(self, found: Found) -> bool:
        return (self.size, self.mtime_ns) == (found.stamp.size, found.stamp.mtime_ns)


class Mark(msgspec.Struct):
    """`asked`: what files were read as; under other columns or options all are read again.
    `newest`: (mtime, name) of the newest whole file; an older one never follows it."""

    asked: str
    newest: tuple[int, str] = (0, "")
    files: dict[str, Read] = {}

    def keep_only(self, there: Iterable[str]) -> None:
        """Files that were taken away need not be remembered."""
        names = set(there)
        self.files = {name: read for name, read in self.files.items() if name in names}

    def text(self) -> str:
        return msgspec.json.encode(self, order="sorted").decode("utf-8", "strict")


def read_mark(text: str, asked: Asked, key: Iterable[str]) -> Mark:
    """A mark that cannot be read, as of another kind of source, is the beginning."""
    fingerprint = _fingerprint(asked, key)
    try:
        known = msgspec.json.decode(text, type=Mark) if text else Mark(fingerprint)
    except (msgspec.DecodeError, UnicodeError):
        return Mark(fingerprint)
    return known if known.asked == fingerprint else Mark(fingerprint)


def _fingerprint(asked: Asked, key: Iterable[str]) -> str:
    everything = [asked.columns, asked.headers, asked.options, list(key)]
    return hashlib.sha256(msgspec.json.encode(everything)).hexdigest()[:DIGEST_CHARACTERS]
