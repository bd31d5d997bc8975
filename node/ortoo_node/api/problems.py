"""Errors as departments' programs get them: application/problem+json (RFC 9457) from the tree.

``code`` is the stable one; ``title`` says what happened and ``detail`` what to do, in the language
that the request prefers.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ortoo_protocol.core import errors
from ortoo_protocol.core.errors import ApiBody, ApiField, ApiMethod, ApiPath, OrtooError
from ortoo_protocol.i18n import DEFAULT, ENGLISH, translator
from ortoo_protocol.station.control_client import error_to

_log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_RETRY_S: Mapping[int, str] = {409: "5", 429: "60", 503: "5"}

# The nearest class above an error decides.
STATUS: Mapping[type[OrtooError], int] = {
    errors.OrtooError: 500,
    # --- this interface ---
    errors.ApiError: 400,
    errors.ApiToken: 401,
    errors.ApiScope: 403,
    errors.ApiPath: 404,
    errors.ApiMethod: 405,
    errors.ApiSlow: 408,
    errors.ApiUnderWay: 409,
    errors.ApiOutcome: 409,
    errors.ApiFeedKind: 409,
    errors.ApiNotYet: 409,
    errors.ApiFile: 409,
    errors.ApiCursorPassed: 410,
    errors.ApiPull: 409,
    errors.ApiMatch: 412,
    errors.ApiTooLarge: 413,
    errors.ApiBodyType: 415,
    errors.ApiRange: 416,
    errors.ApiField: 422,
    errors.ApiIdempotency: 422,
    errors.ApiMatchLacking: 428,
    errors.ApiRate: 429,
    # --- what is asked for, and what the law says to it ---
    errors.GrantError: 403,
    errors.GrantUnknown: 404,
    errors.CaseError: 409,
    errors.CaseUnknown: 404,
    errors.CaseField: 422,
    errors.CaseReason: 422,
    errors.CaseAttachment: 422,
    errors.CaseConditions: 422,
    errors.CatalogError: 422,
    errors.CatalogUnknown: 404,
    errors.CatalogDraftUnknown: 404,
    errors.CatalogQuery: 400,
    errors.CatalogOwner: 403,
    errors.CatalogStep: 409,
    errors.CatalogDuties: 409,
    errors.CatalogShareType: 409,
    errors.CatalogStopped: 409,
    errors.UseError: 409,
    errors.UsePurpose: 422,
    errors.GrantIsSuspended: 403,
    errors.CorrectionUnknown: 404,
    errors.CorrectionKey: 422,
    errors.LawError: 409,
    errors.FeedError: 409,
    errors.TrustError: 409,
    errors.TrustDepartment: 422,
    errors.TrustClock: 503,
    errors.JournalError: 422,
    errors.JournalNone: 404,
    errors.CodecError: 422,
    # --- what is worked on ---
    errors.SubscriptionError: 409,
    errors.SubscriptionUnknown: 404,
    errors.QueryError: 422,
    errors.QueryUnknown: 404,
    errors.QueryMode: 403,
    errors.QueryScope: 403,
    errors.QueryRate: 429,
    errors.QueryGone: 410,
    errors.QueryReused: 409,
    errors.QueryBusy: 503,
    errors.QuerySource: 502,
    errors.QueryService: 502,
    errors.QueryAnswer: 502,
    errors.QueryTimeout: 504,
    errors.QuerySilent: 504,
    errors.QueryUnlinked: 503,
    errors.FileError: 409,
    errors.FileUnknown: 404,
    errors.FileTransferUnknown: 404,
    errors.FileOrderUnknown: 404,
    errors.FileName: 422,
    errors.FileForm: 422,
    errors.FileDiskFull: 503,
    errors.RowsError: 422,
    errors.SettingsError: 422,
    errors.SourceError: 503,
    errors.SinkError: 409,
    errors.SinkUnavailable: 503,
    errors.StoreError: 503,
    errors.BusError: 503,
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
    headers = {}
    if status == 401:
        headers["www-authenticate"] = 'Bearer realm="ortoo"'
    if status in _RETRY_S:
        headers["retry-after"] = str(error.facts.get("after_s", _RETRY_S[status]))
    if isinstance(error, ApiMethod):
        headers["allow"] = str(error.facts.get("allowed", ""))
    return Response(msgspec.json.encode(body), status, headers, media_type=MEDIA_TYPE)


def _language(request: Request) -> str:
    asked = request.headers.get("accept-language", "").strip().lower()
    return ENGLISH if asked.startswith("en") else DEFAULT


async def of_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, OrtooError)  # noqa: S101  # it is registered for these alone
    return problem(request, error)


async def of_fields(request: Request, error: Exception) -> Response:
    """What does not fit the document: the first field that is wrong, never what stood in it."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  # as above
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part != "body")[:200]
    return problem(request, ApiField(field=place or "body", detail=str(first["msg"])[:200]))


async def of_routing(request: Request, error: Exception) -> Response:
    """What Starlette itself refuses: paths and methods that are not there."""
    path = request.url.path[:200]
    if isinstance(error, HTTPException):
        if error.status_code == 405:
            allowed = (error.headers or {}).get("Allow", "")
            return problem(
                request, ApiMethod(path=path, method=request.method[:20], allowed=allowed)
            )
        if error.status_code == 400:
            return problem(request, ApiBody(detail="-"))
    return problem(request, ApiPath(path=path))


async def of_defects(request: Request, error: Exception) -> Response:
    """A defect; the log has its trace, the program is told no more than that."""
    _log.error("%s %s", request.method, request.url.path, exc_info=error)
    return problem(request, OrtooError())
