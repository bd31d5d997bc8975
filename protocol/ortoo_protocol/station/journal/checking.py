"""Proofs that somebody handed over: held against the signed checkpoint in them, with the keys of
our own directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ortoo_protocol.core.errors import JournalNote, JournalRow
from ortoo_protocol.core.ids import check_party
from ortoo_protocol.core.journal import (
    Checkpoint,
    Note,
    NoteKey,
    Row,
    journal_origin,
    note_key,
)
from ortoo_protocol.core.keys import Suite, Suites
from ortoo_protocol.core.merkle import leaf_hash, verify_consistency, verify_inclusion
from ortoo_protocol.core.trust import Trust


class Inclusion(msgspec.Struct, frozen=True):
    """What `journal.proof` gives, as far as it is needed."""

    index: int
    size: int
    root: str
    proof: list[str]
    leaf_bytes: str
    suite: int
    origin: str
    note: str


class Consistency(msgspec.Struct, frozen=True):
    """What `journal.consistency` gives."""

    first: int
    second: int
    first_root: str
    second_root: str
    proof: list[str]
    suite: int
    origin: str
    first_note: str
    second_note: str


def check(document: Mapping[str, Any], suites: Suites, trust: Trust) -> dict[str, Any]:
    """What it proves, and who signed the roots that it is proven by: "" alone where nobody did, so
    that only the numbers agree. Raises JournalRow for a document that is no proof,
    JournalInclusion, JournalConsistency, JournalNote, JournalSignature for one that does not
    hold."""
    found = _read(document)
    suite = suites.get(found.suite)
    try:
        if isinstance(found, Inclusion):
            return _included(found, suite, trust)
        return _consistent(found, suite, trust)
    except ValueError as error:  # hexadecimal
        raise JournalRow(detail=str(error)) from error


def _read(document: Mapping[str, Any]) -> Inclusion | Consistency:
    try:
        if "leaf_bytes" in document:
            return msgspec.convert(document, Inclusion)
        return msgspec.convert(document, Consistency)
    except msgspec.ValidationError as error:
        raise JournalRow(detail=str(error)) from None


def _included(found: Inclusion, suite: Suite, trust: Trust) -> dict[str, Any]:
    leaf, root = bytes.fromhex(found.leaf_bytes), bytes.fromhex(found.root)
    row = Row.from_leaf(leaf)
    if row.seq != found.index:
        raise JournalRow(detail=f"it is number {row.seq}, not {found.index}")
    path = [bytes.fromhex(each) for each in found.proof]
    verify_inclusion(suite.hash, leaf_hash(suite.hash, leaf), found.index, found.size, path, root)
    return {
        "proves": "inclusion",
        "origin": found.origin,
        "size": found.size,
        "index": found.index,
        "kind": row.kind,
        "sender": row.sender,
        "direction": row.direction.name.lower(),
        "state": row.state.name.lower(),
        "time_ms": row.time_ms,
        "signers": _signers(found.note, Checkpoint(found.origin, found.size, root), suite, trust),
    }


def _consistent(found: Consistency, suite: Suite, trust: Trust) -> dict[str, Any]:
    old, new = bytes.fromhex(found.first_root), bytes.fromhex(found.second_root)
    path = [bytes.fromhex(each) for each in found.proof]
    verify_consistency(suite.hash, found.first, found.second, old, new, path)
    first = _signers(found.first_note, Checkpoint(found.origin, found.first, old), suite, trust)
    second = _signers(found.second_note, Checkpoint(found.origin, found.second, new), suite, trust)
    return {
        "proves": "consistency",
        "origin": found.origin,
        "first": found.first,
        "second": found.second,
        "first_signers": first,
        "signers": second,
    }


def _signers(text: str, expected: Checkpoint, suite: Suite, trust: Trust) -> list[str]:
    """Whose signatures hold, of those whose keys our directory has. Raises JournalNote for a note
    on another tree, JournalSignature."""
    if not text:
        return []
    note = Note.parse(text.encode())
    if note.checkpoint != expected:
        raise JournalNote(detail="it signs another tree")
    keys = [key for each in note.signatures for key in _keys(each.name, suite, trust)]
    return list(dict.fromkeys(each.name for each in note.verified(keys)))


def _keys(name: str, suite: Suite, trust: Trust) -> list[NoteKey]:
    """All that the directory has of the party whose journal is called `name`."""
    party = name.rpartition("/")[2]
    if name != journal_origin(trust.plane, check_party(party)):
        raise JournalNote(detail=f"{name} is no member's")
    known = trust.signing_keys(party)
    return [note_key(suite, name, key.public) for key in known if key.suite == suite.number]
