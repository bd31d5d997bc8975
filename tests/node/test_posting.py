"""What is posted to a program: signed, bounded, tried again by the book, over TLS."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ortoo_demo.pki import DemoAuthority
from ortoo_node.interfaces import Webhook
from ortoo_node.sinks.program.posting import Poster
from ortoo_protocol.core.errors import (
    SettingsSecret,
    SinkWebhookFailed,
    SinkWebhookGone,
    SinkWebhookRefused,
)
from ortoo_protocol.station.settings import write_secret
from ortoo_protocol.station.signed_posts import read_secrets
from tests.support.programs import SECRET, SECRET_TEXT, Answer, WebhookProgram, check_signature

BODY = b'{"id":"s150700.towns:1:2:0","type":"changes","table":"t","key":["k"],' + (
    b'"page":0,"last":true,"upserts":[],"deletes":[]}'
)
ID = "s150700.towns:1:2:0"
NOW_MS = 1_800_000_000_000
Post = Callable[..., Poster]


class Time:
    def __init__(self) -> None:
        self.s = 1_000.0

    def monotonic(self) -> float:
        return self.s


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def program() -> Iterator[WebhookProgram]:
    with WebhookProgram() as program:
        yield program


@pytest.fixture
def poster(time: Time, tmp_path: Path) -> Iterator[Callable[..., Poster]]:
    """Posters, closed after the test."""
    opened: list[Poster] = []

    def make(url: str, secret: str = SECRET_TEXT, **more: Any) -> Poster:
        file = tmp_path / f"secret {len(opened)}"
        write_secret(file, secret)
        webhook = Webhook(name="w", url=url, secret_file=file, timeout_s=5, **more)
        opened.append(Poster(webhook, lambda: NOW_MS, lambda n: b"\xff" * n, time.monotonic))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def test_signed_as_standard_webhooks(program: WebhookProgram, time: Time, poster: Post) -> None:
    one = poster(program.url)
    one.post(ID, BODY)
    one.post(ID, BODY)
    first, second = program.seen
    assert first.body == second.body == BODY
    assert first.headers["webhook-id"] == ID
    assert first.headers["webhook-timestamp"] == str(NOW_MS // 1000)
    assert first.headers["content-type"] == "application/json"


def test_two_secrets_sign_while_one_is_changed(
    program: WebhookProgram, time: Time, poster: Post
) -> None:
    other = bytes(range(100, 132))
    text = f"{SECRET_TEXT} whsec_{base64.b64encode(other).decode()}"
    poster(program.url, text).post(ID, BODY)
    check_signature(program.seen[0], SECRET)
    check_signature(program.seen[0], other)


@pytest.mark.parametrize("status", [500, 503, 408, 425, 429])
def test_later_with_full_jitter(
    program: WebhookProgram, time: Time, poster: Post, status: int
) -> None:
    program.answers = [Answer(status)] * 3
    one = poster(program.url)
    waits = []
    for _ in range(3):
        with pytest.raises(SinkWebhookFailed) as caught:
            one.post(ID, BODY)
        wait_s = float(str(caught.value.facts["retry_s"]))
        waits.append(round(wait_s))
        seen = len(program.seen)
        time.s += wait_s / 2
        with pytest.raises(SinkWebhookFailed, match=str(status)):  # too early: nothing is sent
            one.post(ID, BODY)
        assert len(program.seen) == seen
        time.s += wait_s
    assert waits == [1, 2, 4]
    one.post(ID, BODY)
    assert len(program.seen) == 4


def test_what_people_resume_does_not_wait(
    program: WebhookProgram, time: Time, poster: Post
) -> None:
    program.answers = [Answer(500)] * 2 + [Answer(400)]
    one = poster(program.url)
    for error in (SinkWebhookFailed, SinkWebhookFailed, SinkWebhookRefused):
        with pytest.raises(error):
            one.post(ID, BODY)
        with pytest.raises(error):
            one.post(ID, BODY)
        one.at_once()
    one.post(ID, BODY)
    assert len(program.seen) == 4, "each attempt at once, and none in between"


@pytest.mark.parametrize("asked", ["120", "Fri, 15 Jan 2027 08:02:00 GMT"])
def test_retry_after_is_kept_to(
    program: WebhookProgram, time: Time, poster: Post, asked: str
) -> None:
    program.answers = [Answer(429, {"retry-after": asked})]
    with pytest.raises(SinkWebhookFailed) as caught:
        poster(program.url).post(ID, BODY)
    assert caught.value.facts["retry_s"] == 120


@pytest.mark.parametrize("status", [400, 401, 404, 422, 301, 307])
def test_refused_waits_for_people(
    program: WebhookProgram, time: Time, poster: Post, status: int
) -> None:
    program.answers = [Answer(status, {"location": program.url})]
    with pytest.raises(SinkWebhookRefused, match=f"HTTP {status}") as caught:
        poster(program.url).post(ID, BODY)
    assert caught.value.facts["retry_s"] == 300
    assert len(program.seen) == 1  # no redirect was followed


def test_gone(program: WebhookProgram, time: Time, poster: Post) -> None:
    program.answers = [Answer(410)]
    with pytest.raises(SinkWebhookGone):
        poster(program.url).post(ID, BODY)


def test_nobody_there(time: Time, poster: Post) -> None:
    with WebhookProgram() as program:
        url = program.url
    with pytest.raises(SinkWebhookFailed, match="ConnectError"):
        poster(url).post(ID, BODY)


def test_tls_and_whose_certificate(poster: Post, tmp_path: Path) -> None:
    authority = DemoAuthority.create(tmp_path / "pki", "Ortoo test authority")
    other = DemoAuthority.create(tmp_path / "other", "Ortoo test authority")
    tls = authority.issue_server("extranet", ("localhost", "127.0.0.1"))
    with WebhookProgram(tls=tls) as program:
        url = program.url
        poster(url, ca_file=authority.ca_file).post(ID, BODY)
        with pytest.raises(SinkWebhookFailed, match="CERTIFICATE_VERIFY_FAILED"):
            poster(url, ca_file=other.ca_file).post(ID, BODY)
    assert len(program.seen) == 1


@pytest.mark.parametrize(
    "text", ["secret", "whsec_", "whsec_!!!!", "whsec_AAAA", SECRET_TEXT + " other"]
)
def test_secrets_that_are_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "secret"
    write_secret(file, text)
    with pytest.raises(SettingsSecret):
        read_secrets(file)
