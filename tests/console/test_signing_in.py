"""Signing in, and what stands before every page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ortoo_protocol.console import guard, patience
from ortoo_protocol.console.signing_in import own_path
from ortoo_protocol.core.accounts.roles import Role
from ortoo_protocol.station.accounts.acts import Wanted
from ortoo_protocol.station.accounts.people import Local
from tests.console.kit import PASSWORD, Front, front
from tests.node.kit import open_node, running
from tests.support.stations import Kit

PARTY = "s150700"


@asynccontextmanager
async def at_work(folder: Path) -> AsyncIterator[Front]:
    kit = Kit(folder)
    node = open_node(kit, PARTY)
    async with running(kit, node), front(node) as made:
        await made.person("wang", "王芳", Role.APPROVER)
        yield made


async def test_whoever_is_not_signed_in_is_led_there_and_back(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made, made.visitor() as visitor:
        answer = await visitor.client.get("/grants?side=reader")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in?next=%2Fgrants%3Fside%3Dreader"
        page = await visitor.get(answer.headers["location"])
        assert "登录" in page
        done = await visitor.post(
            "/sign-in", name="wang", password=PASSWORD, next="/grants?side=reader"
        )
        assert done.headers["location"] == "/grants?side=reader"
        assert "王芳" in await visitor.get("/grants?side=reader")


async def test_a_wrong_password_and_an_unknown_account_look_alike(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made, made.visitor() as visitor:
        said = []
        for name in ("wang", "nobody"):
            answer = await visitor.post("/sign-in", 401, name=name, password="wrong")
            said.append(answer.text.replace(name, "…"))
        assert said[0] == said[1]


async def test_signing_out_ends_the_session_for_every_copy_of_its_cookie(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made, made.visitor("wang") as visitor:
        cookies = dict(visitor.client.cookies)
        await visitor.post("/sign-out")
        async with made.visitor(cookies=cookies) as other:
            await other.get("/grants", 303)


async def test_every_page_forbids_scripts_frames_and_guesses(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made, made.visitor("wang") as visitor:
        for path in ("/", "/sign-in", "/static/console.css", "/no-such-page", "/act/no-such"):
            answer = await visitor.client.get(path)
            assert answer.headers["content-security-policy"] == guard.POLICY
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "unsafe" not in answer.headers["content-security-policy"]
        assert (
            "HttpOnly"
            in (await visitor.post("/sign-in", name="wang", password=PASSWORD)).headers[
                "set-cookie"
            ]
        )


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://elsewhere.example", "sec-fetch-site": "same-origin"}, 403),
        ({}, 403),
        ({"host": "elsewhere.example", "sec-fetch-site": "same-origin"}, 421),
    ],
)
async def test_a_form_of_another_site_does_nothing(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    async with at_work(tmp_path) as made, made.visitor("wang") as visitor:
        answer = await visitor.client.post("/sign-out", headers=headers, data={})
        assert answer.status_code == status
        assert "王芳" in await visitor.get("/account")


async def test_a_form_without_this_sessions_token_does_nothing(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made, made.visitor("wang") as visitor:
        await visitor.post("/act/request.withdraw", 403, csrf="", case="x", reason="y")
        await visitor.get("/act/grant.suspend?grant=abc")
        answer = await visitor.post(
            "/act/grant.suspend",
            409,
            csrf="guessed",
            grant="abc",
            reason="写下的理由",
            evidence="证据",
        )
        assert "console.form" in answer.text
        assert "写下的理由" in answer.text, "what was typed stands there still"


async def test_a_session_that_ended_in_the_middle_of_a_form_keeps_what_was_typed(
    tmp_path: Path,
) -> None:
    async with at_work(tmp_path) as made, made.visitor("wang") as visitor:
        await visitor.get("/act/grant.suspend?grant=abc")
        form = visitor.pages[-1]
        await visitor.post("/sign-out")
        visitor.pages.append(form)
        asked = await visitor.post(
            "/act/grant.suspend",
            401,
            grant="abc",
            reason="很长的<理由>",
            evidence="证据",
            days="10",
        )
        assert "很长的&lt;理由&gt;" in asked.text
        again = await visitor.post(
            "/sign-in", 200, name="wang", password=PASSWORD, next="/act/grant.suspend",
            **{"carried.reason": "很长的<理由>", "carried.grant": "abc", "carried.nonsense": "x"},
        )  # fmt: skip
        assert "很长的&lt;理由&gt;" in again.text
        assert "nonsense" not in again.text


async def test_what_a_role_does_not_hold_is_not_offered_and_not_done(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made:
        await made.person("li", "李强", Role.AUDITOR)
        async with made.visitor("li") as visitor:
            assert "/act/request.apply" not in await visitor.get("/cases")
            assert "console.forbidden" in await visitor.get("/act/request.apply", 403)
            await visitor.post("/act/request.apply", 403, resource="x")


async def test_what_is_done_is_recorded_with_who_and_what_came_of_it(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made, made.visitor("wang") as visitor:
        await visitor.get("/act/grant.end?grant=abc")
        await visitor.post("/act/grant.end", 404, grant="abc", reason="不再需要")
        wanted = Wanted(action="grant.end")
        (found,) = await made.accounts.administration.acts(Local("检查"), wanted)
        assert (found["account"], found["subject"]) == ("wang", "abc")
        assert found["outcome"] == "grant.unknown"
        assert found["correlation"]


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", ""],
)
def test_after_signing_in_nobody_is_sent_elsewhere(path: str) -> None:
    assert own_path(path) == "/"


@pytest.mark.parametrize(("announced", "status"), [("100", 408), ("99999999999", 413)])
async def test_a_body_that_never_comes_is_waited_for_in_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, announced: str, status: int
) -> None:
    monkeypatch.setattr(guard, "SILENCE_S", 0.3)
    async with at_work(tmp_path) as made:
        host, port = urlsplit(made.url).hostname, urlsplit(made.url).port
        reader, writer = await asyncio.open_connection(host, port)
        lines = (
            "POST /sign-in HTTP/1.1",
            f"host: {host}:{port}",
            "sec-fetch-site: same-origin",
            "content-type: application/x-www-form-urlencoded",
            f"content-length: {announced}",
        )
        writer.write("\r\n".join((*lines, "", "name=")).encode())
        async with asyncio.timeout(20):
            assert (await reader.readline()).startswith(f"HTTP/1.1 {status}".encode())
            await reader.read()  # and the connection is closed
        writer.close()


async def test_a_request_that_never_begins_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "HEAD_S", 0.3)
    async with at_work(tmp_path) as made:
        place = urlsplit(made.url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(b"GET / HTTP/1.1\r\nhost:")
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()


async def test_an_address_with_nonsense_in_it_is_a_page_that_says_so(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made, made.visitor("wang") as visitor:
        page = await visitor.get("/grants?side=<script>", 422)
        assert "console.asked" in page
        assert "side" in page
        assert "<script>" not in page


async def test_english_is_a_click_away(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made, made.visitor("wang") as visitor:
        assert "今日" in await visitor.get("/")
        answer = await visitor.client.get("/language/en?next=/grants")
        assert answer.headers["location"] == "/grants"
        page = await visitor.get("/grants")
        assert "No grants yet." in page
        assert 'lang="en"' in page
