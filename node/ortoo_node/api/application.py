"""The programming interface as one FastAPI application: operations, errors, the document."""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ortoo_node.api import problems
from ortoo_node.api.documents import document
from ortoo_node.api.guard import Guard
from ortoo_node.api.rates import Rates
from ortoo_node.api.routes import (
    catalog,
    corrections,
    drafts,
    files,
    grants,
    journal,
    publishing,
    queries,
    requests,
    subscriptions,
    tokens,
    uploads,
)
from ortoo_node.api.tokens import Desk
from ortoo_node.app import NodeApp
from ortoo_node.interfaces import Http
from ortoo_protocol.console.watch import Watch, watch_routes
from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.station.common_methods import Method

ROOT = "/api/v1"
# The first that fits a path has it: drafts before entries, whose codes have slashes.
SUBJECTS = (
    tokens,
    drafts,
    catalog,
    requests,
    grants,
    queries,
    publishing,
    uploads,
    subscriptions,
    files,
    corrections,
    journal,
)


def application(app: NodeApp, http: Http, methods: Mapping[str, Method], watch: Watch) -> FastAPI:
    """`methods`: those that the control socket answers."""
    made = FastAPI(
        title="Ortoo 驿站",
        version=version("ortoo"),
        description="Catalog, requests, grants, rows, files, subscriptions, queries, corrections"
        " and proofs, for the programs of one department each. node/README.md tells how to begin.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        exception_handlers={
            OrtooError: problems.of_ours,
            RequestValidationError: problems.of_fields,
            HTTPException: problems.of_routing,
            Exception: problems.of_defects,
        },
    )
    made.router.redirect_slashes = False
    rates = Rates(http.calls_a_minute / 60, http.calls_at_once, time.monotonic)
    made.state.desk = Desk(app, methods, http, rates)
    v1 = APIRouter(prefix=ROOT)
    for subject in SUBJECTS:
        v1.include_router(subject.router)
    made.include_router(v1)
    made.add_route(f"{ROOT}/openapi.json", _document, methods=["GET"], include_in_schema=False)
    made.router.routes.extend(watch_routes(watch))
    made.add_middleware(Guard)
    return made


async def _document(request: Request) -> Response:
    """For everybody: it says what there is, not what is in it."""
    return JSONResponse(document(request.app))
