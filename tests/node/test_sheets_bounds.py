"""Files that are meant to hurt, or are no catalogs at all: named, and read in bounded memory."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from ortoo_node.catalog.sheets import workbook
from ortoo_protocol.core.errors import OrtooError, SheetError
from ortoo_protocol.i18n import translator
from tests.node.sheet_kit import CITY, ITEM, RESOURCE, book, found, put, read_file, row
from tests.node.test_folder_workbooks import SHEET, TEXTS, edited, sharing

TOP = Path(__file__).parents[2]
SAY = translator("zh_CN")
MOST_KIB = 160 * 1024  # of a whole process, openpyxl and the catalog of errors included


def refused(file: Path) -> SheetError:
    with pytest.raises(SheetError) as raised:
        read_file(file)
    what, cure = SAY.error(raised.value)
    assert (what, cure) != (raised.value.what, raised.value.cure)
    return raised.value


def in_a_process_of_its_own(file: Path) -> tuple[str, int]:
    """(code of the error or how many resources, peak of resident memory in KiB)."""
    program = (
        "import sys; from pathlib import Path\n"
        "from ortoo_node.catalog.sheets.reading import read\n"
        "from ortoo_protocol.core.errors import OrtooError\n"
        "from ortoo_protocol.core.catalog.intake import problems\n"
        "try: said = str(len(read(Path(sys.argv[1]), problems).drafts))\n"
        "except OrtooError as error: said = error.code\n"
        # Not ru_maxrss: that begins with what the process that forked had.
        "status = Path('/proc/self/status').read_text()\n"
        "print(said, status.split('VmHWM:')[1].split()[0])\n"
    )
    paths = [str(TOP / part) for part in ("protocol", "node")]
    ran = subprocess.run(
        [sys.executable, "-c", program, str(file)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=True,
    )
    said, peak = ran.stdout.split()
    return said, int(peak)


def replaced(content: bytes, part: str, write: Callable[[io.BufferedIOBase], None]) -> bytes:
    """The workbook with one part written anew, compressed."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            if name != part:
                target.writestr(name, source.read(name))
        with target.open(part, "w", force_zip64=True) as new:
            write(new)  # type: ignore[arg-type]
    return out.getvalue()


def test_a_bomb_of_a_part_that_is_read_whole(tmp_path: Path) -> None:
    def write(part: io.BufferedIOBase) -> None:
        part.write(b"<styleSheet>")
        for _ in range(200):
            part.write(b"<a/>" * (1 << 18))

    content = replaced(book(row(RESOURCE, ITEM)), "xl/styles.xml", write)
    assert len(content) < 2 << 20
    said, peak = in_a_process_of_its_own(put(tmp_path, content))
    assert said == "catalog.sheet-unpacks"
    assert peak < MOST_KIB, peak


def test_a_bomb_named_as_if_it_were_a_sheet(tmp_path: Path) -> None:
    """A part's name says nothing: what the list of parts calls it is what is read."""
    texts = "xl/worksheets/texts.xml"
    content = sharing(book(row(RESOURCE, ITEM)))
    content = edited(content, "[Content_Types].xml", f"/{TEXTS}", f"/{texts}")

    def write(part: io.BufferedIOBase) -> None:
        part.write(b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">')
        for _ in range(80):
            part.write(b"<si><t>x</t></si>" * 65_536)

    said, peak = in_a_process_of_its_own(put(tmp_path, replaced(content, texts, write)))
    assert said == "catalog.sheet-unpacks"
    assert peak < MOST_KIB, peak


def test_a_bomb_of_rows(tmp_path: Path) -> None:
    """Rows are streamed, and counted before any is kept: 300 MB of them in a small file."""
    content = book(row(RESOURCE, ITEM))
    head, _, tail = zipfile.ZipFile(io.BytesIO(content)).read(SHEET).partition(b"</sheetData>")

    def write(part: io.BufferedIOBase) -> None:
        part.write(head)
        for number in range(3, 200_003):
            cells = "".join(
                f'<c r="{chr(65 + n)}{number}" t="inlineStr"><is><t>{"x" * 30}</t></is></c>'
                for n in range(20)
            )
            part.write(f'<row r="{number}">{cells}</row>'.encode())
        part.write(b"</sheetData>" + tail)

    file = put(tmp_path, replaced(content, SHEET, write))
    said, peak = in_a_process_of_its_own(file)
    assert said == "catalog.sheet-rows"
    assert peak < MOST_KIB, peak


def test_a_cell_of_ten_megabytes(tmp_path: Path) -> None:
    content = book(row(RESOURCE, ITEM, 信息资源摘要="摘要在此"))

    def write(part: io.BufferedIOBase) -> None:
        sheet = zipfile.ZipFile(io.BytesIO(content)).read(SHEET)
        before, found_, after = sheet.partition("摘要在此".encode())
        assert found_
        part.write(before)
        for _ in range(10):
            part.write(b"a" * (1 << 20))
        part.write(after)

    file = put(tmp_path, replaced(content, SHEET, write))
    error = refused(file)
    assert (error.code, error.facts["cell"]) == ("catalog.sheet-cell-size", "G2")
    said, peak = in_a_process_of_its_own(file)
    assert said == "catalog.sheet-cell-size"
    assert peak < MOST_KIB, peak


def test_a_cell_of_ten_megabytes_among_shared_texts(tmp_path: Path) -> None:
    content = sharing(book(row(RESOURCE, ITEM)))
    long = edited(content, TEXTS, "本</t>", "本" + "a" * (10 << 20) + "</t>")
    read = read_file(put(tmp_path, long))
    assert ("G2", "catalog.cell-text") in found(read)


def test_a_csv_field_of_ten_megabytes(tmp_path: Path) -> None:
    text = ",".join(CITY) + "\r\n" + "长" * (10 << 20)
    error = refused(put(tmp_path, text.encode(), "长.csv"))
    assert (error.code, error.facts["line"]) == ("catalog.sheet-line", 2)


@pytest.mark.parametrize("name", ["多.xlsx", "多.csv"])
def test_100_001_rows(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    if name.endswith("csv"):
        lines = [",".join(CITY), *(f"资源{number}" for number in range(100_001))]
        file.write_text("\n".join(lines))
    else:
        made = openpyxl.Workbook(write_only=True)
        sheet = made.create_sheet()
        sheet.append(CITY)
        for number in range(100_001):
            sheet.append([f"资源{number}"])
        made.save(file)
    error = refused(file)
    assert (error.code, error.facts["cell"]) == ("catalog.sheet-rows", "A100002")
    assert "100000" in SAY.error(error)[0]


def test_old_workbooks_and_passwords(tmp_path: Path) -> None:
    ole = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(2_000_000)
    assert refused(put(tmp_path, ole, "旧.xls")).code == "catalog.sheet-old"
    locked = ole + "EncryptedPackage".encode("utf-16-le") + bytes(1_000)
    assert refused(put(tmp_path, locked, "锁.xlsx")).code == "catalog.sheet-password"


def test_a_locked_archive(tmp_path: Path) -> None:
    content = bytearray(book(row(RESOURCE, ITEM)))
    central = content.index(b"PK\x01\x02")
    content[central + 8] |= 1  # general purpose bit 0: encrypted
    assert refused(put(tmp_path, bytes(content))).code == "catalog.sheet-password"


def test_macros(tmp_path: Path) -> None:
    out = io.BytesIO(book(row(RESOURCE, ITEM)))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"x")
    assert refused(put(tmp_path, out.getvalue(), "宏.xlsm")).code == "catalog.sheet-macros"
    named = edited(
        book(row(RESOURCE, ITEM)),
        "[Content_Types].xml",
        "spreadsheetml.sheet.main",
        "sheet.macroEnabled.main",
    )
    assert refused(put(tmp_path, named, "宏.xlsx")).code == "catalog.sheet-macros"


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 no archive",
        edited(book(row(RESOURCE, ITEM)), SHEET, "<sheetData>", "<!DOCTYPE x><sheetData>"),
        edited(book(row(RESOURCE, ITEM)), "[Content_Types].xml", "<Types", "<!DOCTYPE x><Types"),
        edited(book(row(RESOURCE, ITEM)), SHEET, "</sheetData>", ""),
    ],
)
def test_files_that_are_no_workbooks(tmp_path: Path, content: bytes) -> None:
    assert refused(put(tmp_path, content)).code in ("catalog.sheet", "catalog.sheet-kind")


def test_an_office_document_of_another_kind(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<a/>")
    assert refused(put(tmp_path, out.getvalue(), "表.ods")).code == "catalog.sheet-kind"


@pytest.mark.parametrize("seed", range(40))
def test_damaged_workbooks_are_read_or_named(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    damaged = bytearray(book(row(RESOURCE, ITEM), row(RESOURCE, ITEM, 信息项名称="另一项")))
    for _ in range(chance.randint(1, 4)):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    try:
        read_file(put(tmp_path, bytes(damaged)))
    except OrtooError as error:
        assert error.code.startswith("catalog.sheet")  # noqa: PT017


def test_many_rows_are_read_in_bounded_memory(tmp_path: Path) -> None:
    """Resources are kept, cells are not."""
    made = openpyxl.Workbook(write_only=True)
    sheet = made.create_sheet()
    sheet.append(CITY)
    for number in range(1_500):
        resource = {**RESOURCE, "信息资源名称": f"资源{number}"}
        resource["信息资源代码"] = f"307001150700/{number + 1:06d}"
        sheet.append(row(resource, ITEM))
        for item in range(9):
            sheet.append(row(ITEM, 信息项名称=f"信息项{item}"))
    file = tmp_path / "大.xlsx"
    made.save(file)
    said, peak = in_a_process_of_its_own(file)
    assert said == "1500"
    assert peak < MOST_KIB, peak


def test_bounds_are_those_that_are_documented() -> None:
    assert workbook.MOST_PART_BYTES == 8 << 20
    assert workbook.MOST_TEXT_BYTES == 64 << 20
    assert workbook.MOST_SHEET_BYTES == 512 << 20
