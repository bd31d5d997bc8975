"""/resources/…/file and …/publication: files that a program publishes."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import select
from starlette.requests import Request

from ortoo_node.api import uploads
from ortoo_node.api.documents import READING, WRITING, problems
from ortoo_node.api.route import JsonRoute, TokenRoute
from ortoo_node.api.routes.publishing import own_entry
from ortoo_node.api.shapes.publishing import FilesPublished, FileUploaded
from ortoo_node.api.tokens import At, Desk, Who, absent
from ortoo_node.api.uploads import Place
from ortoo_node.store.tables import publications
from ortoo_node.tokens import Bearer
from ortoo_protocol.core.errors import ApiFile
from ortoo_protocol.core.files import are_file_items
from ortoo_protocol.i18n import mark

_TAGS = ["publishing"]
router = APIRouter()
bodies = APIRouter(tags=[*_TAGS], route_class=TokenRoute)
calls = APIRouter(tags=[*_TAGS], route_class=JsonRoute)
_Name = Annotated[
    str, Query(min_length=1, max_length=1_024, description="With / below the folder.")
]


@bodies.put(
    "/resources/{code:path}/file",
    operation_id="upload_file",
    responses=problems(*WRITING),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
async def upload(request: Request, code: str, name: _Name, who: Who, at: At) -> FileUploaded:
    """Put a file in place, whole or not at all. It is published by the next publication."""
    place = await _place(request, at, who, code, name)
    unique = at.app.station.parts.rand(8).hex()
    size, digest = await uploads.take(request, place, unique, at.http.max_body_mb << 20)
    return FileUploaded(name, size, digest)


@bodies.delete(
    "/resources/{code:path}/file",
    operation_id="remove_file",
    status_code=204,
    responses=problems(*READING, 409),
)
async def remove(request: Request, code: str, name: _Name, who: Who, at: At) -> None:
    """Take a file out. The next publication deletes it at the readers."""
    place = await _place(request, at, who, code, name)
    if not await asyncio.to_thread(place.remove):
        absent(request)


@calls.post(
    "/resources/{code:path}/publication",
    operation_id="publish",
    responses=problems(*WRITING),
)
async def publish(request: Request, code: str, who: Who, at: At) -> FilesPublished:
    """Read the source that the administrator set for the resource, and publish what changed."""
    await own_entry(request, at, who, code)
    return FilesPublished(**await at.call("publish", resource=code))


async def _place(request: Request, at: Desk, who: Bearer, code: str, name: str) -> Place:
    entry = await own_entry(request, at, who, code)
    query = select(publications.c.source, publications.c.table).where(
        publications.c.resource == code
    )
    row = await at.app.station.read(lambda conn: conn.execute(query).first())
    folder = None if row is None else at.app.settings.folder_named(row.source)
    if row is None or folder is None or not folder.read or not are_file_items(entry.items):
        raise ApiFile(detail=mark("the resource is not published from a folder of files"))
    return Place(folder, row.table, name)


router.include_router(bodies)
router.include_router(calls)
