"""The sheet that lists all problems of a file, each with a link to its cell."""

from __future__ import annotations

from typing import Any

from ortoo_node.catalog.sheets.grid import ref
from ortoo_node.catalog.sheets.looks import cell
from ortoo_node.catalog.sheets.problems import Problem
from ortoo_node.catalog.sheets.reading import JSON, Read
from ortoo_protocol.i18n import Translator, mark

SUMMARY = "问题汇总"
_WIDTHS = (6, 10, 24, 32, 60, 60, 26)
_HEADS_ROW = 4
_HEADS = (
    mark("No."),
    mark("Cell"),
    mark("Column"),
    mark("Resource"),
    mark("Problem"),
    mark("What to do"),
    mark("Code"),
)


def write_summary(sheet: Any, read: Read, say: Translator) -> None:
    """Fill an empty sheet of a workbook that is held in memory, or only written."""
    for name, width in zip("ABCDEFG", _WIDTHS, strict=True):
        sheet.column_dimensions[name].width = width
    sheet.freeze_panes = f"A{_HEADS_ROW + 1}"
    sheet.sheet_properties.tabColor = "C00000"
    sheet.page_setup.orientation = "landscape"
    found = say(
        mark("{count} problems were found; nothing was taken in."), count=len(read.problems)
    )
    mend = say.text(mark("Mend the marked cells of this copy, and import it."))
    for text in (found, mend, None):
        sheet.append([cell(sheet, text)])
    sheet.append([cell(sheet, say.text(head), "head") for head in _HEADS])
    for number, problem in enumerate(read.problems, 1):
        _append(sheet, number, problem, read, say)


def _append(sheet: Any, number: int, problem: Problem, read: Read, say: Translator) -> None:
    what, cure = say.error(problem.error)
    texts = (problem.where, problem.heading, problem.resource, what, cure, problem.error.code)
    cells = [cell(sheet, number, "number"), *(cell(sheet, text, "text") for text in texts)]
    if problem.row and read.form != JSON:
        cells[1].hyperlink = _link(read.sheet, ref(problem.row, problem.place))
    sheet.append(cells)
    if cells[1].hyperlink is not None:
        cells[1].hyperlink.ref = cells[1].coordinate


def _link(sheet: str, place: str) -> Any:
    from openpyxl.worksheet.hyperlink import Hyperlink

    title = sheet.replace("'", "''")
    return Hyperlink(ref="A1", location=f"'{title}'!{place}")
