"""From rows to resources: one row an item, the resource's own cells merged, repeated, or written
once above the others.

A row belongs to the resource above it while name and code are empty or the same. What differs
within one resource, what is merged over less or more than its rows, and what begins twice is
a problem of that cell; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ortoo_node.catalog.sheets.aliases import RESOURCE
from ortoo_node.catalog.sheets.columns import Column, column_of
from ortoo_node.catalog.sheets.derived import complete
from ortoo_node.catalog.sheets.drafts import Draft
from ortoo_node.catalog.sheets.grid import Row, Span, Value, ref
from ortoo_node.catalog.sheets.header import Header
from ortoo_node.catalog.sheets.problems import Problem, Problems
from ortoo_protocol.core.errors import (
    CellApart,
    CellDiffers,
    CellError,
    CellMerged,
    CellMissing,
    CellStray,
    CellTwice,
)

Progress = Callable[[int], None]
_GATHERED = frozenset(("share_kinds",))  # of a resource, though each item may say its own
_NAME, _CODE = column_of(RESOURCE, "name"), column_of(RESOURCE, "code")
_SHARE = column_of(RESOURCE, "share_type")


def assemble(
    rows: Iterable[Row],
    header: Header,
    spans: Sequence[Span],
    problems: Problems,
    progress: Progress,
) -> Iterator[Draft]:
    """The resources in the order of the file. What is wrong goes to `problems`."""
    making = _Making(header, spans, problems)
    for number, cells in rows:
        progress(number)
        if any(cell is not None for cell in cells) and (done := making.row(number, cells)):
            yield done
    if last := making.end():
        yield last


class _Making:
    def __init__(self, header: Header, spans: Sequence[Span], problems: Problems) -> None:
        self._header = header
        self._columns = list(header.places)
        self._spans: dict[int, list[Span]] = {}
        for span in spans:
            if span.last > span.first and span.last > header.row:
                self._spans.setdefault(span.left, []).append(span)
        self._problems = problems
        self._draft: Draft | None = None
        self._blank: dict[Column, int] = {}  # a row of the resource in which the cell is empty
        self._from: dict[Column, int] = {}  # the row that its value came from
        self._begun: dict[tuple[str, str, str], int] = {}
        self._codes: dict[str, int] = {}

    def row(self, number: int, cells: Sequence[Value]) -> Draft | None:
        """Take one row; the resource that ends with the row before it, if one does."""
        values, errors = self._read(cells)
        done = None
        if self._begins(values):
            done = self.end()
            self._draft = Draft(row=number, at=self._header.places)
        draft = self._draft
        if draft is None:
            self._problem(CellStray(), number, _NAME)
            return None
        name = str(values.get(_NAME) or draft.name) if _NAME else ""
        for column, error in errors:
            self._problem(error, number, column, name)
        for column in self._columns:
            if not column.of_item:
                self._take(draft, number, column, values.get(column))
        item = {each.field: value for each, value in values.items() if each.of_item}
        if item:
            self._item(draft, number, item)
        return done

    def end(self) -> Draft | None:
        draft, self._draft = self._draft, None
        if draft is None:
            return None
        self._check_spans(draft)
        self._check_again(draft)
        for column in self._columns:
            if column.needed and not column.of_item and column.field not in draft.fields:
                missing = self._said(
                    CellMissing(heading=column.heading), draft.row, column, draft.name
                )
                if not self._problems.has(missing):
                    self._problems.add(missing)
        self._blank.clear()
        self._from.clear()
        for problem in complete(draft, self._header):
            if not self._problems.has(problem) and not self._unread(draft):
                self._problems.add(problem)
        return draft

    def _unread(self, draft: Draft) -> bool:
        """Whether the resource says its share type, though nobody can read it: items that say
        nothing are none of its problems then."""
        place = self._header.places.get(_SHARE) if _SHARE else None
        return place is not None and any(
            self._problems.has(Problem(CellError(), row, place)) for row in (draft.row, *draft.rows)
        )

    # --- cells ---

    def _read(
        self, cells: Sequence[Value]
    ) -> tuple[dict[Column, object], list[tuple[Column, CellError]]]:
        """The values of a row, None for what cannot be used, which stands among the errors."""
        values: dict[Column, object] = {}
        errors: list[tuple[Column, CellError]] = []
        for column, cell in zip(self._columns, cells, strict=True):
            try:
                if isinstance(cell, CellError):
                    raise cell
                if cell is not None and cell.strip():
                    values[column] = column.kind.read(cell)
            except CellError as error:
                errors.append((column, error))
                values[column] = None
        return values, errors

    def _begins(self, values: dict[Column, object]) -> bool:
        draft = self._draft
        name, code = (values.get(each) if each else None for each in (_NAME, _CODE))
        if draft is None:
            return bool(name or code)
        known = draft.fields.get("code")
        return bool(
            (name and name != draft.fields.get("name")) or (code and known and code != known)
        )

    def _take(self, draft: Draft, number: int, column: Column, value: object) -> None:
        """A value of the resource, which may stand in each of its rows."""
        if value is None:
            self._blank.setdefault(column, number)
            return
        known = draft.fields.get(column.field)
        if known is None:
            draft.fields[column.field] = value
            self._from[column] = number
        elif column.field in _GATHERED and isinstance(known, list) and isinstance(value, list):
            draft.fields[column.field] = list(dict.fromkeys((*known, *value)))
        elif known != value:
            other = ref(self._from[column], self._header.places[column])
            self._problem(CellDiffers(other=other, resource=draft.name), number, column, draft.name)

    def _item(self, draft: Draft, number: int, item: dict[str, Any]) -> None:
        for column in self._columns:
            if column.of_item and column.needed and column.field not in item:
                self._problem(CellMissing(heading=column.heading), number, column, draft.name)
        draft.fields.setdefault("items", []).append(
            {field: value for field, value in item.items() if value is not None}
        )
        draft.rows.append(number)

    # --- resources ---

    def _check_spans(self, draft: Draft) -> None:
        """A cell merged over part of the resource leaves the other rows empty; one that reaches
        further belongs to two."""
        first, last = draft.row, max((draft.row, *draft.rows))
        for column in self._columns:
            place = self._header.places[column]
            for span in () if column.of_item else self._spans.get(place, ()):
                if span.first > last or span.last < first or column.field not in draft.fields:
                    continue
                if span.first < first or span.last > last or column in self._blank:
                    facts = {"first": first, "last": last, "resource": draft.name}
                    covered = f"{ref(span.first, place)}:{ref(span.last, place)}"
                    error = CellMerged(range=covered, **facts)
                    self._problem(error, span.first, column, draft.name)

    def _check_again(self, draft: Draft) -> None:
        """No resource begins twice, and no code is of two."""
        fields = draft.fields
        name, code = str(fields.get("name", "")), str(fields.get("code", ""))
        key = (name, code, str(fields.get("department", "")))
        begun = self._begun.setdefault(key, draft.row)
        if begun != draft.row:
            self._problem(CellApart(resource=name, row=begun), draft.row, _NAME, name)
        elif "/" in code and self._codes.setdefault(code, draft.row) != draft.row:
            place = self._header.places[_CODE] if _CODE else 0
            error = CellTwice(shown=code, other=ref(self._codes[code], place))
            self._problem(error, draft.row, _CODE, name)

    def _problem(
        self, error: CellError, number: int, column: Column | None, resource: str = ""
    ) -> None:
        self._problems.add(self._said(error, number, column, resource))

    def _said(
        self, error: CellError, number: int, column: Column | None, resource: str = ""
    ) -> Problem:
        if not resource and self._draft is not None:
            resource = self._draft.name
        if column is None:
            return Problem(error, number, resource=resource)
        place = self._header.places.get(column, 0)
        return Problem(error, number, place, column.heading, resource)
