"""The year's report as a workbook: the text on the first sheet, ready to print and sign; a sheet
for each section with its tables, and plots as charts of Excel's own over those tables."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from ortoo_protocol.cli.cells import as_text, plain
from ortoo_protocol.cli.shell import Shell
from ortoo_protocol.cli.supervision.document import Cell, Document, Plot, Section, Table
from ortoo_protocol.cli.supervision.page import heading
from ortoo_protocol.i18n import mark

WIDTH = 8  # columns of the text's sheet, merged in each line
_COLUMN, _LINE = 11.5, 30
_CHARACTERS = 38  # that fit into a line of the text's sheet
_CHART_ROWS = 20
_WIDEST = 48  # of a column
_BESIDE = 16  # the column of a chart's figures
SONG, FANG, BLACK = "华文中宋", "仿宋", "黑体"


def book(shell: Shell, document: Document) -> bytes:
    """The .xlsx file."""
    import openpyxl

    made = openpyxl.Workbook()
    text = made.active
    if text is None:
        raise RuntimeError("a new workbook has a sheet")
    text.title = _name(made, shell.word(mark("Report")))
    _text(shell, text, document)
    for section in (*document.sections, *document.annexes):
        if section.tables or section.plots:
            _sheet(made, section)
    out = BytesIO()
    made.save(out)
    return out.getvalue()


# --- the text -----------------------------------------------------------------------------------


class _Lines:
    """Merged lines of the first sheet, one below the other."""

    def __init__(self, sheet: Any) -> None:
        self.sheet, self.row = sheet, 0

    def line(self, value: str, font: Any, align: str, height: float, indent: bool = False) -> Any:
        from openpyxl.styles import Alignment

        self.row += 1
        made = _put(self.sheet, self.row, 1, ("　　" if indent else "") + value)
        self.sheet.merge_cells(
            start_row=self.row, start_column=1, end_row=self.row, end_column=WIDTH
        )
        made.font = font
        made.alignment = Alignment(horizontal=align, vertical="center", wrap_text=True)
        self.sheet.row_dimensions[self.row].height = height
        return made

    def paragraph(self, value: str, font: Any) -> None:
        lines = -(-(len(value) + 2) // _CHARACTERS)
        self.line(value, font, "left", 23 * lines + 3, indent=True)


def _text(shell: Shell, sheet: Any, document: Document) -> None:
    from openpyxl.styles import Border, Font, Side

    body, black = Font(name=FANG, size=14), Font(name=BLACK, size=14)
    chinese = document.language.startswith("zh")
    for column in range(1, WIDTH + 1):
        sheet.column_dimensions[_letter(column)].width = _COLUMN
    lines = _Lines(sheet)
    red = Font(name=SONG, size=28, bold=True, color="D7000F")
    lines.line(document.authority, red, "center", 60)
    number = document.number or shell.word(mark("Number: ________"))
    signer = shell.say("Signed for issue: {name}", name=document.signer or "________")
    lines.line(f"{number}　　　　　　{signer}", body, "center", _LINE)
    rule = Border(bottom=Side(style="thick", color="D7000F"))
    for column in range(1, WIDTH + 1):
        sheet.cell(lines.row, column).border = rule
    lines.line("", body, "left", 14)
    lines.line(document.title, Font(name=SONG, size=20, bold=True), "center", 56)
    recipient = document.recipient or "________________"
    lines.line(recipient + ("：" if chinese else ":"), body, "left", _LINE)
    lines.paragraph(document.opening, body)
    for place, section in enumerate(document.sections):
        lines.line(heading(place, section.heading, chinese=chinese), black, "left", 28, True)
        for paragraph in section.paragraphs:
            lines.paragraph(paragraph, body)
        if section.tables or section.plots:
            see = shell.say("(Figures and plots: sheet {name}.)", name=section.short)
            lines.paragraph(see, Font(name=FANG, size=12, color="555555"))
    lines.line("", body, "left", 14)
    for annex in document.annexes:
        lines.line(annex.heading, body, "left", 24, True)
    lines.line("", body, "left", 40)
    seal = shell.word(mark("(place of the seal)"))
    for value in (document.authority, document.day, seal):
        lines.line(f"{value}　　", body, "right", _LINE)
    lines.line("", body, "left", 14)
    lines.line(document.sources, Font(name=FANG, size=10, color="555555"), "left", 30)
    _print_setup(sheet, landscape=False)


# --- sections -----------------------------------------------------------------------------------


def _sheet(made: Any, section: Section) -> None:
    from openpyxl.styles import Font

    sheet = made.create_sheet(_name(made, section.short))
    title = _put(sheet, 1, 1, section.heading)
    title.font = Font(name=BLACK, size=15)
    sheet.row_dimensions[1].height = 28
    row = 3
    for plot in section.plots:
        row = _chart(sheet, plot, row)
    for table in section.tables:
        row = _table(sheet, table, row)
    # The figures beside a chart are for whoever changes it, not for paper.
    last = max((len(table.headings) for table in section.tables), default=1)
    last = max(last, _BESIDE - 2) if section.plots else last
    sheet.print_area = f"A1:{_letter(last)}{row}"
    _print_setup(sheet, landscape=True)


def _table(sheet: Any, table: Table, row: int) -> int:
    """Below `row`; returns the row after it."""
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

    side = Side(style="thin", color="777777")
    border = Border(left=side, right=side, top=side, bottom=side)
    middle = Alignment(horizontal="center", vertical="center", wrap_text=True)
    caption = _put(sheet, row, 1, table.caption)
    caption.font = Font(name=BLACK, size=12)
    for column, text in enumerate(table.headings, 1):
        cell = _put(sheet, row + 1, column, text)
        cell.font, cell.alignment, cell.border = Font(name=BLACK, size=10.5), middle, border
        cell.fill = PatternFill("solid", fgColor="EFECE4")
        _widen(sheet, column, text, 16)
    sheet.row_dimensions[row + 1].height = 42
    left = Alignment(horizontal="left", vertical="center", wrap_text=True)
    for down, values in enumerate(table.rows, row + 2):
        for column, value in enumerate(values, 1):
            cell = _put(sheet, down, column, value)
            figure = isinstance(value, int) or column - 1 in table.numbers
            cell.font, cell.border = Font(name=FANG, size=11), border
            cell.alignment = middle if figure else left
            if isinstance(value, int):
                cell.number_format = "#,##0"
            _widen(sheet, column, str(value), _WIDEST)
        longest = max(_wide(str(value)) for value in values)
        sheet.row_dimensions[down].height = 17 * -(-longest // _WIDEST)
    return row + len(table.rows) + 4


def _chart(sheet: Any, plot: Plot, row: int) -> int:
    """The chart, and beside it the figures that it draws; returns the row below both."""
    from openpyxl.chart import BarChart, Reference

    first = _BESIDE
    _put(sheet, row, first, plot.title)
    for column, part in enumerate(plot.parts, first + 1):
        _put(sheet, row, column, part.title)
    for down, (label, values) in enumerate(plot.rows, row + 1):
        _put(sheet, down, first, label)
        for column, part in enumerate(plot.parts, first + 1):
            value = values.get(part.key, 0)
            sheet.cell(down, column, value / plot.scale if plot.scale != 1 else value)
    last = row + len(plot.rows)
    chart: Any = BarChart()
    chart.type = "col" if plot.standing else "bar"
    chart.grouping, chart.overlap, chart.gapWidth = "stacked", 100, 60
    chart.title = plot.title
    data = Reference(sheet, first + 1, row, first + len(plot.parts), last)
    chart.add_data(data, titles_from_data=True)
    chart.set_categories(Reference(sheet, first, row + 1, first, last))
    for series, part in zip(chart.series, plot.parts, strict=True):
        series.graphicalProperties.solidFill = part.colour.removeprefix("#")
    if len(plot.parts) == 1:
        chart.legend = None
    else:
        chart.legend.position = "b"
    if not plot.standing:
        chart.y_axis.crosses = "max"
        chart.x_axis.scaling.orientation = "maxMin"
    chart.x_axis.delete = chart.y_axis.delete = False
    rows = max(_CHART_ROWS, len(plot.rows) + 6 if not plot.standing else 0)
    chart.width, chart.height = 24, rows * 0.53
    sheet.add_chart(chart, f"A{row}")
    return max(row + rows + 2, last + 3)


# --- cells --------------------------------------------------------------------------------------


def _put(sheet: Any, row: int, column: int, value: Cell) -> Any:
    """Text stays text, whatever it begins with."""
    made = sheet.cell(row, column, plain(value) if isinstance(value, str) else value)
    as_text(made, value)
    return made


def _widen(sheet: Any, column: int, text: str, most: int) -> None:
    wide = _wide(text) + 2
    held = sheet.column_dimensions[_letter(column)]
    held.width = max(held.width if held.width != 13 else 9, min(wide, most))


def _wide(text: str) -> int:
    """Characters of Chinese take two places."""
    return sum(2 if ord(character) > 0x2E7F else 1 for character in text)


def _letter(column: int) -> str:
    from openpyxl.utils import get_column_letter

    return get_column_letter(column)


def _name(made: Any, wanted: str) -> str:
    """A sheet's name: no longer than 31 characters, without what Excel forbids, each once."""
    kept = "".join("_" if c in "[]:*?/\\" else c for c in plain(wanted))[:28] or "_"
    taken: Sequence[str] = made.sheetnames
    number, name = 1, kept
    while name in taken:
        number += 1
        name = f"{kept}{number}"
    return name


def _print_setup(sheet: Any, *, landscape: bool) -> None:
    from openpyxl.worksheet.properties import PageSetupProperties

    sheet.page_setup.paperSize = 9  # A4
    sheet.page_setup.orientation = "landscape" if landscape else "portrait"
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.print_options.horizontalCentered = True
    sheet.oddFooter.center.text = "— &P —"
    sheet.sheet_view.showGridLines = False
    if landscape:
        return
    sheet.page_margins.left, sheet.page_margins.right = 28 / 25.4, 26 / 25.4
    sheet.page_margins.top, sheet.page_margins.bottom = 37 / 25.4, 35 / 25.4
