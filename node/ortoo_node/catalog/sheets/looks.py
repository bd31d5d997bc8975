"""How workbooks look: fills, borders, fonts; the texts of cells kept from being calculated."""

from __future__ import annotations

from copy import copy
from datetime import date
from functools import cache
from typing import Any

from ortoo_node.catalog.sheets.values import Shown
from ortoo_protocol.cli import cells

TITLE_FILL, NOTE_FILL = "1F3864", "F2F2F2"
HEAD_FILLS = {
    # (of an item, not in the city's template)
    (False, False): "2F5597",
    (True, False): "2E7D5B",
    (False, True): "6B7FA3",
    (True, True): "6FA08A",
}
BAND_FILL = "F4F7FB"
MARK_FILL = "FFC7CE"
AUTHOR = "Ortoo"


def plain(value: Shown) -> Shown:
    """Text without the characters that no workbook can hold; all else as it is."""
    return cells.plain(value) if isinstance(value, str) else value


def cell(sheet: Any, value: Shown, style: str = "") -> Any:
    """A cell of a sheet that is only written; text stays text, whatever it begins with."""
    from openpyxl.cell import WriteOnlyCell

    shown: Any = plain(value)
    made: Any = WriteOnlyCell(sheet, value=shown)
    if style:
        made._style = copy(_styles(sheet.parent)[style]._style)
        if isinstance(value, date):
            made.number_format = "yyyy-mm-dd"
    cells.as_text(made, value)
    return made


@cache
def _mark_fill() -> Any:
    from openpyxl.styles import PatternFill

    return PatternFill("solid", fgColor=MARK_FILL)


def mark(made: Any, text: str) -> None:
    """Fill a cell and hang `text` on it; what was written there before stays above."""
    from openpyxl.comments import Comment

    before = "" if made.comment is None else made.comment.text
    said = f"{before}\n\n{text}" if before else text
    made.fill = _mark_fill()
    made.comment = Comment(said, AUTHOR, height=40 + 18 * (1 + len(said) // 22), width=340)


def unmark(made: Any) -> None:
    """Take away what `mark` did to a copy that comes back."""
    from openpyxl.styles import PatternFill

    if made.comment is not None and made.comment.author == AUTHOR:
        made.comment = None
        if made.fill.fgColor.rgb in (f"00{MARK_FILL}", f"FF{MARK_FILL}"):
            made.fill = PatternFill()


def _styles(book: Any) -> dict[str, Any]:
    """Cells that lend their style; made once for a workbook, which would count each anew."""
    known: dict[str, Any] | None = getattr(book, "_ortoo_styles", None)
    if known is None:
        known = book._ortoo_styles = _make_styles(book)
    return known


def _make_styles(book: Any) -> dict[str, Any]:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

    sheet = book.worksheets[0]
    side = Side(style="thin", color="BFBFBF")
    border = Border(left=side, right=side, top=side, bottom=side)
    middle = Alignment(vertical="center", wrap_text=True)
    centre = Alignment(horizontal="center", vertical="center", wrap_text=True)
    white = Font(name="Microsoft YaHei", bold=True, color="FFFFFF")
    body = Font(name="Microsoft YaHei", size=10)

    def made(fill: str, font: Any, alignment: Any, lined: bool = True, form: str = "@") -> Any:
        one = WriteOnlyCell(sheet)
        if fill:
            one.fill = PatternFill("solid", fgColor=fill)
        one.font, one.alignment, one.number_format = font, alignment, form
        if lined:
            one.border = border
        return one

    title = Font(name="Microsoft YaHei", bold=True, size=16, color="FFFFFF")
    small = Font(name="Microsoft YaHei", size=9, color="595959")
    needed = Font(name="Microsoft YaHei", bold=True, color="FFE699")
    found = {
        "title": made(TITLE_FILL, title, Alignment(vertical="center"), False),
        "note": made(NOTE_FILL, small, middle, False),
        "text": made("", body, middle),
        "text-band": made(BAND_FILL, body, middle),
        "number": made("", body, centre, form="General"),
        "number-band": made(BAND_FILL, body, centre, form="General"),
        "choice": made("", body, centre),
        "choice-band": made(BAND_FILL, body, centre),
        "marked": made(MARK_FILL, body, middle),
        "head": made(HEAD_FILLS[False, False], white, centre),
    }
    for (of_item, extra), fill in HEAD_FILLS.items():
        name = f"head-{of_item:d}{extra:d}"
        found[name] = made(fill, white, centre)
        found[f"{name}-needed"] = made(fill, needed, centre)
    return found
