"""request.*: share requests, both sides, and what the station's own authority decides."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Row

from ortoo_node import cases, catalog
from ortoo_node.app import NodeApp
from ortoo_node.cases import Wish, disputing, papers, store
from ortoo_node.catalog.mirror import resource_name, resource_names
from ortoo_protocol.core.cases import (
    Answer,
    Application,
    Side,
    State,
    open_events,
)
from ortoo_protocol.core.catalog import UNCONDITIONAL
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.errors import CaseAttachment, CaseField, CatalogShareType
from ortoo_protocol.core.masks import Mask
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.cases import attachments
from ortoo_protocol.station.cases.showing import clocks_of, described
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx

CaseRole = Literal["applicant", "provider", "all"]
PaperName = Literal["application", "answer"]
SideName = Literal["applicant", "provider", ""]
Files = list[dict[str, str]]  # name, content in base64
LISTED = 1_000


@dataclass
class RequestMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "request.apply": self.apply,
            "request.submit": self.submit,
            "request.list": self.listed,
            "request.show": self.show,
            "request.attachment": self.attachment,
            "request.paper": self.paper,
            "request.grant": self.grant,
            "request.refuse": self.refuse,
            "request.accept": self.accept,
            "request.return": self.return_,
            "request.complete": self.complete,
            "request.extend": self.extend,
            "request.agree": self.agree,
            "request.negotiate": self.negotiate,
            "request.disagree": self.disagree,
            "request.coordinate": self.coordinate,
            "request.sign": self.sign,
            "request.withdraw": self.withdraw,
        }

    # --- the applicant ---

    async def apply(
        self,
        resource: str | list[str],
        department: str,
        purpose: str,
        basis: str,
        scenario: str,
        handler: str,
        approver: str,
        items: list[str] = [],  # noqa: B006  # never changed; the control server reads it
        row_filter: str = "",
        mode: str = "系统对接",
        until_ms: int = 0,
        contact: str = "",
        attachments: Files = [],  # noqa: B006  # as `items`
        draft: bool = False,
    ) -> dict[str, Any]:
        """Of several resources: one paper, a case for each; `group` joins them."""
        resources = [resource] if isinstance(resource, str) else resource
        files = _files(attachments)

        def job(tx: Tx) -> dict[str, Any]:
            group = tx.new_id().hex() if len(resources) > 1 else ""
            made = []
            for code in resources:
                wish = Wish(
                    resource=code,
                    department=department,
                    items=tuple(items),
                    row_filter=row_filter,
                    purpose=purpose,
                    basis=basis,
                    scenario=scenario,
                    mode=mode,
                    until_ms=until_ms,
                    handler=handler,
                    approver=approver,
                    contact=contact,
                    group=group,
                )
                made.append(_apply(tx, wish, files, draft))
            return {**made[0], "group": group, "cases": made}

        return await self.app.station.write(job)

    async def submit(self, case: str) -> dict[str, Any]:
        state = await self.app.station.write(lambda tx: cases.submit(tx, case))
        return {"case": case, "state": state.value}

    async def complete(
        self,
        case: str,
        note: str = "",
        changes: dict[str, str] = {},  # noqa: B006  # as `items` above
        attachments: Files = [],  # noqa: B006
    ) -> dict[str, Any]:
        """`changes`: fields of the application that are text, by name."""
        files, changed = _files(attachments), _changes(changes)
        state = await self.app.station.write(
            lambda tx: cases.complete(tx, case, changed, files, note)
        )
        return {"case": case, "state": state.value}

    async def agree(self, case: str, handler: str, approver: str) -> dict[str, Any]:
        """Accept the conditions of use of a grant."""
        state = await self.app.station.write(lambda tx: cases.agree(tx, case, handler, approver))
        return {"case": case, "state": state.value}

    async def negotiate(
        self, case: str, reason: str, handler: str, approver: str
    ) -> dict[str, Any]:
        state = await self.app.station.write(
            lambda tx: disputing.negotiate(tx, case, reason, handler, approver)
        )
        return {"case": case, "state": state.value}

    async def coordinate(
        self, case: str, reason: str, handler: str, approver: str
    ) -> dict[str, Any]:
        state = await self.app.station.write(
            lambda tx: disputing.coordinate(tx, case, reason, handler, approver)
        )
        return {"case": case, "state": state.value}

    async def withdraw(self, case: str, reason: str, handler: str) -> dict[str, Any]:
        state = await self.app.station.write(lambda tx: cases.withdraw(tx, case, reason, handler))
        return {"case": case, "state": state.value}

    # --- the provider ---

    async def grant(
        self,
        case: str,
        items: list[str],
        handler: str,
        approver: str,
        conditions: str = "",
        until_ms: int = 0,
        masks: dict[str, str] = {},  # noqa: B006  # as `items` above
    ) -> dict[str, Any]:
        hidden = [Mask(column, mask) for column, mask in masks.items()]

        def job(tx: Tx) -> dict[str, Any]:
            grant = cases.answer_yes(
                tx, case, items, handler, approver, conditions, until_ms, hidden
            )
            feed = grants_held.row(tx, grant).feed
            state = cases.find(tx.conn, case).state
            return {"case": case, "state": state, "grant": grant, "feed": feed}

        return await self.app.station.write(job)

    async def refuse(
        self,
        case: str,
        reason: str,
        handler: str,
        approver: str,
        ground_kind: str = "",
        ground: str = "",
    ) -> dict[str, Any]:
        state = await self.app.station.write(
            lambda tx: cases.answer_no(tx, case, reason, handler, approver, ground_kind, ground)
        )
        return {"case": case, "state": state.value}

    async def accept(self, case: str, handler: str) -> dict[str, Any]:
        state = await self.app.station.write(lambda tx: cases.accept(tx, case, handler))
        return {"case": case, "state": state.value}

    async def return_(
        self, case: str, missing: list[str], handler: str, approver: str
    ) -> dict[str, Any]:
        state = await self.app.station.write(
            lambda tx: cases.return_(tx, case, missing, handler, approver)
        )
        return {"case": case, "state": state.value}

    async def extend(self, case: str, reason: str, handler: str, approver: str) -> dict[str, Any]:
        """Ask the authority for more time."""
        state = await self.app.station.write(
            lambda tx: cases.ask_extension(tx, case, reason, handler, approver)
        )
        return {"case": case, "state": state.value}

    # --- either side ---

    async def disagree(
        self, case: str, reason: str, handler: str, approver: str, side: SideName = ""
    ) -> dict[str, Any]:
        own = Side(side) if side else None
        state = await self.app.station.write(
            lambda tx: disputing.disagree(tx, case, reason, handler, approver, own)
        )
        return {"case": case, "state": state.value}

    async def sign(self, case: str, handler: str, side: SideName = "") -> dict[str, Any]:
        """Sign for receipt (签收)."""
        own = Side(side) if side else None
        state = await self.app.station.write(lambda tx: disputing.sign(tx, case, handler, own))
        return {"case": case, "state": state.value}

    async def listed(
        self,
        role: CaseRole = "all",
        state: str | None = None,
        group: str = "",
        limit: int | None = LISTED,
        offset: int = 0,
    ) -> dict[str, Any]:
        """The newest first, from `offset` on; `limit` None: all. `total`: how many there are."""
        sought = store.Sought(role, state, group)
        most = None if limit is None else max(0, limit)

        def read(conn: Connection) -> dict[str, Any]:
            rows = store.listed(conn, sought, most, max(0, offset))
            names = resource_names(conn, {row.resource for row in rows})
            return {
                "cases": [case_of(row, names[row.resource]) for row in rows],
                "total": store.count(conn, sought),
            }

        return await self.app.station.read(read)

    async def show(self, case: str) -> dict[str, Any]:
        return await self.app.station.read(lambda conn: shown(conn, case))

    async def attachment(self, case: str, position: int) -> dict[str, Any]:
        """A scan of an application; positions count from 0."""
        suite = self.app.station.parts.identity.suite

        def read(conn: Connection) -> dict[str, Any]:
            named = decode(cases.find(conn, case).application, Application).attachments
            content = attachments.content(conn, suite, case, position, named)
            return {**described(named[position]), "content": base64.b64encode(content).decode()}

        return await self.app.station.read(read)

    async def paper(self, case: str, paper: PaperName = "application") -> dict[str, Any]:
        """The application, or the newest answer to it, as a page to be printed."""
        trust = self.app.station.parts.trust.current
        make = papers.application if paper == "application" else papers.answer
        page = await self.app.station.read(lambda conn: make(papers.gather(conn, trust, case)))
        return {"case": case, "paper": paper, "page": page}


def _files(given: Files) -> list[tuple[str, bytes]]:
    found = []
    for each in given:
        name = each.get("name", "")
        try:
            found.append((name, base64.b64decode(each.get("content", ""), validate=True)))
        except ValueError:
            raise CaseAttachment(name=name, detail="its content is no base64") from None
    return found


_CHANGEABLE = frozenset(
    ("row_filter", "purpose", "basis", "scenario", "mode", "handler", "approver", "contact")
)


def _changes(given: Mapping[str, str]) -> dict[str, Any]:
    unknown = sorted(set(given) - _CHANGEABLE)
    if unknown:
        raise CaseField(field=unknown[0], detail="not one that a completion changes")
    return dict(given)


def _apply(tx: Tx, wish: Wish, files: Sequence[tuple[str, bytes]], drafted: bool) -> dict[str, Any]:
    entry = catalog.entry(tx.conn, wish.resource)
    if entry.share_type == UNCONDITIONAL:
        raise CatalogShareType(
            resource=entry.code, share_type="无条件共享", detail="subscribe, no application needed"
        )
    if drafted:
        case = cases.draft(tx, wish, files)
        return {"case": case, "provider": entry.provider, "state": "draft", "joined": False}
    joined = cases.same_open(tx.conn, wish) is not None
    case = cases.apply(tx, wish, files)
    state = cases.find(tx.conn, case).state
    return {"case": case, "provider": entry.provider, "state": state, "joined": joined}


def shown(conn: Connection, case: str) -> dict[str, Any]:
    """A case with all that happened to it, what runs, and what may be done next."""
    row = cases.find(conn, case)
    names = ("time_ms", "legal_ms", "event", "party", "side", "by", "reason", "status", "error")
    application = decode(row.application, Application)
    return {
        "case": case_of(row, resource_name(conn, row.resource)),
        "application": msgspec.to_builtins(application),
        "attachments": [described(each) for each in application.attachments],
        "answer": msgspec.to_builtins(decode(row.answer, Answer)) if row.answer else None,
        "events": [
            {name: getattr(event, name) for name in names} for event in cases.history(conn, case)
        ],
        "clocks": clocks_of(conn, case),
        "parts_here": attachments.here(conn, case),
        "open": _open(row),
    }


def _open(row: Row[Any]) -> dict[str, list[str]]:
    """What each side of this station may do now, as far as the table says."""
    sides = [Side.APPLICANT, Side.PROVIDER, Side.AUTHORITY]
    if row.role != store.BOTH:
        sides = [Side.APPLICANT if row.role == store.APPLICANT else Side.PROVIDER]
    return {
        side.value: [event.value for event in open_events(State(row.state), side)] for side in sides
    }


def case_of(row: Row[Any], resource_name: str) -> dict[str, Any]:
    application = decode(row.application, Application)
    return {
        "case": row.case,
        "role": row.role,
        "resource": row.resource,
        "resource_name": resource_name,
        "applicant": row.applicant,
        "department": row.department,
        "department_name": application.department_name,
        "provider": row.provider,
        "purpose": application.purpose,
        "state": row.state,
        "opened_ms": row.opened_ms,
        "notarised": row.notarised,
        "changed_ms": row.changed_ms,
        "grant": row.grant,
        "reason": row.reason,
        "group": row.group,
        "share_type": row.share_type,
        "noted_state": row.noted_state,
    }
