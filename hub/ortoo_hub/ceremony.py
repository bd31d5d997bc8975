"""The region's ceremonies: keys and signatures, made offline, as files.

Nothing here talks to a running hub. The order of a founding: everybody makes a key on a machine of
their own (`make_key`) and hands over its public half; somebody drafts the root; the holders look at
it (`fingerprint_of_root`) and sign one after another (`sign`). Directories (roster.py) go the same
way, with the registrars: the hub proposes, people look and sign, the hub publishes. A draft has no
signature and is worth nothing, so who drafts does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from ortoo_protocol.core.directory import (
    DAY_MS,
    MAX_DOCUMENT_BYTES,
    Directory,
    PublicKey,
    Root,
    add_signature,
    check_root,
    read_body,
    read_document,
    sign_document,
    valid_signatures,
)
from ortoo_protocol.core.errors import (
    KeyFileRole,
    TrustFile,
    TrustPlane,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import Random, Suite, Suites
from ortoo_protocol.station.keyfile import KeyFile, write_whole

ROOT_LIFE_MS = 365 * DAY_MS
_SIGNS = {"root": "root", "directory": "registrar"}


# --- keys ---------------------------------------------------------------------------------------


def make_key(
    path: Path,
    passphrase: str,
    *,
    role: Literal["root", "registrar"],
    plane: Plane,
    region: str,
    suite: Suite,
    rand: Random,
    now_ms: int,
) -> PublicKey:
    """Write one holder's key file; its public half goes into the root. Raises KeyFileUnwritable."""
    keys = KeyFile.create(
        plane=plane, party=region, role=role, suite=suite, rand=rand, now_ms=now_ms
    )
    keys.save(path, passphrase, rand=rand)
    return public_key(keys)


def make_keys(
    folder: Path,
    passphrases: Sequence[str],
    *,
    role: Literal["root", "registrar"],
    plane: Plane,
    region: str,
    suite: Suite,
    rand: Random,
    now_ms: int,
) -> tuple[PublicKey, ...]:
    """One file for each passphrase: `<role>-1.key`, … For trials: in earnest, keys that should
    need several people are not made on one machine.
    """
    return tuple(
        make_key(
            folder / f"{role}-{number}.key",
            passphrase,
            role=role,
            plane=plane,
            region=region,
            suite=suite,
            rand=rand,
            now_ms=now_ms,
        )
        for number, passphrase in enumerate(passphrases, 1)
    )


def public_key(keys: KeyFile) -> PublicKey:
    return PublicKey(keys.suite.number, keys.signer.public)


# --- root ---------------------------------------------------------------------------------------


def draft_root(
    *,
    plane: Plane,
    region: str,
    allowed: Sequence[int],
    root_keys: Sequence[PublicKey],
    root_threshold: int,
    registrar_keys: Sequence[PublicKey],
    registrar_threshold: int,
    suite: Suite,
    suites: Suites,
    now_ms: int,
    life_ms: int = ROOT_LIFE_MS,
    parent: bytes | None = None,
) -> bytes:
    """The first root of a region, unsigned. `allowed`: numbers of the plane's suites.

    Raises TrustMalformed, KeysSuiteUnknown.
    """
    root = Root(
        plane=plane,
        region=region,
        version=1,
        created_ms=now_ms,
        expires_ms=now_ms + life_ms,
        suites=tuple(allowed),
        root_keys=tuple(root_keys),
        root_threshold=root_threshold,
        registrar_keys=tuple(registrar_keys),
        registrar_threshold=registrar_threshold,
        parent=parent,
    )
    return _draft_root(root, suite, suites)


def draft_next_root(
    previous: bytes,
    *,
    suite: Suite,
    suites: Suites,
    now_ms: int,
    root_keys: Sequence[PublicKey] | None = None,
    root_threshold: int | None = None,
    registrar_keys: Sequence[PublicKey] | None = None,
    registrar_threshold: int | None = None,
    life_ms: int = ROOT_LIFE_MS,
) -> bytes:
    """The root after `previous`, unsigned; what is not given stays. Both roots' keys must sign."""
    old = read_body(read_document(previous, "root"), Root)
    root = replace(
        old,
        version=old.version + 1,
        created_ms=now_ms,
        expires_ms=now_ms + life_ms,
        root_keys=old.root_keys if root_keys is None else tuple(root_keys),
        root_threshold=root_threshold or old.root_threshold,
        registrar_keys=old.registrar_keys if registrar_keys is None else tuple(registrar_keys),
        registrar_threshold=registrar_threshold or old.registrar_threshold,
    )
    return _draft_root(root, suite, suites)


def _draft_root(root: Root, suite: Suite, suites: Suites) -> bytes:
    check_root(root, suites)
    return sign_document("root", root, suite=suite, plane=root.plane)


# --- signing ------------------------------------------------------------------------------------


def sign(document: bytes, keys: KeyFile) -> bytes:
    """`document` with one more signature. A root key signs roots, a registrar's directories.

    Raises KeyFileRole, TrustPlane, TrustMalformed.
    """
    found = read_document(document)
    needed = _SIGNS.get(found.type, "hub")
    if keys.role != needed:
        raise KeyFileRole(path="", found=keys.role, needed=needed)
    root_or_directory: type[Root] | type[Directory] = Root if found.type == "root" else Directory
    body = read_body(found, root_or_directory)
    if body.plane is not keys.plane or body.region != keys.party:
        raise TrustPlane(document=found.type)
    return add_signature(document, keys.signer, suite=keys.suite, plane=keys.plane)


def signatures(document: bytes, root: bytes, *, suites: Suites) -> tuple[int, int]:
    """How many of those whom `root` names have signed, and how many must.

    A new root is asked about twice: under the root before it, and under itself.
    """
    found = read_document(document)
    under = read_body(read_document(root, "root"), Root)
    for_root = found.type == "root"
    keys = under.root_keys if for_root else under.registrar_keys
    count = valid_signatures(found, keys, plane=under.plane, suites=suites)
    return count, under.root_threshold if for_root else under.registrar_threshold


# --- files --------------------------------------------------------------------------------------


def read_document_file(path: Path) -> bytes:
    """A document as somebody handed it over; not verified. Raises TrustFile, TrustMalformed."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        raise TrustFile(path=path, detail=error.strerror) from None
    read_document(raw)
    return raw


def write_document_file(path: Path, document: bytes, *, replace_existing: bool = False) -> None:
    """Raises TrustFile. Documents are no secrets: mode 0644."""
    try:
        write_whole(path, document, mode=0o644, replace_existing=replace_existing)
    except OSError as error:
        raise TrustFile(path=path, detail=error.strerror) from None


def sign_file(
    path: Path, key_file: Path, passphrase: str, *, plane: Plane, region: str, suites: Suites
) -> bytes:
    """Add the signature of `key_file` to the document in `path`; returns the document."""
    document = read_document_file(path)
    keys = KeyFile.load(key_file, passphrase, plane, region, suites)
    try:
        signed = sign(document, keys)
    except KeyFileRole as error:
        raise KeyFileRole(**{**error.facts, "path": key_file}) from None
    write_document_file(path, signed, replace_existing=True)
    return signed
