"""What the OpenAPI document says of every operation beside its own: errors, headers, the token."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from ortoo_node.api.examples import EXAMPLES
from ortoo_node.api.problems import MEDIA_TYPE
from ortoo_node.api.shapes.problems import Problem

READING = (400, 401, 403, 404, 422, 429, 503)
WRITING = (*READING, 408, 409, 413, 415)
_SAID = {
    400: "It cannot be read",
    401: "No token, or one that opens nothing",
    403: "The token does not open it, or the law does not",
    404: "There is nothing, or nothing of this department",
    408: "The body came too slowly",
    409: "Not in this state",
    410: "It is kept no longer",
    412: "It was changed since it was read",
    413: "Too large",
    415: "A body of another type",
    416: "Not a range of this content",
    422: "A field is not acceptable",
    428: "If-Match is lacking",
    429: "Too often; Retry-After says how long to wait",
    502: "The provider's source does not work",
    503: "The station cannot now; Retry-After says how long to wait",
    504: "The provider did not answer in time",
}
_EXAMPLE = {
    "type": "urn:ortoo:api.scope",
    "title": "This token does not open request:write.",
    "status": 403,
    "detail": "Ask the station's administrator for a token of that scope.",
    "code": "api.scope",
    "facts": {"wanted": "request:write"},
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Done once in 24 hours for a key; whoever repeats it gets the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
    "example": "7c1d3a52-1b7e-4a0e-9a6e-3f0a7a9f2f11",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": _SAID[status],
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }


def document(app: FastAPI) -> dict[str, Any]:
    """The whole, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        components = made.setdefault("components", {})
        problem = TypeAdapter(Problem).json_schema()
        components.setdefault("schemas", {})["Problem"] = {**problem, "example": _EXAMPLE}
        for name, example in EXAMPLES.items():
            components["schemas"][name]["example"] = example
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        made["security"] = [{"token": []}]
        for operations in made["paths"].values():
            for method, operation in operations.items():
                if method == "post":
                    operation.setdefault("parameters", []).append(_KEY)
        app.openapi_schema = made
    return app.openapi_schema
