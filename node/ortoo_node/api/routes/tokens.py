"""/token: what the token that asks opens."""

from __future__ import annotations

from fastapi import APIRouter

from ortoo_node.api.documents import READING, problems
from ortoo_node.api.route import JsonRoute
from ortoo_node.api.shapes.tokens import TokenShown
from ortoo_node.api.tokens import At, Who

router = APIRouter(tags=["token"], route_class=JsonRoute)


@router.get("/token", operation_id="show_token", responses=problems(*READING))
async def show(who: Who, at: At) -> TokenShown:
    """For a program that wants to know before it begins, and when to ask for a new one."""
    return TokenShown(
        token=who.token,
        application=who.application,
        department=who.department,
        scopes=sorted(who.scopes),
        expires_ms=who.expires_ms,
        calls_a_minute=at.http.calls_a_minute,
    )
