"""What a party does with the letters of supervision."""

from __future__ import annotations

from collections.abc import Mapping

from ortoo_protocol.station.context import ClockHook, Handler, SettledLetter, Tx
from ortoo_protocol.station.supervision import due, notices, submitting


def handlers() -> Mapping[str, Handler]:
    return {
        "notice.issued": notices.on_issued,
        "notice.moved": notices.on_moved,
        "submission.called": submitting.on_called,
        "submission.sent": submitting.on_sent,
        "submission.decided": submitting.on_decided,
    }


def on_settled(tx: Tx, letter: SettledLetter) -> None:
    notices.on_settled(tx, letter)
    submitting.on_settled(tx, letter)


def clocks() -> Mapping[str, ClockHook]:
    return {due.RECTIFY: due.on_clock, due.SUBMIT: due.on_clock}
