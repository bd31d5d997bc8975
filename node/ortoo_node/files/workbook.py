"""A table as an Excel workbook of one sheet, written row by row straight into its archive.

Nothing is changed by a spreadsheet's own ideas: texts are texts (a leading ``=`` makes no formula,
``001`` keeps its zeros), and a number that a cell would round is a text with all its digits. The
same rows are the same bytes.

Not by openpyxl, which reads workbooks here: it writes a sheet into the system's temporary folder
first, where a killed process would leave rows of a department in the clear.
"""

from __future__ import annotations

import base64
import re
import zipfile
from collections.abc import Callable, Iterable
from datetime import date
from typing import IO, Any
from xml.sax.saxutils import escape

from ortoo_node.catalog.sheets.grid import letter
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import FileForm
from ortoo_protocol.core.feeds import Column, TableSchema

MOST_ROWS = 1_048_576 - 1  # of a sheet, less the header
MOST_CHARACTERS = 32_767  # of a cell
EXACT_DIGITS = 15  # of a number in a cell
LINES_AT_ONCE = 500
_DAY_NONE = date(1899, 12, 30)
_DAY_FIRST = date(1900, 3, 1)  # before it the calendar of workbooks has a day that never was
# ECMA-376, ST_Xstring: a character that XML cannot hold, and what would be read as one.
_ESCAPED = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_STYLES = {"date": 1, "text": 2}

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
    "</Types>",
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATED}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>",
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATED}">'
    '<sheets><sheet name="data" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATED}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_RELATED}/styles" Target="styles.xml"/>'
    "</Relationships>",
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}">'
    '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>'
    '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="3"><xf xfId="0"/>'
    '<xf numFmtId="164" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="49" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>",
}
_HEAD = (
    f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    "</sheetView></sheetViews><sheetData>"
)
Row = Iterable[Scalar]
# Of a value, its column and the row's number: the cell's attributes and content.
Maker = Callable[[Any, Column, int], str]


def write_workbook(out: IO[bytes], schema: TableSchema, rows: Iterable[Row]) -> None:
    """Raises FileForm: more rows than a sheet holds, or a text longer than a cell."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, text in _PARTS.items():
            archive.writestr(_named(name), _XML + text)
        with archive.open(_named("xl/worksheets/sheet1.xml"), "w", force_zip64=True) as sheet:
            _write_sheet(sheet, schema, rows)


def _named(name: str) -> zipfile.ZipInfo:
    """Of no time: the same rows are the same bytes."""
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _write_sheet(sheet: IO[bytes], schema: TableSchema, rows: Iterable[Row]) -> None:
    columns = schema.columns
    letters = [letter(place) for place in range(len(columns))]
    makers = [_MAKERS.get(column.type, _text) for column in columns]
    head = (_cell(at, "1", _text(c.name, c, 0)) for at, c in zip(letters, columns, strict=True))
    lines = [_HEAD, f'<row r="1">{"".join(head)}</row>']
    for number, row in enumerate(rows, 1):
        if number > MOST_ROWS:
            raise FileForm(detail=f"a sheet holds {MOST_ROWS} rows, and there are more")
        at = str(number + 1)
        cells = "".join(
            _cell(place, at, make(value, column, number))
            for place, make, column, value in zip(letters, makers, columns, row, strict=True)
            if value is not None
        )
        lines.append(f'<row r="{at}">{cells}</row>')
        if len(lines) >= LINES_AT_ONCE:
            sheet.write("".join(lines).encode())
            lines.clear()
    lines.append("</sheetData></worksheet>")
    sheet.write("".join(lines).encode())


def _cell(place: str, at: str, rest: str) -> str:
    return f'<c r="{place}{at}"{rest}</c>'


def _text(value: str, column: Column, number: int) -> str:
    if len(value) > MOST_CHARACTERS:
        detail = f"row {number}, {column.name}: a cell holds {MOST_CHARACTERS} characters"
        raise FileForm(detail=detail)
    safe = escape(_ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", value))
    style = _STYLES["text"]
    return f' s="{style}" t="inlineStr"><is><t xml:space="preserve">{safe}</t></is>'


def _number(value: Any, column: Column, number: int) -> str:
    """Of type N, Y or I: all its digits, or it is a text."""
    text = str(value)
    exact = len(text.lstrip("-").replace(".", "").lstrip("0")) <= EXACT_DIGITS
    return f"><v>{text}</v>" if exact else _text(text, column, number)


def _float(value: float, column: Column, number: int) -> str:
    return f"><v>{value!r}</v>"


def _truth(value: bool, column: Column, number: int) -> str:
    return f' t="b"><v>{value:d}</v>'


def _day(value: str, column: Column, number: int) -> str:
    day = date.fromisoformat(value)
    if day < _DAY_FIRST:
        return _text(value, column, number)
    return f' s="{_STYLES["date"]}"><v>{(day - _DAY_NONE).days}</v>'


def _bytes(value: bytes, column: Column, number: int) -> str:
    return _text(base64.b64encode(value).decode(), column, number)


_MAKERS: dict[str, Maker] = {
    **dict.fromkeys("NYI", _number),
    **dict.fromkeys("BF", _float),
    "L": _truth,
    "D": _day,
    "G": _bytes,
}
