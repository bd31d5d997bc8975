"""Errors as departments' programs get them: application/problem+json (RFC 9457) from the tree.

``code`` is the stable one; ``title`` says what happened and ``detail`` what to do, in the language
that the request prefers.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ortoo_protocol.core import errors
from ortoo_protocol.core.errors import ApiMethod, ApiPath, OrtooError
from ortoo_protocol.i18n import DEFAULT, ENGLISH, translator
from ortoo_protocol.station.control_client import error_to

_log = logging.getLogger(__name__)

# The nearest class above an error decides.
STATUS: Mapping[type[OrtooError], int] = {
    errors.OrtooError: 500,
    errors.ApiError: 400,
    errors.ApiToken: 401,
    errors.ApiScope: 403,
    errors.ApiPath: 404,
    errors.ApiMethod: 405,
    errors.ApiUnderWay: 409,
    errors.ApiFeedKind: 409,
    errors.ApiCursorPassed: 410,
    errors.ApiTooLarge: 413,
    errors.ApiBodyType: 415,
    errors.ApiIdempotency: 422,
    errors.SubscriptionError: 409,
    errors.SubscriptionUnknown: 404,
    errors.CatalogUnknown: 404,
    errors.CatalogOwner: 403,
    errors.GrantError: 403,
    errors.RowsError: 422,
    errors.SinkUnavailable: 503,
    errors.StoreError: 503,
    errors.TrustClock: 503,
}


def status_of(error: OrtooError) -> int:
    for cls in type(error).__mro__:
        if issubclass(cls, OrtooError) and cls in STATUS:
            return STATUS[cls]
    return 500


def problem(request: Request, error: OrtooError) -> Response:
    what, cure = translator(_language(request)).error(error)
    status = status_of(error)
    if status >= 500:
        _log.error("%s %s: %s", request.method, request.url.path, error)
    body = {
        "type": f"urn:ortoo:{error.code}",
        "title": what,
        "status": status,
        "detail": cure,
        "code": error.code,
        "facts": error_to(error)["facts"],
    }
    headers = {"cache-control": "no-store"}
    if status == 401:
        headers["www-authenticate"] = 'Bearer realm="ortoo"'
    if status in (409, 503):
        headers["retry-after"] = "5"
    return Response(
        msgspec.json.encode(body), status, headers, media_type="application/problem+json"
    )


def _language(request: Request) -> str:
    asked = request.headers.get("accept-language", "").strip().lower()
    return ENGLISH if asked.startswith("en") else DEFAULT


async def of_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, OrtooError)  # noqa: S101  # it is registered for these alone
    return problem(request, error)


async def of_routing(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses: paths and methods that are not there."""
    path = request.url.path[:200]
    if isinstance(error, HTTPException) and error.status_code == 405:
        return problem(request, ApiMethod(path=path, method=request.method[:20]))
    return problem(request, ApiPath(path=path))


async def of_defects(request: Request, error: Exception) -> Response:
    """A defect; the log has its trace, the program is told no more than that."""
    _log.error("%s %s", request.method, request.url.path, exc_info=error)
    return problem(request, OrtooError())
