"""The log for programs that collect logs: one JSON object a line.

time     ISO 8601 in UTC, to the millisecond
level    debug, info, warning, error, critical
logger   the module that says it
code     the stable code of the error that is told, if one is
message  what the text log says
…        the ids of station/correlation.py that are known
trace    of a defect: files, lines and functions, and types of exceptions. Not what exceptions
         say: those of others quote the rows they stumble over
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from ortoo_protocol.cli.visible import visible
from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.station.correlation import known

_CODE = re.compile(r"\[([a-z0-9]+(?:[.-][a-z0-9]+)*)\] ")


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        message = visible(record.getMessage())
        line: dict[str, object] = dict(known())
        line |= {
            "time": _moment(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
        }
        if code := _code(record, message):
            line["code"] = code
        if record.exc_info and record.exc_info[1] is not None:
            line["trace"] = list(_trace(record.exc_info[1]))
        return msgspec.json.encode(line).decode()


def _moment(created_s: float) -> str:
    at = datetime.fromtimestamp(created_s, UTC).isoformat(timespec="milliseconds")
    return at.replace("+00:00", "Z")


def _code(record: logging.LogRecord, message: str) -> str:
    """Of the error that was handed to the logger, else the one that the message begins with."""
    given = record.args if isinstance(record.args, tuple) else ()
    raised = record.exc_info[1] if record.exc_info else None
    for each in (*given, raised):
        if isinstance(each, OrtooError):
            return each.code
    found = _CODE.match(message)
    return found[1] if found else ""


def _trace(error: BaseException) -> Iterator[str]:
    """The innermost cause first, as Python tells it."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _trace(cause)
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"{frame.filename}:{frame.lineno} {frame.name}"
    yield str(error) if isinstance(error, OrtooError) else type(error).__qualname__
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _trace(each)
