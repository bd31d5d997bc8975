"""Chinese first, English a click away."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console.page import LANGUAGE_COOKIE, LANGUAGES, AnyPage
from ortoo_protocol.console.signing_in import own_path
from ortoo_protocol.core.errors import ConsoleUnknown

YEAR_S = 366 * 86_400
router = APIRouter()


@router.get("/language/{language}")
async def choose(page: AnyPage, language: str, next: str = "/") -> Response:
    if language not in LANGUAGES:
        raise ConsoleUnknown(path=f"/language/{language[:20]}")
    response = page.go(own_path(next))
    response.set_cookie(
        LANGUAGE_COOKIE, language, max_age=YEAR_S, samesite="lax", secure=page.console.secure
    )
    return response
