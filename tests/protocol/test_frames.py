"""Parts, compression and padding."""

from __future__ import annotations

import contextlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ortoo_protocol.core import frames
from ortoo_protocol.core.errors import (
    EnvelopeBomb,
    EnvelopeError,
    EnvelopeLengths,
    EnvelopePadding,
    EnvelopeSize,
)
from ortoo_protocol.core.keys import Suite, Suite1
from tests.support.forge import fixed, frame_by_hand
from tests.support.suite_test import SuiteOfTests

SUITES: list[Suite] = [Suite1(), SuiteOfTests()]
_parts = st.lists(st.binary(max_size=50), max_size=8)


@given(_parts)
def test_frames(parts: list[bytes]) -> None:
    content = frames.frame(parts)
    assert content == frame_by_hand(parts)
    assert frames.unframe(content) == tuple(parts)


@given(_parts, st.data())
def test_no_other_bytes_are_the_same_parts(parts: list[bytes], data: st.DataObject) -> None:
    content = frames.frame(parts)
    for other in (content + b"\0", content[: data.draw(st.integers(0, len(content) - 1))]):
        with pytest.raises(EnvelopeLengths):
            frames.unframe(other)


@given(st.binary(max_size=60))
def test_any_bytes_as_content(content: bytes) -> None:
    with contextlib.suppress(EnvelopeLengths):
        assert frames.frame(frames.unframe(content)) == content


def test_a_count_is_not_believed() -> None:
    with pytest.raises(EnvelopeLengths):
        frames.unframe(b"\xff\xff\xff\xff" + bytes(100))
    many = frames.MAX_PARTS + 1
    with pytest.raises(EnvelopeLengths):
        frames.unframe(frame_by_hand([b""] * many))
    with pytest.raises(EnvelopeSize):
        frames.frame([b""] * many)


def test_content_is_bounded() -> None:
    assert frames.frame([bytes(frames.MAX_CONTENT_BYTES - 8)])
    with pytest.raises(EnvelopeSize):
        frames.frame([bytes(frames.MAX_CONTENT_BYTES - 7)])


@given(st.binary(max_size=600), st.integers(1, 20))
def test_compression(piece: bytes, times: int) -> None:
    content = piece * times
    stored, packed = frames.compress(content)
    assert len(stored) <= len(content)
    assert (frames.decompress(stored) if packed else stored) == content


def zstd(content: bytes, *, write_content_size: bool = True) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=write_content_size).compress(content)


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    for size in (frames.MAX_CONTENT_BYTES + 1, 1 << 40):
        stated = b"\x28\xb5\x2f\xfd\xe0" + size.to_bytes(8, "little")
        with pytest.raises(EnvelopeBomb):
            frames.decompress(stated + b"\x01\x00\x00")
    with pytest.raises(EnvelopeBomb):
        frames.decompress(zstd(bytes(1000), write_content_size=False))
    assert frames.decompress(zstd(bytes(frames.MAX_CONTENT_BYTES)))


def test_a_frame_that_lies_about_its_size() -> None:
    good = zstd(bytes(1000))
    assert good[4] & 0xE0 == 0x60  # two bytes of size, single segment
    for size in (999, 1001, 256):
        lie = good[:5] + (size - 256).to_bytes(2, "little") + good[7:]
        with pytest.raises(EnvelopeLengths):
            frames.decompress(lie)


def test_one_frame_and_nothing_behind_it() -> None:
    good = zstd(b"content" * 100)
    skippable = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + bytes(4)
    for stored in (good + good, good + b"\0", skippable + good, good[:-1], b"", good[:4]):
        with pytest.raises(EnvelopeError):
            frames.decompress(stored)


def test_a_window_of_gigabytes_is_refused() -> None:
    """A frame of 3 bytes that asks for a window of 2 GiB."""
    window = b"\x28\xb5\x2f\xfd" + b"\x40" + bytes([21 << 3]) + (256).to_bytes(2, "little")
    with pytest.raises(EnvelopeError):
        frames.decompress(window + b"\x01\x00\x00")


@given(st.binary(max_size=200))
def test_any_bytes_as_zstd(stored: bytes) -> None:
    for candidate in (stored, b"\x28\xb5\x2f\xfd" + stored):
        try:
            assert len(frames.decompress(candidate)) <= frames.MAX_CONTENT_BYTES
        except EnvelopeError:
            continue


def test_buckets() -> None:
    assert [frames.bucket(size) for size in (0, 1, 512, 513, 1024, 65_536, 65_537, 131_073)] == [
        512,
        512,
        512,
        1024,
        1024,
        65_536,
        67_584,
        135_168,
    ]


@given(st.binary(max_size=2000), st.booleans(), st.sampled_from([16, 24]))
def test_padding(stored: bytes, to_bucket: bool, tag_bytes: int) -> None:
    secret = fixed("secret", 32)
    text = frames.pad(secret, stored, tag_bytes=tag_bytes, to_bucket=to_bucket)
    assert frames.unpad(text, secret_bytes=32) == (secret, stored)
    size = len(text) + tag_bytes
    assert size == (frames.bucket(size) if to_bucket else 36 + len(stored) + tag_bytes)


def test_padding_is_zeros_and_lengths_hold() -> None:
    text = frames.pad(bytes(32), b"stored", tag_bytes=16, to_bucket=True)
    for bad in (text[:-1] + b"\1", text[:35], b"", bytes(32) + b"\xff\xff\xff\xff" + text[36:]):
        with pytest.raises(EnvelopePadding):
            frames.unpad(bad, secret_bytes=32)
