"""Writing past the page cache: the same bytes, whatever the file system takes."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ortoo_node.files import straight
from ortoo_node.files.straight import BLOCK_BYTES, Straight
from tests.node.files_kit import noise

CHUNK_BYTES = 16 * BLOCK_BYTES
CONTENT = noise(5 * CHUNK_BYTES + 77)


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    opened = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield opened
    os.close(opened)


def write(descriptor: int, chunk_bytes: int = CHUNK_BYTES) -> Straight:
    pen = Straight(descriptor, chunk_bytes)
    for at in range(0, len(CONTENT), chunk_bytes):
        pen.write(CONTENT[at : at + chunk_bytes], at)
    pen.close()
    return pen


@pytest.mark.parametrize("chunk_bytes", [CHUNK_BYTES, BLOCK_BYTES, 1_000])
def test_bytes_arrive(descriptor: int, chunk_bytes: int) -> None:
    """Whole blocks and then the rest; or nothing but pieces of blocks."""
    write(descriptor, chunk_bytes)
    assert os.pread(descriptor, len(CONTENT) + 1, 0) == CONTENT


def test_a_file_system_that_has_no_such_thing(
    descriptor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EINVAL, "no direct writing")

    monkeypatch.setattr(straight.fcntl, "fcntl", lambda *args: 0 if len(args) == 2 else refuse())
    write(descriptor)
    assert os.pread(descriptor, len(CONTENT) + 1, 0) == CONTENT


def test_a_disk_with_larger_blocks(descriptor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so at the first write."""
    pwrite, refused = os.pwrite, []

    def write_once(opened: int, data: memoryview, at: int) -> int:
        if not refused:
            refused.append(at)
            raise OSError(errno.EINVAL, "not aligned")
        return pwrite(opened, data, at)

    monkeypatch.setattr(straight.os, "pwrite", write_once)
    write(descriptor)
    assert os.pread(descriptor, len(CONTENT) + 1, 0) == CONTENT
    assert refused == [0]


def test_other_errors_come_out(descriptor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(straight.os, "pwrite", full)
    with pytest.raises(OSError, match="full"):
        write(descriptor)
