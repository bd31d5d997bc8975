"""Bodies of the engine's own letters: receipts, trust, checkpoints."""

from __future__ import annotations

from ortoo_protocol.core.codec import Count, Packed, Shape
from ortoo_protocol.core.ids import Digest


class ReceiptEntry(Packed, frozen=True):
    """One letter: its id, the hash of its bytes, what became of it, and why if refused."""

    id: bytes
    envelope_hash: Digest
    status: str  # accepted | refused | notarised (the hub's: the legal instant)
    error: str
    time_ms: Count


class Receipts(Shape, frozen=True):
    """回执: one signature over a batch; never itself receipted."""

    entries: tuple[ReceiptEntry, ...]


class TrustAsk(Shape, frozen=True):
    """A station asks for the directory when it knows only up to `version`."""

    version: Count


class TrustUpdate(Shape, frozen=True):
    """Signed documents (directory.py), relayed: each proves itself, whoever brings it."""

    documents: tuple[bytes, ...]


class Announce(Shape, frozen=True):
    """A station's announcement document, for the hub to pass on."""

    document: bytes


class Checkpoint(Shape, frozen=True):
    """A C2SP checkpoint and its consistency proof from the size that the hub cosigned last."""

    note: str
    since: Count
    proof: tuple[Digest, ...]


class WitnessAsk(Shape, frozen=True):
    """A station asks for the hub's newest checkpoint; it cosigned the one of `since` rows last."""

    since: Count


class Cosigned(Shape, frozen=True):
    note: str
