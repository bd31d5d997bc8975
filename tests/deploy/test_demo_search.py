"""The demo's search finds what was planted, wherever readable content could lie."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import zstandard

from ortoo_demo.broker_search import as_needles, search, zstd_frames

NEEDLE = "海拉尔东路街道办事处".encode()
OTHER = b"another needle"
NOISE = os.urandom(3_000)


def finds(folder: Path) -> set[tuple[bytes, bool]]:
    return {(find.needle, find.compressed) for find in search(folder, [NEEDLE, OTHER]).finds}


def test_nothing_is_found_in_noise(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "segment").write_bytes(NOISE)
    found = search(tmp_path, [NEEDLE, OTHER])
    assert (found.files, found.size_bytes, found.finds) == (1, len(NOISE), ())


def test_plain_bytes(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "segment").write_bytes(NOISE + NEEDLE + NOISE)
    assert finds(tmp_path) == {(NEEDLE, False)}


@pytest.mark.parametrize("states_size", [True, False])
def test_inside_zstd_frames(tmp_path: Path, states_size: bool) -> None:
    compressor = zstandard.ZstdCompressor(write_content_size=states_size)
    digits = os.urandom(2_000).hex().encode()  # four bits of eight: coded, not copied
    first = compressor.compress(digits + NEEDLE + digits)
    second = compressor.compress(digits + OTHER)
    assert NEEDLE not in first
    (tmp_path / "segment").write_bytes(NOISE + first + NOISE + second + NOISE)
    assert finds(tmp_path) == {(NEEDLE, True), (OTHER, True)}
    assert search(tmp_path, [NEEDLE]).frames == 2


def test_in_a_frame_that_is_cut_short(tmp_path: Path) -> None:
    content = NEEDLE + b"".join(os.urandom(100) for _ in range(4_000))
    frame = zstandard.ZstdCompressor().compress(content)
    (tmp_path / "segment").write_bytes(frame[: len(frame) // 2])
    assert (NEEDLE, False) in finds(tmp_path) or (NEEDLE, True) in finds(tmp_path)
    cut = zstandard.ZstdCompressor().compress(NEEDLE * 100 + content)
    assert any(NEEDLE in part for part in zstd_frames(cut[: len(cut) - 50_000]))


def test_a_damaged_frame_harms_nothing(tmp_path: Path) -> None:
    frame = bytearray(zstandard.ZstdCompressor().compress(b"x" * 1_000))
    frame[6:] = os.urandom(len(frame) - 6)
    (tmp_path / "segment").write_bytes(bytes(frame) + NEEDLE)
    assert (NEEDLE, False) in finds(tmp_path)


def test_value_that_lies_on_two_pages_of_a_database(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA page_size = 512")
        db.execute("CREATE TABLE t (content BLOB)")
        for start in range(600):
            db.execute("INSERT INTO t VALUES (?)", (b"." * start + NEEDLE,))
    assert finds(tmp_path) == {(NEEDLE, False)}
    places = {find.place for find in search(tmp_path, [NEEDLE]).finds}
    assert f"{path}: t.content" in places


def test_short_texts_are_no_needles() -> None:
    assert as_needles(["短", "足够长的文字", "足够长的文字"]) == ("足够长的文字".encode(),)
