"""Where imported resources go at this station: into the drafts, or through all steps at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ortoo_node.catalog import adding, drafts, mirror
from ortoo_node.catalog.rules import Rules
from ortoo_protocol.core.catalog.law import Problem
from ortoo_protocol.core.catalog.relations import check_relations
from ortoo_protocol.core.errors import CatalogOwner, CatalogUnknown, OrtooError
from ortoo_protocol.station.context import Tx


@dataclass(frozen=True)
class ToDrafts:
    """编目: what people go on with, step by step."""

    def problems(self, tx: Tx, fields: Mapping[str, Any]) -> Iterator[Problem]:
        """A department that is not this station's, a code that is somebody else's, a relation that
        leads back over what is published."""
        code, department = str(fields.get("code", "")), str(fields.get("department", ""))
        try:
            tx.trust.check_department(tx.party, department)
        except OrtooError as error:
            yield Problem("department", error)
        known = mirror.find(tx.conn, code) if code else None
        if known is not None and known.provider != tx.party:
            yield Problem("code", CatalogOwner(resource=code))
        related = fields.get("related")
        if code and isinstance(related, list):
            try:
                check_relations(code, map(str, related), lambda each: _related(tx, each))
            except OrtooError as error:
                yield Problem("related", error)

    def save(self, tx: Tx, fields: Mapping[str, Any], who: str, why: str) -> str:
        return drafts.save_draft(tx, fields, who, why).draft


@dataclass(frozen=True)
class Published(ToDrafts):
    """A catalog that went through its steps before there was this software: the file names who
    took each of them."""

    rules: Rules

    def save(self, tx: Tx, fields: Mapping[str, Any], who: str, why: str) -> str:
        entry, _ = adding.add(tx, {"compiled_by": who, **fields}, self.rules)
        return entry.code


def _related(tx: Tx, code: str) -> Sequence[str]:
    try:
        return mirror.entry(tx.conn, code).related
    except CatalogUnknown:
        return ()
