"""A service that answers a command line with what a test gives it, on a real control socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.station import starter
from ortoo_protocol.station.control import ControlServer, Method


def settings_folder(folder: Path, party: str) -> Path:
    """`folder` with settings alone: what a command needs to find the service."""
    folder.mkdir(mode=0o750, exist_ok=True)
    folder.chmod(0o750)
    text = starter.station(party, Plane.EXTRANET, "某单位", "zh_CN", str)
    (folder / "station.toml").write_text(text)
    return folder


class FakeService:
    """Serves in a thread of its own between `with`; `asked` holds (method, params) as they came."""

    def __init__(self, folder: Path, answers: Mapping[str, object]) -> None:
        self.asked: list[tuple[str, dict[str, object]]] = []
        self._folder = folder
        self._answers = answers
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> FakeService:
        self._thread.start()
        methods = {name: self._method(name) for name in self._answers}
        self._server = ControlServer(self._folder / "control.sock", methods)
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._server.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _method(self, name: str) -> Method:
        async def answer(**params: object) -> object:
            self.asked.append((name, params))
            prepared = self._answers[name]
            if isinstance(prepared, OrtooError):
                raise prepared
            return prepared

        return answer
