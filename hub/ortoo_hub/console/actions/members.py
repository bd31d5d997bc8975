"""Who takes part: admitted, suspended, let in again, in a directory that registrars sign."""

from __future__ import annotations

from typing import Any

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.directory import DAY_MS
from ortoo_protocol.i18n import mark

_PARTY = Field("party", mark("Station"), "hidden")
_REASON = Field("reason", mark("Reason"), "long", hint=mark("It stands in the directory."))
_NEXT = mark(
    "It stands in the next directory: propose that, have the registrars sign it offline, and"
    " publish it. Until then nothing changes."
)


def _request(params: dict[str, Any]) -> dict[str, Any]:
    fingerprint = "".join(str(params["fingerprint"]).split()).lower()
    return {"request": params["request"]["content"], "fingerprint": fingerprint}


def _since(params: dict[str, Any]) -> dict[str, Any]:
    """The beginning of the day whose end the form gives."""
    return {**params, "since_ms": params["since_ms"] + 1 - DAY_MS}


def _document(params: dict[str, Any]) -> dict[str, Any]:
    return {"document": params["document"]["content"]}


ACTIONS = (
    Action(
        "member.token",
        mark("Make an enrolment token"),
        Right.OPERATE,
        (
            Field("party", mark("Station"), hint=mark("Such as s150700.")),
            Field("days", mark("Good for days"), "number", default="7"),
        ),
        back="/directory",
        subject="party",
        note=mark("It is good once. Give it to the station's operator by another way than mail."),
        shows="token.html",
    ),
    Action(
        "member.admit",
        mark("Admit a station"),
        Right.OPERATE,
        (
            Field("request", mark("The station's request file"), "file"),
            Field(
                "fingerprint",
                mark("Fingerprint of the request"),
                hint=mark("As the station's operator reads it out by telephone; do not copy it."),
            ),
        ),
        back="/directory/{party}",
        note=_NEXT,
        prepare=_request,
    ),
    Action(
        "member.suspend",
        mark("Suspend"),
        Right.OPERATE,
        (_PARTY, _REASON),
        back="/directory/{party}",
        subject="party",
        note=mark(
            "It stands in the next directory: propose that, have the registrars sign it offline,"
            " and publish it. From then on the station can send and read nothing."
        ),
        danger=True,
    ),
    Action(
        "member.restore",
        mark("Let in again"),
        Right.OPERATE,
        (_PARTY, _REASON),
        back="/directory/{party}",
        subject="party",
        note=_NEXT,
    ),
    Action(
        "member.revoke",
        mark("Revoke"),
        Right.OPERATE,
        (_PARTY, _REASON),
        back="/directory/{party}",
        subject="party",
        note=mark(
            "It stands in the next directory: propose that, have the registrars sign it offline,"
            " and publish it. From then on the station is no member, and its grants have ended."
        ),
        danger=True,
    ),
    Action(
        "member.compromise",
        mark("Keys in wrong hands"),
        Right.OPERATE,
        (
            _PARTY,
            Field("since_ms", mark("Since when others may have had the key"), "day"),
        ),
        back="/directory/{party}",
        subject="party",
        note=mark(
            "It stands in the next directory: propose that, have the registrars sign it offline,"
            " and publish it. All feeds that the station reads get new keys. It makes new keys"
            " itself and is admitted again."
        ),
        danger=True,
        prepare=_since,
    ),
    Action(
        "member.welcome",
        mark("Make the welcome file"),
        Right.OPERATE,
        (_PARTY,),
        back="/directory/{party}",
        subject="party",
        note=mark(
            "The file holds a new password for the broker, sealed for this station; an earlier one"
            " ends. The root's fingerprint is read out by telephone."
        ),
        shows="welcome.html",
    ),
    Action(
        "directory.propose",
        mark("Propose the next directory"),
        Right.OPERATE,
        (),
        back="/directory",
        note=mark("Makes the document that the registrars sign offline. Nothing changes yet."),
        shows="proposed.html",
    ),
    Action(
        "directory.publish",
        mark("Publish a signed directory"),
        Right.OPERATE,
        (Field("document", mark("The signed document"), "file"),),
        back="/directory",
        note=mark(
            "A directory, or the next root. It is in force at once, for every member, and cannot be"
            " taken back: what is wrong in it the next one sets right."
        ),
        danger=True,
        prepare=_document,
    ),
)
