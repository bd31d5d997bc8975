"""What a kill, or somebody else, left of a file on its way: taken up where it is right, never taken
for the file where it is not."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ortoo_node.files.incoming import Incoming, Plan
from ortoo_node.files.straight import FROM_BYTES
from ortoo_protocol.core.errors import FileHash, FileTarget
from ortoo_protocol.core.files import chunk_size, chunks_of
from tests.node.files_kit import noise

CHUNK = 4096
SMALL = noise(10 * CHUNK + 77)


def plan_of(folder: Path, content: bytes, chunk_bytes: int = CHUNK) -> Plan:
    return Plan(
        "t" * 32,
        "one.bin",
        hashlib.sha256(content).hexdigest(),
        len(content),
        chunk_bytes,
        chunks_of(len(content), chunk_bytes),
        folder / "one.bin",
    )


def pieces(plan: Plan, content: bytes) -> list[bytes]:
    size = plan.chunk_bytes
    return [content[at * size : (at + 1) * size] for at in range(plan.chunks)]


def began(plan: Plan, content: bytes, chunks: int) -> None:
    """As a process that was killed when so many chunks were written."""
    incoming = Incoming(plan)
    incoming.open(0)
    for index, data in enumerate(pieces(plan, content)[:chunks]):
        assert incoming.put(index, data)
    incoming.flush()
    incoming.close()


@pytest.mark.parametrize("noted", [0, 3, 5])
@pytest.mark.parametrize("there", [0, 2, 5, 7])
def test_taken_up_as_far_as_it_is_noted_and_there(tmp_path: Path, noted: int, there: int) -> None:
    """Flushed and not noted, or noted and lost with the power: the lesser of both."""
    plan = plan_of(tmp_path, SMALL)
    began(plan, SMALL, there)
    for _ in range(2):  # killed once more before anything came
        again = Incoming(plan)
        again.open(noted)
        assert again.done == min(noted, there)
        assert plan.part.stat().st_size == again.done * CHUNK
        again.close()
    again = Incoming(plan)
    again.open(noted)
    for index, data in enumerate(pieces(plan, SMALL)):
        assert again.put(index, data) == (index >= min(noted, there))
    again.finish()
    assert plan.target.read_bytes() == SMALL
    assert [path.name for path in tmp_path.iterdir()] == ["one.bin"]


def test_cut_in_the_middle_of_a_chunk(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, SMALL)
    began(plan, SMALL, 5)
    with plan.part.open("r+b") as file:
        file.truncate(4 * CHUNK - 1)
    again = Incoming(plan)
    again.open(5)
    assert again.done == 3
    for index, data in enumerate(pieces(plan, SMALL)):
        again.put(index, data)
    again.finish()
    assert plan.target.read_bytes() == SMALL


def test_whole_when_it_was_killed(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, SMALL)
    began(plan, SMALL, plan.chunks)
    again = Incoming(plan)
    again.open(plan.chunks)
    assert again.done == plan.chunks
    again.finish()
    assert plan.target.read_bytes() == SMALL


@pytest.mark.parametrize("size", [len(SMALL), FROM_BYTES + 77])
def test_changed_on_the_disk(tmp_path: Path, size: int) -> None:
    """It never gets its name, nothing is left of it, and what stood there stands."""
    content = noise(size)
    plan = plan_of(tmp_path, content, CHUNK if size == len(SMALL) else 1 << 20)
    plan.target.write_bytes(b"the old version")
    began(plan, content, 5)
    with plan.part.open("r+b") as file:
        file.seek(4 * plan.chunk_bytes)
        file.write(b"!")
    again = Incoming(plan)
    again.open(5)
    for index, data in enumerate(pieces(plan, content)):
        again.put(index, data)
    with pytest.raises(FileHash):
        again.finish()
    assert plan.target.read_bytes() == b"the old version"
    assert [path.name for path in tmp_path.iterdir()] == ["one.bin"]


def test_a_link_in_its_place(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"of the department")
    plan = plan_of(tmp_path, SMALL)
    plan.part.symlink_to(other)
    with pytest.raises(FileTarget):
        Incoming(plan).open(0)
    assert other.read_bytes() == b"of the department"


def test_chunks_of_another_length_fit_nowhere(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, SMALL)
    incoming = Incoming(plan)
    last = plan.chunks - 1
    assert chunk_size(plan.size_bytes, CHUNK, last) == 77
    for index, size in ((0, CHUNK - 1), (0, CHUNK + 1), (last, 76), (last, CHUNK), (last + 1, 0)):
        assert not incoming.fits(index, bytes(size))
