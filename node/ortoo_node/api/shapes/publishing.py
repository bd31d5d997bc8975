"""Rows, events and files that a department publishes."""

from __future__ import annotations

from dataclasses import dataclass

from ortoo_node.api.shapes.common import Told


@dataclass(frozen=True)
class RowRejected(Told):
    """`row`: its place in the body, from 0; None where that is not known."""

    row: int | None
    code: str
    column: str
    detail: str


@dataclass(frozen=True)
class Pushed(Told):
    """The first 1,000 rejects are told."""

    accepted: int
    rejected: int
    rejects: list[RowRejected]


@dataclass(frozen=True)
class FileUploaded(Told):
    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class FilesPublished(Told):
    feed: str
    rows: int
    upserts: int
    deletes: int
    rejected: int
    incarnation: int
    seq: int
