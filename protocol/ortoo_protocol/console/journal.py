"""The journal (日志, 存证): page by page, one entry and what it proves, proofs to be handed out."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.console import Section
from ortoo_protocol.console.downloads import attachment
from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.console.showing import DAY_MS, day_begin_ms
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.messages import KINDS
from ortoo_protocol.i18n import mark

PAGE = 50
ACT = "act"  # of what people did (station/accounts/acts)
MOST_NUMBER = 1 << 52
MENU = (Section("/journal", mark("Journal and proofs"), Right.AUDIT),)
router = APIRouter()
Word = Annotated[str, Query(max_length=200)]
Size = Annotated[int, Query(ge=0, le=MOST_NUMBER)]

# What an entry says, by what was done with what.
SAYS = {
    ("sent", "accepted"): mark("This party signed the message and gave it to be sent."),
    ("sent", "queried"): mark("This party sent it and keeps no copy: it asks or answers."),
    ("received", "accepted"): mark(
        "It came signed by a member whose key stood in the directory, and was taken in."
    ),
    ("received", "applied"): mark("What it brought has been written where it goes."),
    ("received", "refused"): mark("It came and was refused; the code says why."),
    ("received", "queried"): mark("It came and was answered or taken at once; no copy is kept."),
    ("local", "accepted"): mark(
        "Somebody did this here. Who and what stands among what people did, tied to this entry by"
        " its hash."
    ),
    ("local", "refused"): mark("Somebody tried this here and was refused."),
}


@router.get("/journal")
async def listed(
    page: OwnPage,
    kind: Word = "",
    party: Word = "",
    flow: Word = "",
    resource: Word = "",
    since: Word = "",
    until: Word = "",
    refused: bool = False,
    before: Size = 0,
) -> Response:
    """Pages go by the number of the last row that was looked at: new ones do not move them."""
    last_ms = day_begin_ms(until)
    asked = {"kind": kind, "party": party, "flow": flow, "resource": resource}
    asked = {name: value.strip() for name, value in asked.items()}
    found = await page.call(
        "journal.search",
        **asked,
        since_ms=day_begin_ms(since),
        until_ms=last_ms + DAY_MS if last_ms else 0,
        refused=refused,
        before=before,
        count=PAGE,
    )
    typed: dict[str, Any] = {**asked, "since": since, "until": until, "refused": refused}
    return page.render(
        "journal.html",
        found=found,
        asked=typed,
        sought={name: "1" if value is True else value for name, value in typed.items() if value},
        before=before,
        kinds=[ACT, *(each.name for each in KINDS)],
        offers=page.offers("journal.verify"),
    )


@router.get("/journal/entries/{seq}")
async def entry(page: OwnPage, seq: int) -> Response:
    shown = await page.call("journal.entry", seq=seq)
    one = shown["entry"]
    proof = None
    if one["checkpoint"] is not None:
        proof = await page.call("journal.proof", seq=seq, size=one["checkpoint"]["size"])
    says = SAYS.get((one["direction"], one["state"]), "")
    return page.render("journal-entry.html", entry=one, size=shown["size"], proof=proof, says=says)


@router.get("/journal/entries/{seq}/proof")
async def proof(page: OwnPage, seq: int, size: Size = 0) -> Response:
    """As a file, for whoever has to be shown it."""
    made = await page.call("journal.proof", seq=seq, size=size)
    return _as_file(page, f"entry-{seq}-of-{made['size']}", made)


@router.get("/journal/checkpoints")
async def checkpoints(page: OwnPage, before: Size = 0) -> Response:
    found = await page.call("journal.checkpoints", before=before, count=PAGE)
    return page.render("journal-checkpoints.html", found=found, before=before)


@router.get("/journal/consistency")
async def consistency(page: OwnPage, first: Size, second: Size = 0) -> Response:
    """That the journal of the younger checkpoint begins with all of the older."""
    found = await page.call("journal.consistency", first=first, second=second)
    checked = await page.call("journal.check", document=found)
    return page.render("journal-consistency.html", found=found, checked=checked)


@router.get("/journal/consistency/proof")
async def consistency_file(page: OwnPage, first: Size, second: Size = 0) -> Response:
    made = await page.call("journal.consistency", first=first, second=second)
    return _as_file(page, f"consistency-{made['first']}-{made['second']}", made)


def _as_file(page: OwnPage, name: str, made: dict[str, Any]) -> Response:
    content = msgspec.json.format(msgspec.json.encode(made), indent=2)
    party = page.console.station.party
    return attachment(f"{party}-{name}.json", content, "application/json")


ACTIONS = (
    Action(
        "journal.verify",
        mark("Verify all now"),
        Right.AUDIT,
        (),
        back="/journal",
        note=mark(
            "Computes the tree again from every row and holds every signed checkpoint against it."
            " With many rows it takes a while; exchange goes on meanwhile."
        ),
        shows="journal-verified.html",
    ),
)
