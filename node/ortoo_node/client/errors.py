"""What a call may come to."""

from __future__ import annotations

import msgspec

from ortoo_node.api.shapes.problems import Problem


class ClientError(Exception):
    """Of this client."""


class Refused(ClientError):
    """The station said no. `code` is stable; `title` says what happened, `detail` what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"[{problem.code}] {problem.title} {problem.detail}")
        self.problem = problem

    @property
    def code(self) -> str:
        return self.problem.code

    @property
    def status(self) -> int:
        return self.problem.status


class Broken(ClientError):
    """The station could not be reached, or did not answer as one does, however often it was
    tried."""


def refusal(status: int, body: bytes) -> ClientError:
    try:
        return Refused(msgspec.json.decode(body, type=Problem))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Broken(f"HTTP {status}, without a problem")
