"""Every text that people read has its Chinese, with the same facts in it."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from ortoo_protocol.cli import journal
from ortoo_protocol.core.errors import (
    CaseField,
    CaseMove,
    CaseReason,
    OrtooError,
    RemoteError,
    StorePlane,
    TrustRollback,
)
from ortoo_protocol.i18n import LOCALE_FOLDER, language_of, translator
from ortoo_protocol.station.corrections import words as corrections
from ortoo_protocol.station.supervision import words as supervision
from tests.support.messages import extract, extract_page

TOP = Path(__file__).parents[2]
FOLDER = LOCALE_FOLDER / "zh_CN" / "LC_MESSAGES"


def texts() -> set[str]:
    """All texts of the packages, found as `pybabel extract` finds them."""
    found = set()
    for package in ("protocol", "hub", "node"):
        for file in sorted((TOP / package).rglob("*.py")):
            with file.open("rb") as handle:
                found |= {text for _, _, text, _ in extract(handle, {}, (), {})}
        for file in sorted((TOP / package).rglob("console/templates/**/*.html")):
            with file.open("rb") as handle:
                found |= {text for _, _, text, _ in extract_page(handle, {}, (), {})}
    return found


def chinese() -> Catalog:
    with (FOLDER / "ortoo.po").open("rb") as handle:
        return read_po(handle, locale="zh_CN", domain="ortoo")


def pairs() -> dict[str, str]:
    return {str(message.id): str(message.string) for message in chinese() if message.id}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_text_is_translated() -> None:
    translated = pairs()
    missing = {text for text in texts() if not translated.get(text)}
    assert missing == set(), "translate these in protocol/ortoo_protocol/locale (CONTRIBUTING)"


def test_translations_hold_the_same_facts() -> None:
    differing = {text for text, said in pairs().items() if placeholders(text) != placeholders(said)}
    assert differing == set()


def test_nothing_is_fuzzy_or_left_over() -> None:
    known = texts()
    assert [m.id for m in chinese() if m.id and (m.fuzzy or m.id not in known)] == []


def test_the_compiled_catalog_is_the_sources() -> None:
    with (FOLDER / "ortoo.mo").open("rb") as handle:
        compiled = {str(m.id): str(m.string) for m in read_mo(handle) if m.id}
    assert compiled == pairs(), "run pybabel compile"


def test_sentences_can_be_filled() -> None:
    for text in pairs():
        names = placeholders(text)
        if names and all(name.isidentifier() for name in names) and "!r" not in text:
            facts: dict[str, object] = dict.fromkeys(names, 7)
            assert "<" not in translator("zh_CN")(text, **facts)
            assert "<" not in translator("en")(text, **facts)


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ({}, "zh_CN"),
        ({"ORTOO_LANG": ""}, "zh_CN"),
        ({"ORTOO_LANG": "zh"}, "zh_CN"),
        ({"ORTOO_LANG": "zh_CN.UTF-8"}, "zh_CN"),
        ({"ORTOO_LANG": "en"}, "en"),
        ({"ORTOO_LANG": "en_GB.UTF-8"}, "en"),
        ({"ORTOO_LANG": "C"}, "en"),
        ({"ORTOO_LANG": "mn"}, "mn"),
    ],
)
def test_the_language(asked: dict[str, str], language: str) -> None:
    assert language_of(asked) == language


@pytest.mark.parametrize("asked", ["mn", "../../etc", "", "zz_ZZ"])
def test_a_language_without_a_catalog_is_english(asked: str) -> None:
    say = translator(asked)
    assert say.language == "en"
    assert say("Nothing.") == "Nothing."


def test_errors_speak_chinese() -> None:
    say = translator("zh_CN")
    what, cure = say.error(CaseReason())
    assert "第十九条" in what
    assert "理由" in cure
    assert "不能执行「同意」" in say.error(CaseMove(state="refused", event="grant"))[0]
    assert "外网" in say.error(StorePlane(path="/x", party="s150700", found="extranet"))[0]
    assert "成员名录" in say.error(TrustRollback(document="directory", found=1, known=2))[0]
    assert say.error(CaseField(field="purpose", detail="empty"))[0].startswith("「使用用途」")


def test_what_people_wrote_is_not_translated() -> None:
    class Quoting(OrtooError):
        code = "test.quoting"
        what = "{reason} {name}"

    assert translator("zh_CN").error(Quoting(reason="empty", name="root"))[0] == "empty root"


def test_curly_brackets_in_facts_stay() -> None:
    remote = RemoteError(remote_code="future.x", said="a {path} of C:\\", advice="{what}?")
    what, cure = translator("zh_CN").error(remote)
    assert what == "future.x：a {path} of C:\\"
    assert cure == "{what}?"


def test_the_empty_text_is_not_the_catalogs_header() -> None:
    assert translator("zh_CN")("") == ""


def test_one_word_of_the_protocol_is_several_for_people() -> None:
    """A request that was taken on, a message that came in, a submission, an answer to a doubt."""
    say = translator("zh_CN")
    assert (say.text("accepted"), say.text("accept")) == ("已受理", "受理")
    for words in (journal.STATES, corrections.SAID, supervision.SUBMISSION_STATES):
        assert "受理" not in say.text(words["accepted"])
    assert "受理" not in say.text(supervision.SUBMISSION_EVENTS["accept"])
