"""Papers of a request: what they say, that nothing in them comes from outside, and their PDF."""

from __future__ import annotations

import re
import shutil
import unicodedata
import zlib
from contextlib import suppress
from pathlib import Path

import pytest

from ortoo_node import cases
from ortoo_protocol.cli import printing
from ortoo_protocol.core.cases import Event, Side, State
from ortoo_protocol.core.errors import CaseMove, PrintBrowser, PrintFile
from tests.support.requests_rig import PEOPLE, requests

PDF = b"%PDF-1.7\n" + bytes(2_000)
NASTY = "核对<script>alert(1)</script>&\n第二行"


async def test_papers_from_application_to_receipt(tmp_path: Path) -> None:
    async with requests(tmp_path) as rig:
        wish = rig.wish(purpose=NASTY, contact="0471-0000000", items=("code",))
        case = await rig.reader.app.station.write(
            lambda tx: cases.apply(tx, wish, [("盖章申请表.pdf", PDF)])
        )
        await rig.all_hold(case, State.SUBMITTED)
        with pytest.raises(CaseMove):
            await rig.reader.call("request.paper", case=case, paper="answer")
        await rig.do(Event.SIGN, case, Side.PROVIDER)
        await rig.all_hold(case, State.SUBMITTED)
        for node in (rig.reader, rig.provider):
            page = (await node.call("request.paper", case=case))["page"]
            for said in (
                "共享申请表",
                "低保对象",
                "编号",
                "0471-0000000",
                "盖章申请表.pdf",
                PEOPLE[0],
            ):
                assert said in page, said
            assert "签收人：经办人" in page
            assert "&lt;script&gt;" in page
            assert_self_contained(page)
        await rig.do(Event.RETURN, case)
        await rig.all_hold(case, State.RETURNED)
        page = (await rig.reader.call("request.paper", case=case, paper="answer"))["page"]
        assert "补正告知书" in page
        assert "1. 加盖公章的申请表" in page
        await rig.do(Event.COMPLETE, case)
        await rig.all_hold(case, State.COMPLETED)
        await rig.do(Event.REFUSE, case)
        await rig.all_hold(case, State.REFUSED)
        await rig.do(Event.SIGN, case, Side.APPLICANT)
        await rig.all_hold(case, State.REFUSED)
        for node in (rig.reader, rig.provider):
            page = (await node.call("request.paper", case=case, paper="answer"))["page"]
            assert "不予共享" in page
            assert "不符合条件" in page
            assert re.search(r"签 收 人</td><td>经办人</td>", page)
            assert_self_contained(page)


async def test_a_yes_with_conditions_and_a_decision(tmp_path: Path) -> None:
    async with requests(tmp_path) as rig:
        case = await rig.reach(State.OFFERED)
        page = (await rig.reader.call("request.paper", case=case, paper="answer"))["page"]
        assert "同意按下列范围共享" in page
        assert "仅限本部门使用" in page
        assert "使用条件经你单位确认后授权生效" in page
        case = await rig.reach(State.DECIDED)
        page = (await rig.provider.call("request.paper", case=case, paper="answer"))["page"]
        assert "协调处理意见书" in page
        assert "应当共享" in page


async def test_a_real_browser_prints_it_in_chinese(tmp_path: Path) -> None:
    """Needs Chromium and a Chinese font, which deploy/setup.sh test installs."""
    async with requests(tmp_path) as rig:
        case = await rig.reach(State.SUBMITTED)
        page = (await rig.reader.call("request.paper", case=case))["page"]
    file = tmp_path / "申请表.pdf"
    printing.write(file, page)
    said = glyphs_of(file.read_bytes())
    assert set("政务数据共享申请表低保对象经办人") <= said, sorted(said)
    with pytest.raises(PrintFile):
        printing.write(file, page)


def glyphs_of(pdf: bytes) -> set[str]:
    """The characters that its fonts draw: what no font had is none of them (ISO 32000, 9.10.3)."""
    assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF")  # noqa: PT018
    found: set[str] = set()
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        with suppress(zlib.error):
            text = zlib.decompress(packed).decode("latin-1")
            for block in re.findall(r"beginbfchar(.*?)endbfchar", text, re.DOTALL):
                codes = re.findall(r"<\w+> <(\w{4})>", block)
                found |= {chr(int(code, 16)) for code in codes}
            for block in re.findall(r"beginbfrange(.*?)endbfrange", text, re.DOTALL):
                for first, last, to in re.findall(r"<(\w+)> <(\w+)> <(\w{4})>", block):
                    span = int(last, 16) - int(first, 16)
                    found |= {chr(int(to, 16) + step) for step in range(span + 1)}
    # A glyph that 人 and the radical ⼈ share is listed as either.
    return {unicodedata.normalize("NFKC", each) for each in found}


def assert_self_contained(page: str) -> None:
    assert not re.search(r"<(script|link|img|iframe|object)|https?://|url\(|@import", page)
    assert "default-src 'none'" in page


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "a.html"
    printing.write(page, "<p>一</p>")
    assert page.read_text(encoding="utf-8") == "<p>一</p>"
    for wrong in (page, tmp_path / "a.doc", tmp_path / "no folder" / "a.html"):
        with pytest.raises(PrintFile):
            printing.write(wrong, "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PrintBrowser):
        printing.write(tmp_path / "a.pdf", "<p>一</p>")


def test_a_browser_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sham = tmp_path / "chromium"
    sham.write_text("#!/bin/sh\necho no display >&2\nexit 3\n", encoding="utf-8")
    sham.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{Path(shutil.which('sh') or '/bin/sh').parent}")
    with pytest.raises(PrintBrowser, match="no display"):
        printing.write(tmp_path / "a.pdf", "<p>一</p>")
