"""Proofs of the journal (日志): hashes in hexadecimal, trees as RFC 6962 has them."""

from __future__ import annotations

from dataclasses import dataclass

from ortoo_node.api.shapes.common import Told


@dataclass(frozen=True)
class CheckpointShown(Told):
    """`note`: the newest signed one (C2SP), base64 signatures and all."""

    size: int
    root: str
    note: str


@dataclass(frozen=True)
class Consistency(Told):
    """That the tree of `second` rows extends that of `first`. `first_note`, `second_note`: the
    checkpoints of these sizes as they were signed, where there are such."""

    first: int
    second: int
    first_root: str
    second_root: str
    proof: list[str]
    suite: int
    origin: str
    first_note: str
    second_note: str


@dataclass(frozen=True)
class Inclusion(Told):
    """That row `index`, whose leaf is `leaf`, stands in the tree of `size` rows."""

    kind: str
    direction: str
    envelope: str
    time_ms: int
    index: int
    leaf: str
    size: int
    root: str
    proof: list[str]


@dataclass(frozen=True)
class Inclusions(Told):
    rows: list[Inclusion]
