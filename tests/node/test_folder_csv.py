"""CSV files of front-end machines, as departments really deliver them."""

from __future__ import annotations

import codecs
import csv
import io
import random
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ortoo_protocol.core.errors import (
    SourceFileColumns,
    SourceFileEncoding,
    SourceFileLine,
    SourceFileTwice,
    SourceRowWidth,
)
from ortoo_protocol.core.feeds import Column
from tests.node.folder_kit import CODE, COUNT, NAME, FrontEnd

TOWNS = "code,name,count\n150700,海拉尔区,3\n150781,满洲里市,17\n"
ROWS = [("150700", "海拉尔区", 3), ("150781", "满洲里市", 17)]


@pytest.fixture
def front(tmp_path: Path) -> FrontEnd:
    return FrontEnd(tmp_path / "front")


@pytest.mark.parametrize(
    "content",
    [
        TOWNS.encode(),
        codecs.BOM_UTF8 + TOWNS.encode(),
        TOWNS.encode("gbk"),
        TOWNS.encode("gb18030"),
        TOWNS.encode("utf-16"),
        codecs.BOM_UTF16_BE + TOWNS.encode("utf-16-be"),
        ("\ufeff" + TOWNS).encode("gb18030"),
        TOWNS.replace("\n", "\r\n").encode(),
        TOWNS.replace("\n", "\r").encode(),
        TOWNS.rstrip().encode(),
        TOWNS.replace(",", ";").encode(),
        TOWNS.replace(",", "\t").encode("gbk"),
        TOWNS.replace(",", "|").encode(),
        TOWNS.replace("code,name,count", "行政区划代码,名称,人口数").encode("gbk"),
        TOWNS.replace("code,name,count", " CODE , 名 称,人口数").encode(),
        ("内蒙古自治区乡镇表\n制表：张三,,\n\n" + TOWNS).encode("gbk"),
        TOWNS.replace("\n", ",,\n").encode(),
        ("\n\n" + TOWNS + ",,\n\n").encode(),
        TOWNS.replace("3\n", "３\n").replace("17\n", "１７\n").encode("gbk"),
        TOWNS.replace("3\n", '" 3 "\n').replace("17\n", "+17.0\n").encode(),
    ],
)
def test_files_as_they_come(front: FrontEnd, content: bytes) -> None:
    front.put("towns.csv", content)
    read = front.read("*.csv")
    assert (read.rows, read.errors, read.whole) == (ROWS, [], True)


def test_columns_in_another_order_and_more_of_them(
    front: FrontEnd, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    front.put("towns.csv", "备注,count,name,手机,code\nx,3,海拉尔区,1,150700\n")
    assert front.read().rows == [ROWS[0]]
    assert "备注, 手机" in caplog.text


def test_newlines_quotes_and_separators_in_a_field(front: FrontEnd) -> None:
    name = '一行,\n"两行";\r\n三行'
    out = io.StringIO()
    csv.writer(out).writerows([["code", "name", "count"], ["1", name, 2], ["2", "短", 3, 4]])
    front.put("towns.csv", out.getvalue().encode("gb18030"))
    read = front.read()
    assert read.rows == [("1", name, 2)]
    (error,) = read.errors
    assert isinstance(error, SourceRowWidth)
    assert error.facts == {"file": "towns.csv", "line": 5, "found": 4, "wanted": 3}
    assert read.where == ["towns.csv:2", "towns.csv:5"]


def test_ragged_rows_are_set_aside_by_their_line(front: FrontEnd) -> None:
    front.put("towns.csv", TOWNS + "1,short\n2,long,3,4\n3,empty cells,3,,\n")
    read = front.read()
    assert read.rows == [*ROWS, ("3", "empty cells", 3)]
    assert [(type(e), e.facts["line"]) for e in read.errors] == [
        (SourceRowWidth, 4),
        (SourceRowWidth, 5),
    ]
    # Whose rows they were nobody knows: what is absent was not deleted.
    assert not read.whole


@pytest.mark.parametrize(
    ("letter", "text", "value"),
    [
        ("C", " ００7 ", " ００7 "),
        ("C", "", None),
        ("I", "１２，３４５", 12345),
        ("I", "1,234", 1234),
        ("I", "1,23", "1,23"),
        ("I", "1.5", "1.5"),
        ("I", "x", "x"),
        ("I", "1e3", 1000),
        ("I", "５²", "５²"),
        ("I", "-007", -7),
        ("N", "￥1,234.50", "1234.50"),
        ("N", "－１２．５０", "-12.50"),
        ("N", "1.5E-3", "0.0015"),
        ("N", ".5", "0.5"),
        ("N", "1e999", "1e999"),
        ("N", "12%", "12%"),
        ("Y", "０", "0"),
        ("F", "0.1", 0.1),
        ("B", "1e400", "1e400"),
        ("L", "是", True),
        ("L", "否", False),
        ("L", "TRUE", True),
        ("L", "也许", "也许"),
        ("D", "2026年1月2日", "2026-01-02"),
        ("D", "2026/1/2", "2026-01-02"),
        ("D", "2026.01.02", "2026-01-02"),
        ("D", "20260102", "2026-01-02"),
        ("D", "２０２６－０１－０２ 00:00:00", "2026-01-02"),
        ("D", "2026-01-02 08:00", "2026-01-02 08:00"),
        ("D", "2026-02-30", "2026-02-30"),
        ("D", "45000", "45000"),
        ("T", "2026/1/2 8:05", "2026-01-02T08:05:00"),
        ("T", "2026年1月2日 8时5分7秒", "2026-01-02T08:05:07"),
        ("T", "2026-01-02T08:05:07.5+0800", "2026-01-02T08:05:07.500000+08:00"),
        ("T", "20260102080507", "2026-01-02T08:05:07"),
        ("T", "2026-01-02", "2026-01-02T00:00:00"),
        ("T", "2026-01-02 25:00", "2026-01-02 25:00"),
        ("G", "AP8=", b"\x00\xff"),
        ("G", "~", "~"),
    ],
)
def test_what_people_write(front: FrontEnd, letter: str, text: str, value: object) -> None:
    front.columns = (CODE, Column("x", letter, 0))
    out = io.StringIO()
    csv.writer(out).writerows([["code", "x"], ["1", text]])
    front.put("towns.csv", out.getvalue())
    ((_, found),) = front.read().rows
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("content", "hint", "place"),
    [
        (TOWNS.encode() + b"1,\xff,1\n", "", len(TOWNS.encode()) + 3),
        (TOWNS.encode("gbk"), "utf-8", len("code,name,count\n150700,") + 1),
        (codecs.BOM_UTF8 + TOWNS.encode() + "名".encode("gbk"), "", 3 + len(TOWNS.encode()) + 1),
    ],
)
def test_bytes_that_are_no_text(front: FrontEnd, content: bytes, hint: str, place: int) -> None:
    front.put("towns.csv", content)
    with pytest.raises(SourceFileEncoding) as caught:
        front.read(encoding=hint)
    assert caught.value.facts["place"] == place


def test_an_encoding_is_decided_by_the_whole_file(front: FrontEnd) -> None:
    """A megabyte of ASCII, and one GBK name behind it, across the pieces that are looked at."""
    filler = "".join(f"{n:06},plain,{n}\n" for n in range(90_000))
    before = "code,name,count\n" + filler
    for shift in range(3):
        front.put("towns.csv", (before + "x" * shift + ",海拉尔,1\n").encode("gbk"))
        assert front.read().rows[-1][1] == "海拉尔"


def test_a_hint_decides(front: FrontEnd) -> None:
    """The GBK bytes of 联通 happen to be UTF-8."""
    front.put("towns.csv", "code,name,count\n1,联通,1\n".encode("gbk"))
    assert front.read(encoding="gbk").rows == [("1", "联通", 1)]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (TOWNS + '3,"open,1\n4,b,1\n', 4),
        (TOWNS + '3,"a"b,1\n', 4),
        ("code,name,count\n1," + "x" * 200_000 + ",1\n", 2),
        ("code,name,count\n1," + "x" * (5 << 20) + ",1\n", 2),
    ],
    ids=["open quote", "text behind a quote", "wide field", "endless line"],
)
def test_broken_files_leave_nothing(front: FrontEnd, content: str, line: int) -> None:
    front.put("towns.csv", content)
    reading = front.source().read("")
    with pytest.raises(SourceFileLine) as caught:
        next(iter(reading.rows))
    assert caught.value.facts["line"] == line


@pytest.mark.parametrize("content", ["", "\n", "1,2,3\n", "code,name\n1,a\n", "code;name\n1;a\n"])
def test_missing_columns_are_named(front: FrontEnd, content: str) -> None:
    front.put("towns.csv", content)
    with pytest.raises(SourceFileColumns) as caught:
        front.read()
    assert "人口数 (count)" in str(caught.value)


def test_a_column_that_stands_twice(front: FrontEnd) -> None:
    front.put("towns.csv", "code,name,count,行政区划代码\n1,a,1,2\n")
    with pytest.raises(SourceFileTwice) as caught:
        front.read()
    assert caught.value.facts["columns"] == "code"


def test_the_row_of_the_header_may_be_said(front: FrontEnd) -> None:
    front.put("towns.csv", "code,name,count\n0,old,0\ncode,name,count\n1,new,1\n")
    assert front.read(header_row=3).rows == [("1", "new", 1)]


def test_memory_is_bounded(front: FrontEnd) -> None:
    with (front.path / "in" / "towns.csv").open("w") as file:
        file.write("code,name,count\n")
        file.writelines(f"{n:08},{'名' * 20},{n}\n" for n in range(150_000))
    reading = front.source().read("")
    tracemalloc.start()
    try:
        assert sum(1 for _ in reading.rows) == 150_000
        assert tracemalloc.get_traced_memory()[1] < 12 << 20
    finally:
        tracemalloc.stop()


cells = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=9
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(cells, st.integers(-(1 << 63), (1 << 63) - 1)), min_size=1, max_size=6),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
    newline=st.sampled_from(["\n", "\r\n"]),
)
@example(rows=[("\ufeff", 1)], delimiter=",", encoding="utf-8", newline="\n")
def test_what_a_csv_writer_wrote_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, int]],
    delimiter: str,
    encoding: str,
    newline: str,
) -> None:
    front = FrontEnd(tmp_path_factory.mktemp("front") / "x")
    out = io.StringIO()
    # Python's writer takes a lone \r for no newline unless lines end with it.
    quoting = csv.QUOTE_ALL if newline == "\n" else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(["code", "name", "count"])
    writer.writerows([str(place), name, count] for place, (name, count) in enumerate(rows))
    front.put("towns.csv", out.getvalue().encode(encoding))
    wanted = [(str(place), name or None, count) for place, (name, count) in enumerate(rows)]
    # GB18030 without BOM may be UTF-8 by chance, as with 联通: a hint decides.
    hint = {"utf-8-sig": "utf-8"}.get(encoding, encoding)
    read = front.read(encoding=hint)
    assert (read.rows, read.errors) == (wanted, [])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300), seed=st.integers(0, 1 << 32))
def test_any_bytes_are_rows_or_a_named_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, seed: int
) -> None:
    front = FrontEnd(tmp_path_factory.mktemp("front") / "x", columns=(CODE, NAME, COUNT))
    base = bytearray(TOWNS.encode(random.Random(seed).choice(["utf-8", "gbk"])))  # noqa: S311
    at = seed % len(base)
    base[at : at + seed % 3] = content
    front.put("towns.csv", bytes(base))
    try:
        front.read()
    except (SourceFileColumns, SourceFileEncoding, SourceFileLine, SourceFileTwice):
        return


@pytest.mark.parametrize("name", ["㑇镇", "𠮷村", "ᠬᠠᠶᠢᠯᠠᠷ ᠲᠣᠭᠣᠷᠢᠭ", "䶮€"])
def test_characters_that_only_gb18030_has(front: FrontEnd, name: str) -> None:
    """Of four bytes, or other ones than GBK's: rare names of people and places, Mongolian."""
    front.put("towns.csv", f"code,name,count\n1,{name},１２\n2,海拉尔区,3\n".encode("gb18030"))
    assert front.read().rows == [("1", name, 12), ("2", "海拉尔区", 3)]
