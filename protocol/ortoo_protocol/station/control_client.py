"""The caller's side of the control socket, blocking; imports little, for a fast command line.

One JSON line there, one JSON line back (control.py).
"""

from __future__ import annotations

import contextlib
import os
import socket
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ortoo_protocol.core.errors import (
    DaemonBroken,
    DaemonForbidden,
    DaemonRequest,
    DaemonSilent,
    DaemonUnreachable,
    OrtooError,
    RemoteError,
    fill,
)
from ortoo_protocol.i18n import Translator

MAX_REQUEST_BYTES = 1024 * 1024
MAX_ANSWER_BYTES = 16 * 1024 * 1024
CALL_TIMEOUT_S = 30.0
_MAX_ADDRESS_BYTES = 107  # sockaddr_un.sun_path of Linux, less its closing zero


@contextlib.contextmanager
def address(path: Path) -> Iterator[str]:
    """A name for the socket `path` that fits into a socket address, however deep its folder lies.

    A longer one is reached through an open descriptor of its folder (proc(5)).
    """
    if len(os.fsencode(path)) <= _MAX_ADDRESS_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def request_line(method: str, params: Mapping[str, object]) -> bytes:
    line = msgspec.json.encode({"method": method, "params": dict(params)}) + b"\n"
    if len(line) > MAX_REQUEST_BYTES:
        raise DaemonRequest(detail=f"larger than {MAX_REQUEST_BYTES} bytes")
    return line


def read_answer(line: bytes, method: str) -> Any:
    """The result in an answer line; an error in it is raised again as its own class."""
    try:
        answer = msgspec.json.decode(line)
        if "error" in answer:
            raise error_from(answer["error"])
        return answer["ok"]
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError, KeyError):
        raise DaemonBroken(method=method) from None


def error_to(error: OrtooError) -> dict[str, object]:
    """The form in which an error crosses: facts are text, numbers, truth values or nothing."""
    facts = {
        name: value if value is None or type(value) in (str, int, float, bool) else str(value)
        for name, value in error.facts.items()
    }
    return {
        "code": error.code,
        "what": fill(error.what, error.facts),
        "cure": fill(error.cure, error.facts),
        "facts": facts,
    }


def said_of(crossed: Mapping[str, Any], say: Translator) -> tuple[str, str]:
    """What happened and what to do, of an error inside an answer, in the language of `say`; as it
    crossed where its facts were not kept."""
    made = error_from(crossed)
    what, cure = say.error(made)
    kept = made.facts.keys()
    return (
        what if facts_of(made.what) <= kept else str(crossed["what"]),
        cure if facts_of(made.cure) <= kept else str(crossed["cure"]),
    )


def facts_of(template: str) -> set[str]:
    """The names that `template` has places for."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def error_from(crossed: Mapping[str, Any]) -> OrtooError:
    """The error of the class that has this code, or a RemoteError that carries the code."""
    facts = {str(name): value for name, value in crossed["facts"].items() if name != "self"}
    made = classes().get(crossed["code"])
    if made is None or made is RemoteError:
        return RemoteError(
            remote_code=str(crossed["code"]), said=str(crossed["what"]), advice=str(crossed["cure"])
        )
    return made(**facts)


def classes() -> dict[str, type[OrtooError]]:
    """Every error class of the tree by its code; of two with one code, the outer."""
    found: dict[str, type[OrtooError]] = {}
    todo = [OrtooError]
    while todo:
        cls = todo.pop(0)
        found.setdefault(cls.code, cls)
        todo.extend(cls.__subclasses__())
    return found


def call(
    path: Path,
    method: str,
    params: Mapping[str, object] | None = None,
    timeout_s: float = CALL_TIMEOUT_S,
) -> Any:
    """Ask the daemon behind the socket `path`; the result is plain JSON values.

    Raises DaemonUnreachable, DaemonForbidden, DaemonSilent (it may still be at work), DaemonBroken,
    or what the method raised there.
    """
    line = request_line(method, params or {})
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as client:
        client.settimeout(timeout_s)
        try:
            with address(path) as name:
                client.connect(name)
        except PermissionError:
            raise DaemonForbidden(uid=os.geteuid()) from None
        except OSError:
            raise DaemonUnreachable(folder=path.parent) from None
        try:
            # The server may refuse before it has read all: its answer still counts.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                client.sendall(line)
            with client.makefile("rb") as answers:
                answer = answers.readline(MAX_ANSWER_BYTES)
        except TimeoutError:
            raise DaemonSilent(method=method, timeout_s=timeout_s) from None
        except OSError:
            raise DaemonBroken(method=method) from None
    return read_answer(answer, method)
