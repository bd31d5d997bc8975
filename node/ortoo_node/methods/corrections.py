"""correction.*: doubting rows of others, answering for our own (校核)."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ortoo_node.app import NodeApp
from ortoo_node.corrections import answering, doubting, keys
from ortoo_node.corrections.answering import Reply
from ortoo_node.corrections.doubting import Doubt
from ortoo_protocol.core.corrections import ACCEPTED, DOUBTFUL, MAX_EVIDENCE_BYTES, WITHDRAWN
from ortoo_protocol.core.errors import CaseField, OrtooError
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.corrections import keeping
from ortoo_protocol.station.corrections.methods import CorrectionViews
from ortoo_protocol.station.disk import file_failure

Upload = dict[str, str]  # name, content in base64


@dataclass
class CorrectionMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            **CorrectionViews(self.app.station).as_mapping(),
            "correction.show": self.show,
            "correction.raise": self.raise_,
            "correction.answer": self.answer,
            "correction.close": self.close,
            "correction.withdraw": self.withdraw,
            "correction.evidence": self.evidence,
        }

    async def raise_(
        self,
        grant: str,
        text: str,
        found_ms: int,
        by: str,
        about: str = DOUBTFUL,
        key: dict[str, str] = {},  # noqa: B006  # never changed; the control server reads it
        seen: dict[str, str] = {},  # noqa: B006  # as `key`
        expected: dict[str, str] = {},  # noqa: B006  # as `key`
        evidence: str | Upload = "",
    ) -> dict[str, Any]:
        """Doubt a row, or fields of it. `evidence`: a file of this machine, or its name and its
        content in base64."""
        name, content = await asyncio.to_thread(_file, evidence)
        return await self.doubt(
            Doubt(grant, about, key, seen, expected, text, found_ms, by, name, content)
        )

    async def doubt(self, given: Doubt) -> dict[str, Any]:
        correction = await self.app.station.write(lambda tx: doubting.doubt(tx, given))
        return await self.show(correction)

    async def answer(
        self,
        correction: str,
        outcome: str,
        reason: str,
        handler: str,
        approver: str,
        source: str = "",
        text: str = "",
        evidence: str | Upload = "",
    ) -> dict[str, Any]:
        name, content = await asyncio.to_thread(_file, evidence)
        return await self.reply(
            correction, Reply(outcome, reason, handler, approver, source, text, name, content)
        )

    async def reply(self, correction: str, reply: Reply) -> dict[str, Any]:
        await self.app.station.write(lambda tx: answering.answer(tx, correction, reply))
        return await self.show(correction)

    async def close(self, correction: str, by: str, reason: str = "") -> dict[str, Any]:
        """Accept the answer."""
        await self.app.station.write(
            lambda tx: doubting.close(tx, correction, ACCEPTED, reason, by)
        )
        return await self.show(correction)

    async def withdraw(self, correction: str, reason: str, by: str) -> dict[str, Any]:
        """It is doubted no longer."""
        await self.app.station.write(
            lambda tx: doubting.close(tx, correction, WITHDRAWN, reason, by)
        )
        return await self.show(correction)

    async def show(self, correction: str) -> dict[str, Any]:
        """With what only both sides see: the row, the values, the words of both."""
        views = CorrectionViews(self.app.station)

        def read(tx: Tx) -> dict[str, Any]:
            row = keeping.one(tx.conn, correction)
            detail, evidence = keeping.detail_of(tx, row), keeping.evidence_of(tx, row)
            shown = views.shown(tx.conn, row)
            shown["detail"] = (
                None
                if detail is None
                else {
                    "feed": detail.feed,
                    "seq": detail.seq,
                    "key": keys.shown(detail.key),
                    "fields": [
                        {"column": each.column, "seen": each.seen, "expected": each.expected}
                        for each in detail.fields
                    ],
                    "text": detail.text,
                    "evidence": detail.evidence,
                }
            )
            shown["answer"] = (
                None
                if evidence is None
                else {
                    "text": evidence.text,
                    "evidence": evidence.evidence,
                }
            )
            return shown

        return await self.app.station.write(read)

    async def evidence(self, correction: str, side: str, path: str = "") -> dict[str, Any]:
        """Write what the reader's (`detail`) or the provider's side (`evidence`) put in, to a new
        file at `path`; without one it is in the answer, in base64."""
        content = await self.evidence_of(correction, side)
        if not path:
            return {"correction": correction, "content": base64.b64encode(content).decode()}
        await asyncio.to_thread(_keep, Path(path), content)
        return {"correction": correction, "path": path, "bytes": len(content)}

    async def evidence_of(self, correction: str, side: str) -> bytes:
        """Empty: there is none."""
        if side not in (keeping.DETAIL, keeping.EVIDENCE):
            raise CaseField(field="side", detail=side[:40])
        return await self.app.station.write(
            lambda tx: keeping.file_of(tx, keeping.one(tx.conn, correction), side)
        )


def _file(given: str | Upload) -> tuple[str, bytes]:
    """Name and content; empty where none is named."""
    if not given:
        return "", b""
    if not isinstance(given, str):
        return _uploaded(given)
    file = Path(given)
    try:
        if file.stat().st_size > MAX_EVIDENCE_BYTES:
            raise CaseField(field="evidence", detail=f"above {MAX_EVIDENCE_BYTES} bytes")
        return file.name, file.read_bytes()
    except OSError as error:
        raise _failed(error, file) from None


def _uploaded(given: Upload) -> tuple[str, bytes]:
    try:
        content = base64.b64decode(given.get("content", ""), validate=True)
    except ValueError:
        raise CaseField(field="evidence", detail="its content is no base64") from None
    if len(content) > MAX_EVIDENCE_BYTES:
        raise CaseField(field="evidence", detail=f"above {MAX_EVIDENCE_BYTES} bytes")
    return given.get("name", ""), content


def _keep(path: Path, content: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise _failed(error, path) from None


def _failed(error: OSError, path: Path) -> OrtooError:
    return file_failure(error, path)
