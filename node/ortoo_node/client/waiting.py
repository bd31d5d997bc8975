"""The client that waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self

import httpx

from ortoo_node.api.shapes.files import TransferGiven
from ortoo_node.api.shapes.queries import AnswerPage, Question
from ortoo_node.client import attempts, calls
from ortoo_node.client.attempts import Trying
from ortoo_node.client.call import ROOT, Call, P, Paged, T
from ortoo_node.client.downloads import BLOCK_BYTES, LOOK_S, Download, check
from ortoo_node.client.errors import Broken, refusal
from ortoo_node.client.events import Reader

TIMEOUT_S = 90.0  # longer than the longest poll


@dataclass(frozen=True)
class Read(Generic[T]):
    """An answer with its ETag, for `calls.change_draft`."""

    value: T
    etag: str


class Client:
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
        self._http = httpx.Client(
            base_url=base_url,
            verify=verify,
            timeout=timeout_s,
            **attempts.settings(token, language),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def send(self, call: Call[T], *, key: str | None = None) -> T:
        """The answer. `key`: the Idempotency-Key of a POST, where the program keeps its own over
        its restarts. Raises Refused, Broken."""
        return self.ask(call, key=key).value

    def ask(self, call: Call[T], *, key: str | None = None) -> Read[T]:
        """As `send`, with the ETag."""
        answer = self._answer(attempts.request_of(call, key))
        return Read(attempts.read(call, answer), answer.headers.get("etag", ""))

    def _answer(self, request: dict[str, Any]) -> httpx.Response:
        tried = 0
        while True:
            tried += 1
            answer: httpx.Response | None = None
            error = ""
            try:
                answer = self._http.request(**request)
            except httpx.TransportError as broken:
                error = str(broken) or type(broken).__name__
            after_s = self._trying.after_s(tried, answer)
            if answer is not None and (after_s is None or not attempts.passes(answer)):
                return answer
            if after_s is None:
                raise Broken(f"{request['url']}: {error}")
            time.sleep(after_s)

    def each(self, paged: Paged[P, T]) -> Iterator[T]:
        """Everything of a list, page by page."""
        call = paged.first
        while True:
            page = self.send(call)
            yield from paged.items(page)
            following = paged.following(page)
            if following is None:
                return
            call = paged.after(following)

    def pages(self, grant: str, query: str, question: Question) -> Iterator[AnswerPage]:
        """The whole answer to a query."""
        page = self.send(calls.ask(grant, query, question))
        yield page
        while page.reading:
            page = self.send(calls.next_page(page.reading))
            yield page

    def changes(
        self, subscription: str, *, cursor: str = "", wait_s: int = 30
    ) -> Iterator[dict[str, Any]]:
        """What is applied to a pull, for ever; what was taken is confirmed when more is asked for.
        Where the program ended before, the same comes again under the same `id`."""
        while True:
            found = self.send(calls.changes(subscription, cursor, wait_s))
            yield from found.changes
            cursor = found.cursor

    def stream(self, subscription: str) -> Iterator[dict[str, Any]]:
        """As `changes`, over one connection that stays open, and is opened anew when it breaks."""
        url, tried = f"{ROOT}/subscriptions/{subscription}/stream", 0
        while True:
            try:
                with self._http.stream("GET", url) as stream:
                    if stream.status_code != 200:
                        raise refusal(stream.status_code, stream.read())
                    reader = Reader()
                    for line in stream.iter_lines():
                        found = reader.line(line)
                        if found is not None:
                            tried = 0
                            yield from found.changes
                            self.send(calls.confirm(subscription, found.cursor))
            except httpx.TransportError as broken:
                error = str(broken) or type(broken).__name__
            else:
                error = "it ended"
            tried += 1
            after_s = self._trying.after_s(tried, None)
            if after_s is None:
                raise Broken(f"{url}: {error}")
            time.sleep(after_s)

    def fetch(self, given: TransferGiven, target: Path) -> Path:
        """A file, or a table as one, to `target`: brought to the station, downloaded, removed
        there."""
        transfer = self.send(calls.begin_transfer(given)).transfer
        path = self.download(transfer, target)
        self.send(calls.remove_transfer(transfer))
        return path

    def download(self, transfer: str, target: Path) -> Path:
        """The content of a transfer, once it is there; called again, it goes on where it broke
        off."""
        shown = self.send(calls.transfer(transfer))
        while not check(shown):
            time.sleep(LOOK_S)
            shown = self.send(calls.transfer(transfer))
        download, tried = Download(shown, target), 0
        while not download.is_whole():
            tried += 1
            error = "it broke off"
            try:
                with self._http.stream("GET", download.url, headers=download.headers()) as stream:
                    body = b"" if stream.is_success else stream.read()
                    with download.part.open(download.mode(stream, body)) as file:
                        for block in stream.iter_bytes(BLOCK_BYTES):
                            file.write(block)
            except httpx.TransportError as broken:
                error = str(broken) or type(broken).__name__
            if not download.is_whole():
                after_s = self._trying.after_s(tried, None)
                if after_s is None:
                    raise Broken(f"{download.url}: {error}")
                time.sleep(after_s)
        if not shown.size_bytes:
            download.part.touch()
        return download.put()
