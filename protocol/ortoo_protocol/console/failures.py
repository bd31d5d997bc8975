"""What keeps a page from being shown, and how people are told."""

from __future__ import annotations

from starlette.requests import Request

from ortoo_protocol.core.errors import AccountForbidden, ConsoleForbidden, ConsoleForm, OrtooError


class SignInFirst(Exception):
    """Nobody is signed in any more; or this person has something to do before anything else."""

    def __init__(self, request: Request, to: str = "") -> None:
        super().__init__()
        self.request = request
        self.to = to


def status_of(error: OrtooError) -> int:
    """A status that scripts and browsers understand: what is said is in the page."""
    if isinstance(error, ConsoleForbidden | AccountForbidden):
        return 403
    if isinstance(error, ConsoleForm):
        return 409
    return 404 if error.code.endswith((".unknown", "-unknown")) else 422
