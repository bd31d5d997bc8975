"""A download that goes on where it broke off: what came lies beside its place until it is whole and
its SHA-256 is right."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import httpx

from ortoo_node.api.shapes.files import TransferShown
from ortoo_node.client.call import ROOT
from ortoo_node.client.errors import Broken, refusal

BLOCK_BYTES = 1 << 20
LOOK_S = 1.0  # how often a transfer is looked at that is not done yet
ENDED = frozenset(("refused", "failed", "cancelled", "removed"))


@dataclass(frozen=True)
class Download:
    transfer: TransferShown
    target: Path

    @property
    def part(self) -> Path:
        return self.target.with_name(f".{self.target.name}.{self.transfer.transfer}.part")

    @property
    def url(self) -> str:
        return f"{ROOT}/transfers/{self.transfer.transfer}/content"

    def came_bytes(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def headers(self) -> dict[str, str]:
        came = self.came_bytes()
        if not came:
            return {}
        return {"range": f"bytes={came}-", "if-range": f'"{self.transfer.sha256}"'}

    def mode(self, answer: httpx.Response, body: bytes = b"") -> str:
        """How the part is opened: to go on, or anew. Raises Refused, Broken."""
        if answer.status_code == 206:
            return "ab"
        if answer.status_code == 200:
            return "wb"
        raise refusal(answer.status_code, body)

    def is_whole(self) -> bool:
        return self.came_bytes() >= self.transfer.size_bytes

    def put(self) -> Path:
        """Raises Broken: what came is not what was said."""
        digest = hashlib.sha256()
        with self.part.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
        if digest.hexdigest() != self.transfer.sha256:
            self.part.unlink()
            raise Broken(f"{self.target.name}: another SHA-256 than the station said")
        os.replace(self.part, self.target)
        return self.target


def check(transfer: TransferShown) -> bool:
    """Whether the content is there. Raises Broken: it never will be."""
    if transfer.state in ENDED:
        said = "" if transfer.error is None else transfer.error.what
        raise Broken(f"{transfer.file}: {transfer.state} {said}".rstrip())
    return transfer.state == "done"
