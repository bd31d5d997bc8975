"""Cutting texts and searches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ortoo_protocol.core.errors import CatalogQuery
from ortoo_protocol.core.search.document import LABELLED, label
from ortoo_protocol.core.search.initials import initials
from ortoo_protocol.core.search.words import (
    MAX_QUERY_CHARACTERS,
    Term,
    fold,
    grams,
    pairs,
    pieces,
    terms,
)


def test_a_piece_is_its_pairs_and_its_last_character() -> None:
    assert grams("民政局") == ["民政", "政局", "局"]
    assert grams("水") == ["水"]
    assert pairs("民政局") == ["民政", "政局"]


@given(st.text(max_size=40), st.data())
def test_whatever_stands_in_a_piece_is_found_by_its_pairs(text: str, data: st.DataObject) -> None:
    for piece in pieces(text):
        start = data.draw(st.integers(0, len(piece) - 1))
        end = data.draw(st.integers(start + 1, len(piece)))
        word, held = piece[start:end], grams(piece)
        if len(word) == 1:
            assert any(gram.startswith(word) for gram in held)
        else:
            found = pairs(word)
            assert any(held[at : at + len(found)] == found for at in range(len(held)))


@given(st.text(max_size=200))
def test_pieces_hold_letters_and_digits_alone(text: str) -> None:
    for piece in pieces(text):
        assert piece
        assert all(character.isalnum() for character in piece)
        piece.encode()
        assert pieces(piece) == [piece]


def test_wide_and_narrow_upper_and_lower_are_one() -> None:
    assert pieces("ＧＩＳ 图层（２０２３年度）") == ["gis", "图层", "2023年度"]
    assert fold("\ud800低\u200b保") == "低保"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("", ()),
        (" \t\n", ()),
        ("低保  低保", (Term(("低保",)),)),
        ("《食品安全法》", (Term(("食品安全法",)),)),
        ("307001/000001", (Term(("307001", "000001"), "307001/000001"),)),
        ("3A", (Term(("3a",), "3a"),)),
        ("2023年", (Term(("2023年",)),)),
        ("???", (Term(()),)),
        ("\u200b", (Term(()),)),
        ("\ud800", (Term(()),)),
        ('低保" OR *', (Term(("低保",)), Term(("or",)))),
    ],
)
def test_what_a_search_asks_for(text: str, asked: tuple[Term, ...]) -> None:
    assert terms(text) == asked


def test_too_long_a_search_is_refused() -> None:
    assert terms("低" * MAX_QUERY_CHARACTERS)
    for text in ("低" * 10_000, " ".join("甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午")):
        with pytest.raises(CatalogQuery):
            terms(text)


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("最低生活保障家庭信息", "zdshbzjtxx"),
        ("银行账户", "yhzh"),
        ("行政区划", "xzqh"),
        ("重庆市、重点企业", "cqs zdqy"),
        ("会计 社会组织 朝阳区 校长 降水", "kj shzz cyq xz js"),
        ("呼伦贝尔市 锡林郭勒盟 扎赉特旗", "hlbes xlglm zltq"),
        ("GIS图层A类2023", "gistcal2023"),
        ("ᠮᠣᠩᠭᠣᠯ", "ᠮᠣᠩᠭᠣᠯ"),
        ("", ""),
    ],
)
def test_initials(text: str, letters: str) -> None:
    assert initials(text) == letters


@given(st.text(max_size=60))
def test_initials_of_anything(text: str) -> None:
    assert " ".join(pieces(initials(text))) == initials(text)


def test_labels_cannot_be_taken_for_one_another() -> None:
    made = {label(what, "1") for what in LABELLED}
    assert len(made) == len(LABELLED)
    assert label("mode", '系统" OR 对接') == "m系统or对接"
    assert label("code", "307001/000001") == "k307001/000001"
