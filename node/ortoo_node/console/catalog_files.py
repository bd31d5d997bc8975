"""The catalog as files: a workbook brought, checked, saved as drafts or given back with its marks;
the catalog taken out, and the empty template.

A file that was brought is kept for as long as its import: what is marked or saved is what was
checked, and only for whoever brought it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import msgspec
from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.responses import Response

from ortoo_node.catalog.sheets import apart
from ortoo_node.catalog.sheets.joining import parts
from ortoo_node.console.shelf import Brought, Shelf
from ortoo_protocol.console.acting import genuine, most_part_bytes
from ortoo_protocol.console.downloads import attachment
from ortoo_protocol.console.failures import status_of
from ortoo_protocol.console.forms import NEEDED, plain_name
from ortoo_protocol.console.page import OwnPage, Page
from ortoo_protocol.console.showing import day
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.errors import ConsoleForm, ConsoleUnknown, OrtooError
from ortoo_protocol.i18n import mark

FILES, IMPORT, EXPORT = "/catalog/files", "/catalog/import", "/catalog/export"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BASE = "urn:ortoo:catalog"  # where the addresses of resources begin in DCAT
_NAME_CHARACTERS = 60  # of a file's name, kept for messages
Form = Literal["xlsx", "csv", "json", "national", "dcat"]
_FORMS = (
    ("xlsx", mark("Excel, the template filled in")),
    ("csv", mark("CSV")),
    ("json", mark("JSON")),
    ("national", mark("The national platform's form (JSON)")),
    ("dcat", mark("DCAT (JSON-LD)")),
)


def router() -> APIRouter:
    """One a console: what was brought belongs to it."""
    shelf, made = Shelf(), APIRouter()

    @made.get(FILES)
    async def files(page: OwnPage) -> Response:
        return _files(page)

    @made.post(IMPORT)
    async def bring(page: OwnPage) -> Response:
        return await _bring(page, shelf)

    @made.get(IMPORT + "/{key}")
    async def checked(page: OwnPage, key: str) -> Response:
        page.need(Right.COMPILE)
        return _checked(page, shelf.get(key, page.me.account, page.console.now_ms()), key)

    @made.post(IMPORT + "/{key}")
    async def save(page: OwnPage, key: str) -> Response:
        return await _save(page, shelf, key)

    @made.get(IMPORT + "/{key}/download")
    async def marked(page: OwnPage, key: str) -> Response:
        page.need(Right.COMPILE)
        brought = shelf.get(key, page.me.account, page.console.now_ms())
        if not brought.problems:
            raise ConsoleUnknown(path=f"{IMPORT}/{key[:40]}")
        content = await asyncio.to_thread(brought.marked.read_bytes)
        return attachment(f"{Path(brought.name).stem}-问题.xlsx", content, XLSX)

    @made.get(EXPORT + "/template")
    async def template(page: OwnPage) -> Response:
        async with shelf.working:
            with TemporaryDirectory(prefix="ortoo-") as folder:
                target = Path(folder) / "template.xlsx"
                await apart.template(target)
                return attachment("政务信息资源目录模板.xlsx", target.read_bytes(), XLSX)

    @made.get(EXPORT)
    async def export(
        page: OwnPage, form: Form = "xlsx", mine: bool = False, open_only: bool = False
    ) -> Response:
        async with shelf.working:
            return await _export(page, form, mine=mine, open_only=open_only)

    return made


# --- in -----------------------------------------------------------------------------------------


async def _bring(page: Page, shelf: Shelf) -> Response:
    page.need(Right.COMPILE)
    async with page.request.form(max_files=1, max_part_size=most_part_bytes(page)) as form:
        if not genuine(page, form):
            return _files(page, error=ConsoleForm())
        upload = form.get("file")
        if not isinstance(upload, UploadFile) or not upload.filename:
            return _files(page, problem=page.t(NEEDED))
        name = plain_name(upload.filename).lstrip(".")[-_NAME_CHARACTERS:] or "file"
        brought = Brought(name, page.me.account, page.console.now_ms())
        await asyncio.to_thread(brought.file.write_bytes, await upload.read())
    try:
        async with shelf.working:
            await _check(page, brought)
    except OrtooError as error:
        return _files(page, error=error)
    return page.go(f"{IMPORT}/{shelf.put(brought, page.console.now_ms())}")


async def _check(page: Page, brought: Brought) -> None:
    """Read the file, hand its resources over, ask what stands against them. What has problems is
    not kept at the service: nothing of it is saved."""
    begun = await page.call("catalog.import.begin")
    number, profile = begun["number"], begun["profile"]
    try:
        looked = await apart.look(brought.file, profile)
        after = 0
        for part in parts(looked.resources):
            answer = await page.call(
                "catalog.import.add", number=number, after=after, resources=part
            )
            after = answer["count"]
        found = (await page.call("catalog.import.check", number=number))["problems"]
        brought.number, brought.profile = number, profile
        brought.resources, brought.unknown = len(looked.resources), looked.unknown
        if found or looked.problems:
            await _mark(page, brought, found)
    finally:
        if brought.number == 0 or brought.problems:
            await page.call("catalog.import.end", number=number)


async def _mark(page: Page, brought: Brought, found: Sequence[dict[str, Any]]) -> None:
    brought.problems, brought.count = await apart.mark(
        brought.file, brought.marked, brought.profile, page.t.language, found
    )


async def _save(page: Page, shelf: Shelf, key: str) -> Response:
    page.need(Right.COMPILE)
    brought = shelf.get(key, page.me.account, page.console.now_ms())
    async with page.request.form() as form:
        why = str(form.get("why", ""))
        if not genuine(page, form):
            return _checked(page, brought, key, why=why, error=ConsoleForm())
    given = {"number": brought.number, "by": page.me.person, "why": why}
    try:
        answer = await page.recorded("catalog.import.save", given, brought.name)
        if answer["problems"]:
            async with shelf.working:
                await _mark(page, brought, answer["problems"])
            return _checked(page, brought, key, why=why)
    except OrtooError as error:
        return _checked(page, brought, key, why=why, error=error)
    shelf.drop(key)
    return page.go("/catalog/drafts", saved=str(len(answer["saved"])))


def _files(page: Page, *, problem: str = "", error: OrtooError | None = None) -> Response:
    status = 422 if problem else 200 if error is None else status_of(error)
    return page.render(
        "catalog-files.html",
        status,
        brings=page.may(Right.COMPILE),
        forms=_FORMS,
        problem=problem,
        error=error,
    )


def _checked(
    page: Page, brought: Brought, key: str, *, why: str = "", error: OrtooError | None = None
) -> Response:
    status = 200 if error is None else status_of(error)
    return page.render(
        "catalog-import.html", status, brought=brought, key=key, why=why, error=error
    )


# --- out ----------------------------------------------------------------------------------------


async def _export(page: Page, form: Form, *, mine: bool, open_only: bool) -> Response:
    """A part at a time to a file of lines, and from there: a catalog is larger than a page."""
    with TemporaryDirectory(prefix="ortoo-") as folder:
        lines, target = Path(folder) / "lines", Path(folder) / "made"
        after = ""
        with lines.open("wb") as out:
            while True:
                answer = await page.call(
                    "catalog.export", after=after, mine=mine, open_only=open_only
                )
                out.writelines(msgspec.json.encode(each) + b"\n" for each in answer["entries"])
                after = answer["after"]
                if not after:
                    break
        await apart.write(form, lines, target, page.console.settings.station.name, BASE)
        content = await asyncio.to_thread(target.read_bytes)
    name = f"catalog-{page.console.station.party}-{day(page.console.now_ms())}.{apart.FORMS[form]}"
    return attachment(name, content, XLSX if form == "xlsx" else "application/octet-stream")
