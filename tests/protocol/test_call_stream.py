"""What is delivered for calls is taken out of the stream; all else flows on, whole."""

from __future__ import annotations

import struct

import pamqp.frame
import pytest
from aiormq import spec
from pamqp.body import ContentBody
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from ortoo_protocol.bus.amqp_stream import MOST_FRAME_BYTES, Tap

CHANNEL, OTHER = 2, 3
KEY = "s150700.s150200.query.ask"


def delivery(channel: int, body: bytes, pieces: int = 1) -> bytes:
    deliver = spec.Basic.Deliver("a tag", 7, False, "quick", KEY)
    header = ContentHeader(body_size=len(body), properties=spec.Basic.Properties(delivery_mode=1))
    step = max(1, -(-len(body) // pieces))
    parts = [ContentBody(body[at : at + step]) for at in range(0, len(body), step)]
    frames: list[pamqp.frame.FrameTypes] = [deliver, header, *parts]
    return b"".join(pamqp.frame.marshal(each, channel) for each in frames)


class Stream:
    """A tap that never has anything to say of its own."""

    def __init__(self) -> None:
        self.tap = Tap(monotonic=lambda: 0.0)
        self.took: list[tuple[str, bytes]] = []
        self.tap.open(CHANNEL, lambda key, body: self.took.append((key, body)))


@pytest.mark.parametrize("step", [1, 2, 7, 50, 10_000])
def test_deliveries_are_taken_however_the_bytes_come(step: int) -> None:
    stream = Stream()
    close = pamqp.frame.marshal(spec.Channel.Close(404, "gone", 0, 0), CHANNEL)
    foreign = delivery(OTHER, b"a letter")
    sent = delivery(CHANNEL, b"one", 3) + foreign + delivery(CHANNEL, b"") + close
    passed = b"".join(stream.tap.passed(sent[at : at + step]) for at in range(0, len(sent), step))
    assert stream.took == [(KEY, b"one"), (KEY, b"")]
    assert passed == foreign + close


def test_a_delivery_that_breaks_off_is_dropped() -> None:
    stream = Stream()
    broken = delivery(CHANNEL, b"never whole", 2)[:-10]
    whole_frames = broken[: broken.rindex(b"\xce") + 1]
    close = pamqp.frame.marshal(spec.Channel.Close(404, "gone", 0, 0), CHANNEL)
    assert stream.tap.passed(whole_frames + close) == close
    assert stream.tap.passed(delivery(CHANNEL, b"next")) == b""
    assert stream.took == [(KEY, b"next")]


def test_a_closed_tap_lets_all_flow() -> None:
    stream = Stream()
    stream.tap.close(CHANNEL)
    sent = delivery(CHANNEL, b"for aiormq")
    assert stream.tap.passed(sent) == sent
    assert stream.took == []


def test_aiormq_hears_that_the_broker_lives() -> None:
    """Or it would end a connection on which nothing but deliveries comes."""
    now = [100.0]
    tap = Tap(monotonic=lambda: now[0])
    tap.open(CHANNEL, lambda _key, _body: None)
    beat = Heartbeat().marshal()
    said = []
    for at_s in (100.0, 100.4, 100.9, 101.1, 101.5):
        now[0] = at_s
        said.append(tap.passed(delivery(CHANNEL, b"x")))
    assert said == [beat, b"", b"", beat, b""]


def test_nothing_is_said_before_anything_was_taken() -> None:
    """The broker's greeting may come in pieces, and has to be the first that aiormq reads."""
    tap = Tap(monotonic=lambda: 100.0)
    greeting = pamqp.frame.marshal(spec.Connection.Start(), 0)
    assert [tap.passed(greeting[:5]), tap.passed(greeting[5:])] == [b"", greeting]


@pytest.mark.parametrize(
    "sent", [b"AMQP\x00\x00\x09\x01", struct.pack(">BHI", 3, CHANNEL, MOST_FRAME_BYTES + 1)]
)
def test_what_is_no_frame_is_aiormqs_to_name(sent: bytes) -> None:
    stream = Stream()
    before, after = pamqp.frame.marshal(spec.Basic.QosOk(), OTHER), delivery(CHANNEL, b"late")
    assert stream.tap.passed(before + sent) == before + sent
    assert stream.tap.passed(after) == after
    assert stream.took == []
