"""The template as a workbook: empty, or filled with entries (`catalog template`, `export`).

Written row by row, so that a region's whole catalog needs no more memory than one resource. Columns
of closed lists have drop-downs; their lists stand on a hidden sheet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ortoo_node.catalog.sheets.columns import COLUMNS, Column
from ortoo_node.catalog.sheets.entries import rows_of
from ortoo_node.catalog.sheets.grid import letter
from ortoo_node.catalog.sheets.looks import cell
from ortoo_node.catalog.sheets.values import CreditCode, Day, Decimal, Length, Pick, Shown

SHEET, GUIDE, LISTS = "信息资源目录", "填写说明", "选项"
TITLE = "政务信息资源目录"
NOTE = (
    "一个信息资源的每个信息项填一行，资源各列可以合并单元格或逐行重复；黄字表头为必填。"
    "信息项的共享类型、条件、方式和开放属性留空时与资源一致。带下拉箭头的单元格请从列表中选择。"
)
HEADER_ROW = 3
CHOOSING_ROWS = 2_000  # below the last entry, in which drop-downs work
MOST_MERGED = 300  # resources; more are repeated in each row, which sorts and filters
_LETTERS = [letter(place) for place in range(len(COLUMNS))]
_PAGES_WIDE = 4
_HEAD_HEIGHT, _TITLE_HEIGHT, _NOTE_HEIGHT = 44, 30, 34


def write_book(
    file: Path, entries: Iterable[Mapping[str, Any]], *, title: str = TITLE, merged: bool = True
) -> int:
    """Write `entries` (fields as of an entry file); how many. `merged`: resource cells over the
    rows of their items."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(SHEET)
    _shape(sheet)
    _head(sheet, title)
    count, row = 0, HEADER_ROW + 1
    for entry in entries:
        lines = rows_of(entry)
        for number, line in enumerate(lines):
            sheet.append(_line(sheet, line, band=count % 2 == 1, first=number == 0 or not merged))
        if merged and len(lines) > 1:
            _merge(sheet, row, row + len(lines) - 1)
        row += len(lines)
        count += 1
    _validate(sheet, row + CHOOSING_ROWS)
    _guide(book.create_sheet(GUIDE))
    _lists(book.create_sheet(LISTS))
    book.save(file)
    return count


def _shape(sheet: Any) -> None:
    for name, column in zip(_LETTERS, COLUMNS, strict=True):
        sheet.column_dimensions[name].width = column.width
    sheet.freeze_panes = f"B{HEADER_ROW + 1}"
    sheet.sheet_properties.tabColor = "2F5597"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 8  # A3
    sheet.sheet_properties.pageSetUpPr = _fit()
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = _PAGES_WIDE, 0
    sheet.print_title_rows, sheet.print_title_cols = f"{HEADER_ROW}:{HEADER_ROW}", "A:A"
    for number, height in ((1, _TITLE_HEIGHT), (2, _NOTE_HEIGHT), (HEADER_ROW, _HEAD_HEIGHT)):
        sheet.row_dimensions[number].height = height


def _fit() -> Any:
    from openpyxl.worksheet.properties import PageSetupProperties

    return PageSetupProperties(fitToPage=True)


def _head(sheet: Any, title: str) -> None:
    from openpyxl.comments import Comment

    for number, (text, style) in enumerate(((title, "title"), (NOTE, "note")), 1):
        sheet.append([cell(sheet, text, style), *(cell(sheet, "", style) for _ in COLUMNS[1:])])
        sheet.merged_cells.add(f"A{number}:{_LETTERS[-1]}{number}")
    heads = []
    for column in COLUMNS:
        needed = "-needed" if column.needed else ""
        made = cell(sheet, column.heading, f"head-{column.of_item:d}{column.extra:d}{needed}")
        made.comment = Comment(column.note, "Ortoo", height=70, width=260)
        heads.append(made)
    sheet.append(heads)


def _line(sheet: Any, line: Mapping[Column, Shown], *, band: bool, first: bool) -> list[Any]:
    cells = []
    for column in COLUMNS:
        value = line.get(column) if first or column.of_item else None
        cells.append(cell(sheet, "" if value is None else value, _style(column, band)))
    return cells


def _style(column: Column, band: bool) -> str:
    kind = column.kind
    name = "text"
    if isinstance(kind, Pick):
        name = "choice"
    elif isinstance(kind, (Decimal, Length, Day)):
        name = "number"
    return f"{name}-band" if band else name


def _merge(sheet: Any, first: int, last: int) -> None:
    for name, column in zip(_LETTERS, COLUMNS, strict=True):
        if not column.of_item:
            sheet.merged_cells.add(f"{name}{first}:{name}{last}")


# --- drop-downs ---------------------------------------------------------------------------------


def _chosen() -> Sequence[tuple[int, Column, Pick]]:
    return [
        (place, column, column.kind)
        for place, column in enumerate(COLUMNS)
        if isinstance(column.kind, Pick)
    ]


def _validate(sheet: Any, last: int) -> None:
    from openpyxl.worksheet.datavalidation import DataValidation

    for number, (place, column, kind) in enumerate(_chosen()):
        name = letter(number)
        rows = f"'{LISTS}'!${name}$2:${name}${len(kind.choices.shown) + 1}"
        rule = DataValidation(type="list", formula1=rows, allow_blank=True)
        _explain(rule, column)
        rule.add(f"{_LETTERS[place]}{HEADER_ROW + 1}:{_LETTERS[place]}{last}")
        sheet.data_validations.append(rule)
    for place, column in enumerate(COLUMNS):
        if isinstance(column.kind, Length):
            rule = DataValidation(type="whole", operator="greaterThanOrEqual", formula1="1")
        elif isinstance(column.kind, CreditCode):
            rule = DataValidation(type="textLength", operator="equal", formula1="18")
        else:
            continue
        _explain(rule, column)
        rule.add(f"{_LETTERS[place]}{HEADER_ROW + 1}:{_LETTERS[place]}{last}")
        sheet.data_validations.append(rule)


def _explain(rule: Any, column: Column) -> None:
    rule.showErrorMessage = True
    rule.allow_blank = True
    rule.errorTitle = column.heading[:30]
    rule.error = column.note[:200]


def _lists(sheet: Any) -> None:
    sheet.sheet_state = "hidden"
    lists = [(column.heading, *kind.choices.shown) for _, column, kind in _chosen()]
    for number in range(max(map(len, lists))):
        sheet.append([each[number] if number < len(each) else None for each in lists])


def _guide(sheet: Any) -> None:
    """What belongs into each column."""
    for name, width in zip("ABCDE", (6, 26, 10, 10, 90), strict=True):
        sheet.column_dimensions[name].width = width
    sheet.freeze_panes = "A2"
    sheet.append([cell(sheet, head, "head") for head in ("列", "名称", "属于", "必填", "说明")])
    for place, column in enumerate(COLUMNS):
        kind = column.kind
        said = column.note
        if isinstance(kind, Pick):
            said = f"{said}：{'、'.join(kind.choices.shown)}"
        texts = (_LETTERS[place], column.heading, "信息项" if column.of_item else "资源",
                 "是" if column.needed else "", said)  # fmt: skip
        sheet.append([cell(sheet, text, "text") for text in texts])
