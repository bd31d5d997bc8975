"""The control socket: one line there, one line back, errors as their own classes."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ortoo_protocol.core.errors import (
    CaseReason,
    CatalogField,
    DaemonBroken,
    DaemonForbidden,
    DaemonRequest,
    DaemonSilent,
    DaemonUnreachable,
    OrtooError,
    RemoteError,
    StoreBusy,
    StoreError,
)
from ortoo_protocol.station import control
from ortoo_protocol.station.control import ControlServer, acall, call, error_from, error_to
from ortoo_protocol.station.control_client import MAX_REQUEST_BYTES, classes


class Unheard(OrtooError):
    code = "future.unheard"
    what = "A {thing} of a later version."
    cure = "Do {advice}."


async def echo(text: str, count: int = 1) -> dict[str, object]:
    return {"said": text * count}


async def refuse(kind: str) -> None:
    if kind == "field":
        raise CatalogField(field="名称", detail="{curly} and 中文")
    raise CaseReason()


async def stumble() -> None:
    raise RuntimeError("a defect")


async def hang() -> None:
    await asyncio.Event().wait()


METHODS: dict[str, control.Method] = {
    "echo": echo,
    "request.refuse": refuse,
    "stumble": stumble,
    "hang": hang,
}


@pytest_asyncio.fixture
async def path(tmp_path: Path) -> AsyncIterator[Path]:
    server = ControlServer(tmp_path / "control.sock", METHODS, close_timeout_s=0.1)
    await server.start()
    yield tmp_path / "control.sock"
    await server.close()


async def raw(path: Path, sent: bytes) -> dict[str, object]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(sent)
    answer = await reader.readline()
    writer.close()
    decoded: dict[str, object] = json.loads(answer)
    return decoded


async def test_answers_blocking_and_async_callers(path: Path) -> None:
    assert await acall(path, "echo", {"text": "驿"}) == {"said": "驿"}
    answer = await asyncio.to_thread(call, path, "echo", {"text": "驿", "count": 2})
    assert answer == {"said": "驿驿"}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_only_its_user_may_connect(path: Path) -> None:
    assert mode(path) == 0o600


async def test_a_foreign_uid_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_peer", lambda _: (1, os.geteuid() + 4711))
    with pytest.raises(DaemonForbidden):
        await acall(path, "echo", {"text": "x"})
    with pytest.raises(DaemonForbidden):
        await asyncio.to_thread(call, path, "echo", {"text": "x"})


async def test_errors_arrive_as_their_own_class(path: Path) -> None:
    with pytest.raises(CaseReason):
        await acall(path, "request.refuse", {"kind": "reason"})
    with pytest.raises(CatalogField) as caught:
        await acall(path, "request.refuse", {"kind": "field"})
    assert caught.value.facts == {"field": "名称", "detail": "{curly} and 中文"}


def test_an_unknown_code_keeps_code_and_text() -> None:
    crossed = error_to(Unheard(thing="{thing}", advice="this"))
    crossed["code"] = "future.really-unheard"
    error = error_from(crossed)
    assert isinstance(error, RemoteError)
    assert error.facts["remote_code"] == "future.really-unheard"
    assert "A {thing} of a later version." in str(error)
    assert "Do this." in str(error)


def test_facts_that_json_does_not_know_cross_as_text() -> None:
    assert error_to(StoreError(detail=Path("/x")))["facts"] == {"detail": "/x"}


def test_every_code_belongs_to_one_class() -> None:
    todo, codes = [OrtooError], []
    while todo:
        cls = todo.pop()
        todo += cls.__subclasses__()
        if cls.__module__.startswith("ortoo_"):
            codes.append(cls.code)
    assert sorted(codes) == sorted(set(codes))
    assert classes()["catalog.field"] is CatalogField


@pytest.mark.parametrize(
    "sent",
    [
        b"\n",
        b"{\n",
        b"[]\n",
        b'{"method": 1}\n',
        b'{"method": "no"}\n',
        b'{"method": "echo", "params": {"text": "a"}, "more": 1}\n',
        b'{"method": "echo", "params": {}}\n',
        b'{"method": "echo", "params": {"text": 7}}\n',
        b'{"method": "echo", "params": {"text": "a", "count": "2"}}\n',
        b'{"method": "echo", "params": {"text": "a", "other": 1}}\n',
        b'{"method": "echo", "params": {"self": 1}}\n',
        b'{"method": "echo", "params": []}\n',
        b"\xff\xfe\n",
        b"[" * 5000 + b"\n",
    ],
)
async def test_malformed_requests_are_answered(path: Path, sent: bytes) -> None:
    answer = await raw(path, sent)
    assert answer["error"]["code"] == "daemon.request"  # type: ignore[index]
    assert await acall(path, "echo", {"text": "still there"})


async def test_an_overlong_line_is_answered_and_bounded(path: Path) -> None:
    answer = await raw(path, b"x" * (MAX_REQUEST_BYTES + 100_000))
    assert answer["error"]["code"] == "daemon.request"  # type: ignore[index]
    with pytest.raises(DaemonRequest):
        await acall(path, "echo", {"text": "x" * MAX_REQUEST_BYTES})


async def test_a_line_near_the_bound_passes(path: Path) -> None:
    text = "x" * (MAX_REQUEST_BYTES - 100)
    assert await acall(path, "echo", {"text": text}) == {"said": text}


async def test_an_overlong_answer_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "MAX_ANSWER_BYTES", 500)
    with pytest.raises(DaemonRequest):
        await acall(path, "echo", {"text": "x" * 1000})


async def test_several_requests_on_one_connection(path: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(str(path))
    for text in ("a", "b"):
        writer.write(json.dumps({"method": "echo", "params": {"text": text}}).encode() + b"\n")
        assert json.loads(await reader.readline()) == {"ok": {"said": text}}
    writer.close()


async def test_a_defect_breaks_off_one_answer_and_is_logged(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(DaemonBroken):
        await acall(path, "stumble")
    assert "a defect" in caplog.text
    assert await acall(path, "echo", {"text": "a"}) == {"said": "a"}


async def test_a_silent_method_times_out(path: Path) -> None:
    with pytest.raises(DaemonSilent):
        await acall(path, "hang", timeout_s=0.05)
    with pytest.raises(DaemonSilent):
        await asyncio.to_thread(call, path, "hang", {}, 0.05)


async def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(DaemonUnreachable):
        await acall(tmp_path / "no.sock", "echo")
    with pytest.raises(DaemonUnreachable):
        call(tmp_path / "no" / "no.sock", "echo")


async def test_a_dead_ones_socket_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    server = ControlServer(path, METHODS)
    await server.start()
    assert await acall(path, "echo", {"text": "a"}) == {"said": "a"}
    await server.close()
    assert not path.exists()


async def test_a_live_ones_socket_is_left_alone(path: Path) -> None:
    with pytest.raises(StoreBusy) as caught:
        await ControlServer(path, METHODS).start()
    assert caught.value.facts["pid"] == os.getpid()
    assert await acall(path, "echo", {"text": "a"}) == {"said": "a"}


async def test_a_file_in_the_way_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "control.sock").write_text("precious")
    with pytest.raises(StoreError):
        await ControlServer(tmp_path / "control.sock", METHODS).start()
    assert (tmp_path / "control.sock").read_text() == "precious"


async def test_a_deep_folder(tmp_path: Path) -> None:
    folder = tmp_path / ("深" * 60) / ("deep" * 20)
    folder.mkdir(parents=True)
    path = folder / "control.sock"
    server = ControlServer(path, METHODS)
    await server.start()
    assert mode(path) == 0o600
    assert await acall(path, "echo", {"text": "a"}) == {"said": "a"}
    assert await asyncio.to_thread(call, path, "echo", {"text": "a"}) == {"said": "a"}
    await server.close()
    assert not path.exists()


async def test_closing_lets_the_answer_under_way_out(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    asked, go = asyncio.Event(), asyncio.Event()

    async def stop() -> str:
        asked.set()
        await go.wait()
        return "stopping"

    server = ControlServer(path, {"stop": stop})
    await server.start()
    _, idle = await asyncio.open_unix_connection(str(path))
    answer = asyncio.ensure_future(acall(path, "stop"))
    await asked.wait()
    closing = asyncio.ensure_future(server.close())
    go.set()
    await closing
    assert await answer == "stopping"
    idle.close()
