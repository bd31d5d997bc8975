"""The client that awaits: as waiting.py, method by method."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from ortoo_node.api.shapes.files import TransferGiven
from ortoo_node.api.shapes.queries import AnswerPage, Question
from ortoo_node.client import attempts, calls
from ortoo_node.client.attempts import Trying
from ortoo_node.client.call import ROOT, Call, P, Paged, T
from ortoo_node.client.downloads import BLOCK_BYTES, LOOK_S, Download, check
from ortoo_node.client.errors import Broken, refusal
from ortoo_node.client.events import Reader
from ortoo_node.client.waiting import TIMEOUT_S, Read


class AsyncClient:
    """`base_url` without path. `verify`: as httpx takes it, e.g. an ssl.SSLContext that believes
    the department's own authority. To be closed, or used as a context."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        verify: Any = True,
        language: str = "zh",
        timeout_s: float = TIMEOUT_S,
        trying: Trying | None = None,
    ) -> None:
        self._trying = trying or Trying()
        self._http = httpx.AsyncClient(
            base_url=base_url,
            verify=verify,
            timeout=timeout_s,
            **attempts.settings(token, language),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, call: Call[T], *, key: str | None = None) -> T:
        """The answer. `key`: the Idempotency-Key of a POST, where the program keeps its own over
        its restarts. Raises Refused, Broken."""
        return (await self.ask(call, key=key)).value

    async def ask(self, call: Call[T], *, key: str | None = None) -> Read[T]:
        """As `send`, with the ETag."""
        answer = await self._answer(attempts.request_of(call, key))
        return Read(attempts.read(call, answer), answer.headers.get("etag", ""))

    async def _answer(self, request: dict[str, Any]) -> httpx.Response:
        tried = 0
        while True:
            tried += 1
            answer: httpx.Response | None = None
            error = ""
            try:
                answer = await self._http.request(**request)
            except httpx.TransportError as broken:
                error = str(broken) or type(broken).__name__
            after_s = self._trying.after_s(tried, answer)
            if answer is not None and (after_s is None or not attempts.passes(answer)):
                return answer
            if after_s is None:
                raise Broken(f"{request['url']}: {error}")
            await asyncio.sleep(after_s)

    async def each(self, paged: Paged[P, T]) -> AsyncIterator[T]:
        """Everything of a list, page by page."""
        call = paged.first
        while True:
            page = await self.send(call)
            for item in paged.items(page):
                yield item
            following = paged.following(page)
            if following is None:
                return
            call = paged.after(following)

    async def pages(self, grant: str, query: str, question: Question) -> AsyncIterator[AnswerPage]:
        """The whole answer to a query."""
        page = await self.send(calls.ask(grant, query, question))
        yield page
        while page.reading:
            page = await self.send(calls.next_page(page.reading))
            yield page

    async def changes(
        self, subscription: str, *, cursor: str = "", wait_s: int = 30
    ) -> AsyncIterator[dict[str, Any]]:
        """What is applied to a pull, for ever; what was taken is confirmed when more is asked for.
        Where the program ended before, the same comes again under the same `id`."""
        while True:
            found = await self.send(calls.changes(subscription, cursor, wait_s))
            for change in found.changes:
                yield change
            cursor = found.cursor

    async def stream(self, subscription: str) -> AsyncIterator[dict[str, Any]]:
        """As `changes`, over one connection that stays open, and is opened anew when it breaks."""
        url, tried = f"{ROOT}/subscriptions/{subscription}/stream", 0
        while True:
            try:
                async with self._http.stream("GET", url) as stream:
                    if stream.status_code != 200:
                        raise refusal(stream.status_code, await stream.aread())
                    reader = Reader()
                    async for line in stream.aiter_lines():
                        found = reader.line(line)
                        if found is not None:
                            tried = 0
                            for change in found.changes:
                                yield change
                            await self.send(calls.confirm(subscription, found.cursor))
            except httpx.TransportError as broken:
                error = str(broken) or type(broken).__name__
            else:
                error = "it ended"
            tried += 1
            after_s = self._trying.after_s(tried, None)
            if after_s is None:
                raise Broken(f"{url}: {error}")
            await asyncio.sleep(after_s)

    async def fetch(self, given: TransferGiven, target: Path) -> Path:
        """A file, or a table as one, to `target`: brought to the station, downloaded, removed
        there."""
        transfer = (await self.send(calls.begin_transfer(given))).transfer
        path = await self.download(transfer, target)
        await self.send(calls.remove_transfer(transfer))
        return path

    async def download(self, transfer: str, target: Path) -> Path:
        """The content of a transfer, once it is there; called again, it goes on where it broke
        off."""
        shown = await self.send(calls.transfer(transfer))
        while not check(shown):
            await asyncio.sleep(LOOK_S)
            shown = await self.send(calls.transfer(transfer))
        download, tried = Download(shown, target), 0
        while not download.is_whole():
            tried += 1
            error = "it broke off"
            try:
                async with self._http.stream(
                    "GET", download.url, headers=download.headers()
                ) as stream:
                    body = b"" if stream.is_success else await stream.aread()
                    with download.part.open(download.mode(stream, body)) as file:
                        async for block in stream.aiter_bytes(BLOCK_BYTES):
                            await asyncio.to_thread(file.write, block)
            except httpx.TransportError as broken:
                error = str(broken) or type(broken).__name__
            if not download.is_whole():
                after_s = self._trying.after_s(tried, None)
                if after_s is None:
                    raise Broken(f"{download.url}: {error}")
                await asyncio.sleep(after_s)
        if not shown.size_bytes:
            download.part.touch()
        return await asyncio.to_thread(download.put)
