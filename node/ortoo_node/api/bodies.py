"""Bodies of requests: kept on disk beyond a megabyte, then read value by value."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import IO, Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from ortoo_protocol.core.errors import ApiBody, ApiBodyType, ApiTooLarge

IN_MEMORY_BYTES = 1 << 20
READ_BYTES = 64 << 10
MOST_VALUE_BYTES = 1 << 20
MOST_DEPTH = 32
ARRAY, LINES = "array", "lines"
_TYPES = {
    "application/json": ARRAY,
    "application/x-ndjson": LINES,
    "application/ndjson": LINES,
    "application/jsonl": LINES,
}
_SPACE = " \t\r\n"
T = TypeVar("T", int, float)
# Texts are skipped whole, so that brackets in them do not count.
_MARKS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


@dataclass
class Body:
    """A whole body; `digest` is over its bytes."""

    file: IO[bytes]
    form: str
    digest: bytes

    def values(self) -> Iterator[Any]:
        """From the first on, each time it is called. Raises ApiBody, ApiTooLarge."""
        self.file.seek(0)
        return array_values(self.file) if self.form == ARRAY else line_values(self.file)

    def close(self) -> None:
        self.file.close()


async def receive(request: Request, most_bytes: int) -> Body:
    """Take the body in. Raises ApiBodyType, ApiTooLarge."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _TYPES:
        raise ApiBodyType()
    too_large = ApiTooLarge(detail=f"{most_bytes >> 20} MB")
    announced = request.headers.get("content-length", "0")
    if announced.isascii() and announced.isdigit() and int(announced[:18]) > most_bytes:
        raise too_large
    file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115  # Body's
    digest, size = hashlib.sha256(kind.encode() + b"\0"), 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most_bytes:
                raise too_large
            digest.update(chunk)
            await asyncio.to_thread(file.write, chunk)
    except ClientDisconnect:
        file.close()
        raise ApiBody(detail="it breaks off") from None
    except BaseException:
        file.close()
        raise
    return Body(file, _TYPES[kind], digest.digest())


def read_json(text: bytes) -> Any:
    """The one value of a whole body. Raises ApiBody."""
    try:
        return _decoded(text.decode(), _WHOLE)
    except ValueError as error:
        raise ApiBody(detail=_said(error)) from None


def line_values(file: IO[bytes]) -> Iterator[Any]:
    """One JSON value a line; empty lines are none."""
    number = 0
    while line := file.readline(MOST_VALUE_BYTES + 1):
        number += 1
        if len(line) > MOST_VALUE_BYTES:
            raise ApiTooLarge(detail=f"line {number}: {MOST_VALUE_BYTES >> 20} MB")
        if line.strip():
            try:
                yield _decoded(line.decode().strip(_SPACE), _DECODER)
            except ValueError as error:
                raise ApiBody(detail=f"line {number}: {_said(error)}") from None


def array_values(file: IO[bytes]) -> Iterator[Any]:
    """The values of one JSON array, never more than one of them and a block in memory."""
    text = _Text(file)
    if text.next_char() != "[":
        raise ApiBody(detail="not an array")
    text.skip()
    if text.next_char() == "]":
        text.skip()
    else:
        for number in range(1 << 62):
            yield text.value(number)
            after = text.next_char()
            if after not in ",]" or not after:
                raise ApiBody(detail=f"value {number}: no comma after it")
            text.skip()
            if after == "]":
                break
    if text.next_char():
        raise ApiBody(detail="something follows the array")


class _Text:
    """A window of decoded text that slides over a file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = json.codecs.getincrementaldecoder("utf-8")()  # type: ignore[attr-defined]
        self._window, self._at, self._ended = "", 0, False

    def next_char(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._window):
                if self._window[self._at] not in _SPACE:
                    return self._window[self._at]
                self._at += 1
            if not self._more():
                return ""

    def skip(self) -> None:
        self._at += 1

    def value(self, number: int) -> Any:
        self.next_char()
        while True:
            try:
                found, end = _DECODER.raw_decode(self._window, self._at)
            except json.JSONDecodeError as error:
                if len(self._window) - self._at > MOST_VALUE_BYTES:
                    detail = f"value {number}: {MOST_VALUE_BYTES >> 20} MB"
                    raise ApiTooLarge(detail=detail) from None
                if not self._more():
                    raise ApiBody(detail=f"value {number}: {_said(error)}") from None
                continue
            except (ValueError, RecursionError) as error:
                raise ApiBody(detail=f"value {number}: {_said(error)}") from None
            text, where = self._window[self._at : end], f"value {number}: "
            _check_depth(text, where)
            _check_characters(found, text, where)
            # A number at the end of the window may go on in the next block.
            if not self._window[end:].strip("0123456789.eE+-") and self._more():
                continue
            self._at = end
            return found

    def _more(self) -> bool:
        if self._ended:
            return False
        block = self._file.read(max(READ_BYTES, len(self._window) - self._at))
        self._ended = not block
        try:
            text = self._decoder.decode(block, final=self._ended)
        except UnicodeDecodeError as error:
            raise ApiBody(detail=_said(error)) from None
        self._window, self._at = self._window[self._at :] + text, 0
        return not self._ended


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_once, parse_float=Decimal, parse_constant=_no_constant
)
_WHOLE = json.JSONDecoder(
    object_pairs_hook=_once,
    parse_int=lambda text: _within(int(text), text),
    parse_float=lambda text: _within(float(text), text),
    parse_constant=_no_constant,
)


def _within(number: T, text: str) -> T:
    """What a store can keep. Raises ValueError."""
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"a number of {len(text)} digits")
    return number


def _decoded(text: str, decoder: json.JSONDecoder) -> Any:
    """Raises ValueError, ApiBody."""
    _check_depth(text, "")
    value = decoder.decode(text)
    _check_characters(value, text, "")
    return value


def _check_depth(text: str, where: str) -> None:
    """Raises ApiBody."""
    depth = 0
    for mark in _MARKS.finditer(text):
        depth += 1 if mark[0] in "[{" else -1 if mark[0] in "]}" else 0
        if depth > MOST_DEPTH:
            raise ApiBody(detail=f"{where}nested deeper than {MOST_DEPTH}")


def _check_characters(value: Any, text: str, where: str) -> None:
    """Halves of characters, which JSON can escape, fit into no table. Raises ApiBody."""
    if "\\ud" not in text and "\\uD" not in text:
        return
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise ApiBody(detail=f"{where}half a character (\\ud800 to \\udfff)") from None


def _said(error: ValueError | RecursionError) -> str:
    """Where and how, never the text itself: it may be personal data."""
    if isinstance(error, RecursionError):
        return f"nested deeper than {MOST_DEPTH}"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} ({error.lineno}:{error.colno})"
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    return str(error)
