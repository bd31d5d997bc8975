"""Who asks: the bearer of a request."""

from __future__ import annotations

from starlette.requests import Request

from ortoo_node import tokens
from ortoo_node.app import NodeApp
from ortoo_node.tokens import Bearer


def app_of(request: Request) -> NodeApp:
    app = request.app.state.node
    if not isinstance(app, NodeApp):
        raise TypeError("the server has not been given its station")
    return app


async def bearer(request: Request) -> Bearer:
    """Raises ApiToken."""
    return await tokens.check(app_of(request).station, request.headers.get("authorization", ""))
