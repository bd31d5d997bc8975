"""journal.json: rows, tree, proofs and checkpoints."""

from __future__ import annotations

from typing import Any

from ortoo_protocol.core import merkle
from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.core.journal import (
    Checkpoint,
    Direction,
    Note,
    Row,
    State,
    journal_origin,
    note_key,
    note_signer,
    open_checkpoint,
)
from tests.support import bodies, forge
from tests.support.forge import CITY, EXTRANET, HUB, NOW_MS, fixed

HOW = (
    "Seeds of a party are SHAKE-256 of '<party>/sign'. `rows` are the rows of one journal, `leaf` "
    "their bytes, `leaf_hash` and `root` the tree of RFC 6962 over SHA-256 after each. "
    "`checkpoints` are opened with the log's key alone; `expect` is 'ok' or an error code."
)
HERE = forge.world()


def rows() -> list[Row]:
    facts = [
        (Direction.SENT, State.ACCEPTED, bodies.CASE, "case.answer", CITY, ""),
        (Direction.RECEIVED, State.ACCEPTED, bodies.FEED, "table.rows", CITY, ""),
        (Direction.LOCAL, State.APPLIED, bodies.FEED, "table.rows", CITY, ""),
        (Direction.RECEIVED, State.REFUSED, "", "", "", "envelope.signature"),
        (Direction.SENT, State.QUERIED, "", "feed.snapshot", CITY, ""),
    ]
    return [
        Row(
            seq=seq,
            direction=direction,
            flow=flow,
            envelope_id=fixed(f"id/{seq}", 16) if kind else b"",
            kind=kind,
            sender=sender,
            header=fixed(f"header/{seq}", 40) if kind else b"",
            signature=fixed(f"signature/{seq}", 64) if kind else b"",
            body_hash=fixed(f"body hash/{seq}", 32),
            state=state,
            time_ms=NOW_MS + seq,
            error=error,
        )
        for seq, (direction, state, flow, kind, sender, error) in enumerate(facts)
    ]


def make() -> dict[str, Any]:
    digest = HERE.suite.hash
    made = rows()
    leaves = [merkle.leaf_hash(digest, row.leaf_bytes()) for row in made]
    size = len(leaves)
    return {
        "how": HOW,
        "suite": 1,
        "rows": [
            {
                "seq": row.seq,
                "time_ms": row.time_ms,
                "direction": row.direction.name.lower(),
                "state": row.state.name.lower(),
                "flow": row.flow,
                "envelope_id": row.envelope_id.hex(),
                "kind": row.kind,
                "sender": row.sender,
                "header": row.header.hex(),
                "signature": row.signature.hex(),
                "body_hash": row.body_hash.hex(),
                "error": row.error,
                "leaf": row.leaf_bytes().hex(),
                "leaf_hash": leaves[row.seq].hex(),
                "root": merkle.root_of(digest, leaves[: row.seq + 1]).hex(),
            }
            for row in made
        ],
        "empty_root": merkle.root_of(digest, []).hex(),
        "inclusion": [
            {
                "index": index,
                "size": size,
                "proof": [each.hex() for each in merkle.inclusion_proof(digest, leaves, index)],
            }
            for index in range(size)
        ],
        "consistency": [
            {
                "old_size": old,
                "size": size,
                "proof": [each.hex() for each in merkle.consistency_proof(digest, leaves, old)],
            }
            for old in range(1, size + 1)
        ],
        "bad_leaves": [
            {"leaf": leaf.hex(), "expect": "journal.row"}
            for leaf in _bad_leaves(made[0].leaf_bytes())
        ],
        "origin": journal_origin(EXTRANET, CITY),
        "log_public": HERE[CITY].signer.public.hex(),
        "checkpoints": _checkpoints(size, merkle.root_of(digest, leaves)),
    }


def _bad_leaves(leaf: bytes) -> list[bytes]:
    unknown_direction, unknown_state = bytearray(leaf), bytearray(leaf)
    unknown_direction[20], unknown_state[21] = 9, 9
    return [
        leaf[:-1],
        leaf + b"\0",
        b"OJR9" + leaf[4:],
        bytes(unknown_direction),
        bytes(unknown_state),
    ]


def _checkpoints(size: int, root: bytes) -> list[dict[str, str]]:
    suite, name = HERE.suite, journal_origin(EXTRANET, CITY)
    hub = journal_origin(EXTRANET, HUB)
    log = note_signer(suite, name, HERE[CITY].signer)
    witness = note_signer(suite, hub, HERE[HUB].signer)
    signed = Note(Checkpoint(name, size, root)).signed(log)
    good = signed.to_bytes()
    cases = [
        ("by the log", good, "ok"),
        ("cosigned by the hub", signed.signed(witness).to_bytes(), "ok"),
        ("by the hub alone", Note(Checkpoint(name, size, root)).signed(witness).to_bytes(), ""),
        ("another origin", Note(Checkpoint(hub, size, root)).signed(log).to_bytes(), ""),
        ("another size", good.replace(b"\n5\n", b"\n6\n"), ""),
        ("a size with a zero in front", good.replace(b"\n5\n", b"\n05\n"), ""),
        ("an extension line", good.replace(b"\n\n", b"\nmore\n\n"), ""),
        ("no signature", good.split(b"\n\n")[0] + b"\n\n", ""),
    ]
    key = note_key(suite, name, HERE[CITY].signer.public)
    found = []
    for label, note, expect in cases:
        if not expect:
            try:
                open_checkpoint(note, name, [key])
            except OrtooError as error:
                expect = error.code
        found.append({"name": label, "expect": expect, "note": note.decode()})
    return found
