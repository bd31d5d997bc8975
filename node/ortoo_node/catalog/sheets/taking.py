"""Where imported resources go at this station: into the drafts, or through all steps at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ortoo_node.catalog import adding, drafts, mirror
from ortoo_node.catalog.rules import Rules
from ortoo_protocol.core.catalog.codes import BUILT_IN, check_code, check_range, class_for
from ortoo_protocol.core.catalog.law import Problem
from ortoo_protocol.core.catalog.names import plain
from ortoo_protocol.core.catalog.relations import check_relations
from ortoo_protocol.core.errors import CatalogOwner, CatalogUnknown, CellDepartmentName, OrtooError
from ortoo_protocol.station.context import Tx


@dataclass(frozen=True)
class ToDrafts:
    """编目: what people go on with, step by step."""

    rules: Rules

    def problems(self, tx: Tx, fields: Mapping[str, Any]) -> Iterator[Problem]:
        """A department that is not this station's or is called otherwise, a code that is somebody
        else's or none of the scheme, a relation that leads back over what is published."""
        code, department = str(fields.get("code", "")), str(fields.get("department", ""))
        try:
            tx.trust.check_department(tx.party, department)
        except OrtooError as error:
            yield Problem("department", error)
        else:
            yield from _named(tx, department, str(fields.get("department_name", "")))
        known = mirror.find(tx.conn, code) if code else None
        if known is not None and known.provider != tx.party:
            yield Problem("code", CatalogOwner(resource=code))
        if code and known is None and self._by_scheme:
            yield from self._code(tx, code)
        related = fields.get("related")
        if code and isinstance(related, list):
            try:
                check_relations(code, map(str, related), lambda each: _related(tx, each))
            except OrtooError as error:
                yield Problem("related", error)

    @property
    def _by_scheme(self) -> bool:
        return self.rules.codes_by_scheme

    def _code(self, tx: Tx, code: str) -> Iterator[Problem]:
        """As filing will judge it, while it can still be mended in its cell."""
        scheme = self.rules.scheme
        try:
            if "/" in code:
                check_code(scheme, code)
            else:
                code = class_for(scheme, code, tx.party)
            check_range(scheme, code, tx.party, (each.party for each in tx.trust.parties))
        except OrtooError as error:
            yield Problem("code", error)

    def save(self, tx: Tx, fields: Mapping[str, Any], who: str, why: str) -> str:
        return drafts.save_draft(tx, fields, who, why).draft


@dataclass(frozen=True)
class Published(ToDrafts):
    """A catalog that went through its steps before there was this software: the file names who
    took each of them."""

    @property
    def _by_scheme(self) -> bool:
        """As in `adding`: codes of before stand as they are, unless the settings name a table."""
        return self.rules.codes_by_scheme and self.rules.scheme is not BUILT_IN

    def save(self, tx: Tx, fields: Mapping[str, Any], who: str, why: str) -> str:
        entry, _ = adding.add(tx, {"compiled_by": who, **fields}, self.rules)
        return entry.code


def _named(tx: Tx, department: str, name: str) -> Iterator[Problem]:
    """The file's name of the department is the announced one, or that with something left out or
    added (民政局, 呼伦贝尔民政局)."""
    announced = tx.trust.departments(tx.party).get(department, "")
    given, known = plain(name), plain(announced)
    if given and known and not _is_within(given, known) and not _is_within(known, given):
        error = CellDepartmentName(shown=name[:40], code=department, name=announced)
        yield Problem("department_name", error)


def _is_within(part: str, whole: str) -> bool:
    """Whether all characters of `part` stand in `whole`, in this order."""
    left = iter(whole)
    return all(each in left for each in part)


def _related(tx: Tx, code: str) -> Sequence[str]:
    try:
        return mirror.entry(tx.conn, code).related
    except CatalogUnknown:
        return ()
