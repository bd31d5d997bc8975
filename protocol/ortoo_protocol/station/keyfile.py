"""Private keys at rest: one file, one passphrase, one party of one plane.

The file is JSON so that a person can see whose it is; the seeds in it are sealed with a key
stretched from the passphrase (argon2id in suite 1). What is readable is the seal's associated data:
a file whose plane, party or role somebody edited does not open. Written with mode 0600 in one step;
a file that others may read is refused, since its passphrase usually lies on the same machine.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import msgspec

from ortoo_protocol.core.announcement import WrapKeyEntry
from ortoo_protocol.core.codec import Packed, Shape, decode, encode
from ortoo_protocol.core.directory import DAY_MS
from ortoo_protocol.core.errors import (
    CodecError,
    KeyFilePassphrase,
    KeyFilePlane,
    KeyFileUnreadable,
    KeyFileUnwritable,
    KeysRefused,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import Random, Signer, Suite, Suites, domain, key_id

Role = Literal["station", "hub", "root", "registrar", "backup"]

SALT_BYTES = 16
MAX_FILE_BYTES = 64 << 10
WRAP_LIFE_MS = 60 * DAY_MS
# Letters live 60 days and may wait for a station that was off; then the private half is destroyed.
WRAP_KEPT_MS = 75 * DAY_MS


class _Sealed(Packed, frozen=True):
    from_ms: int
    until_ms: int
    seed: bytes


class _Secrets(Shape, frozen=True, kw_only=True):
    signing_seed: bytes
    wraps: tuple[_Sealed, ...]
    store_key: bytes


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bytes are base64 in JSON."""

    ortoo_key: Literal[1]
    suite: int
    plane: Plane
    party: str
    role: Role
    salt: bytes
    nonce: bytes
    sealed: bytes


@dataclass(frozen=True)
class WrapSeed:
    """A private encryption key and when peers may seal to it."""

    from_ms: int
    until_ms: int
    seed: bytes = field(repr=False)


@dataclass(frozen=True)
class KeyFile:
    """A party's private keys, opened. Root and registrar keys have neither wraps nor store key.

    `party` is the region (the hub's id) for these two. `store_key` seals secrets in the store.
    """

    plane: Plane
    party: str
    role: Role
    suite: Suite
    signing_seed: bytes = field(repr=False)
    wraps: tuple[WrapSeed, ...] = field(default=(), repr=False)
    store_key: bytes = field(default=b"", repr=False)

    @classmethod
    def create(
        cls, *, plane: Plane, party: str, role: Role, suite: Suite, rand: Random, now_ms: int
    ) -> KeyFile:
        """New keys, not written yet."""
        keys = cls(plane, party, role, suite, rand(suite.seed_bytes))
        if role in ("root", "registrar"):
            return keys
        keys = replace(keys, store_key=rand(suite.key_bytes))
        return keys.with_new_wrap_key(rand=rand, now_ms=now_ms)

    @classmethod
    def load(cls, path: Path, passphrase: str, plane: Plane, party: str, suites: Suites) -> KeyFile:
        """1 the file, 2 its plane and party, 3 the passphrase, 4 the contents.

        Raises KeyFileUnreadable, KeyFilePlane, KeysSuiteUnknown, KeyFilePassphrase.
        """
        # 1
        try:
            found = msgspec.json.decode(_read_private(path), type=_File)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise KeyFileUnreadable(path=path, detail=str(error)) from None
        # 2
        if found.plane is not plane or found.party != party:
            raise KeyFilePlane(path=path, found=found.plane.value, party=found.party)
        # 3
        suite = suites.get(found.suite)
        if len(found.salt) != SALT_BYTES:
            raise KeyFileUnreadable(path=path, detail="its salt has a wrong length")
        key = suite.stretch(passphrase.encode(), found.salt)
        context = _context(suite, plane, party, found.role, found.salt)
        try:
            opened = suite.open(key, found.nonce, context, found.sealed)
        except KeysRefused:
            raise KeyFilePassphrase(path=path) from None
        # 4
        try:
            secrets = decode(opened, _Secrets)
        except CodecError as error:
            raise KeyFileUnreadable(path=path, detail=str(error)) from None
        wraps = tuple(WrapSeed(each.from_ms, each.until_ms, each.seed) for each in secrets.wraps)
        return cls(plane, party, found.role, suite, secrets.signing_seed, wraps, secrets.store_key)

    def save(
        self, path: Path, passphrase: str, *, rand: Random, replace_existing: bool = False
    ) -> None:
        """Write it whole or not at all, with mode 0600. Raises KeyFileUnwritable."""
        suite = self.suite
        salt, nonce = rand(SALT_BYTES), rand(suite.nonce_bytes)
        wraps = tuple(_Sealed(each.from_ms, each.until_ms, each.seed) for each in self.wraps)
        secrets = _Secrets(signing_seed=self.signing_seed, wraps=wraps, store_key=self.store_key)
        context = _context(suite, self.plane, self.party, self.role, salt)
        key = suite.stretch(passphrase.encode(), salt)
        sealed = suite.seal(key, nonce, context, encode(secrets))
        file = _File(1, suite.number, self.plane, self.party, self.role, salt, nonce, sealed)
        text = msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n"
        write_private(path, text, replace_existing=replace_existing)

    def with_new_wrap_key(
        self, *, rand: Random, now_ms: int, life_ms: int = WRAP_LIFE_MS
    ) -> KeyFile:
        """With an encryption key from now on; those that ended 75 days ago are gone.

        Save it first and announce it then: a lost seed loses the letters sealed to it.
        """
        new = WrapSeed(now_ms, now_ms + life_ms, rand(self.suite.seed_bytes))
        kept = (each for each in self.wraps if now_ms < each.until_ms + WRAP_KEPT_MS)
        return replace(self, wraps=(*kept, new))

    @property
    def signer(self) -> Signer:
        return self.suite.signer(self.signing_seed)

    @property
    def signing_key_id(self) -> bytes:
        return key_id(self.suite, self.plane, "sign", self.signer.public)

    @property
    def wrap_seeds(self) -> dict[bytes, bytes]:
        """Private seed by the id of its public key, as envelopes name it."""
        publics = ((self.suite.wrap_public(each.seed), each.seed) for each in self.wraps)
        return {key_id(self.suite, self.plane, "wrap", pub): seed for pub, seed in publics}

    def wrap_entries(self, now_ms: int) -> tuple[WrapKeyEntry, ...]:
        """The public halves to announce: those that have not ended."""
        return tuple(
            WrapKeyEntry(
                suite=self.suite.number,
                public=self.suite.wrap_public(each.seed),
                from_ms=each.from_ms,
                until_ms=each.until_ms,
            )
            for each in self.wraps
            if now_ms < each.until_ms
        )


def _context(suite: Suite, plane: Plane, party: str, role: Role, salt: bytes) -> bytes:
    number = suite.number.to_bytes(1, "big")
    return domain("ortoo/key-file", plane, number, party.encode(), role.encode(), salt)


def _read_private(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            raw = file.read(MAX_FILE_BYTES + 1) if stat.S_ISREG(about.st_mode) else b""
    except OSError as error:
        raise KeyFileUnreadable(path=path, detail=error.strerror) from None
    mode = stat.S_IMODE(about.st_mode)
    if not stat.S_ISREG(about.st_mode):
        raise KeyFileUnreadable(path=path, detail="it is not a plain file")
    if mode & 0o077:
        raise KeyFileUnreadable(path=path, detail=f"others may use it (mode {mode:04o})")
    if len(raw) > MAX_FILE_BYTES:
        raise KeyFileUnreadable(path=path, detail="it is too long for a key file")
    return raw


def write_private(path: Path, content: bytes, *, replace_existing: bool = False) -> None:
    """`write_whole` with mode 0600. Raises KeyFileUnwritable."""
    try:
        write_whole(path, content, replace_existing=replace_existing)
    except OSError as error:
        raise KeyFileUnwritable(path=path, detail=error.strerror) from None


def write_whole(
    path: Path, content: bytes, *, mode: int = 0o600, replace_existing: bool = False
) -> None:
    """Write `path` whole or not at all; it is on the disk when this returns. Raises OSError,
    FileExistsError among them if it is not to be replaced."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(descriptor, mode)
            file.flush()
            os.fsync(descriptor)
        if replace_existing:
            os.replace(name, path)
        else:
            os.link(name, path)  # unlike rename, it fails if the name is taken
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
