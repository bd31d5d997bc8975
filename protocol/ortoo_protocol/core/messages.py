"""The kinds of message, as one table (SPEC.md, chapter 6). A new feature is a new row here.

Class says who can read it, carrier and route how it travels, senders who may make it.
The first part of the content is always the kind's `shape`; `rows` kinds carry further parts.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ortoo_protocol.core import cases, catalog, demands, feeds, files, grants, notices, queries
from ortoo_protocol.core.catalog import claims, freshness, lists
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.corrections import (
    CorrectionAnswered,
    CorrectionClosed,
    CorrectionDetail,
    CorrectionEvidence,
    CorrectionRaised,
)
from ortoo_protocol.core.dispatch import Dispatch
from ortoo_protocol.core.errors import EnvelopeKind
from ortoo_protocol.core.gazette import Announcement, AnnouncementWithdrawn
from ortoo_protocol.core.law.contacts import ContactReport
from ortoo_protocol.core.law.workdays import CalendarYears
from ortoo_protocol.core.supervision import notices as written
from ortoo_protocol.core.supervision import submissions
from ortoo_protocol.core.use import ending, onward, records, suspension

DAY_MS = 86_400_000
LETTER_LIFE_MS = 60 * DAY_MS


class Class(enum.Enum):
    OPEN = "open"  # every member of the plane
    NOTARISED = "notarised"  # the peer and the hub
    SEALED = "sealed"  # the peer, or the feed's readers, alone


class Route(enum.Enum):
    HUB = "hub"  # exchange hub; the hub records it and passes the same bytes on
    DIRECT = "direct"  # exchange letters, between parties that a grant joins; no hub process
    BULK = "bulk"  # exchange bulk, likewise
    QUICK = "quick"  # exchange quick, likewise: calls that somebody waits for, kept by nobody
    FEED = "feed"  # exchange feeds


@dataclass(frozen=True)
class Kind:
    """`durable`: outbox until the recipient's receipt. Else made again when asked for. `lean`: long
    parts of what is signed as a whole elsewhere (envelope.py)."""

    name: str
    cls: Class
    route: Route
    senders: str  # s stations, h the hub
    shape: type[Shape]
    durable: bool = False
    rows: bool = False
    lean: bool = False

    @property
    def item(self) -> bool:
        """Numbered in a feed; a head travels on a feed's route without being an item."""
        return self.route is Route.FEED and self.shape is not feeds.Head


_OPEN, _NOTARISED, _SEALED = Class.OPEN, Class.NOTARISED, Class.SEALED

KINDS: tuple[Kind, ...] = (
    Kind("receipt.hub", _OPEN, Route.HUB, "sh", notices.Receipts),
    Kind("receipt.direct", _OPEN, Route.DIRECT, "s", notices.Receipts),
    Kind("trust.ask", _OPEN, Route.HUB, "s", notices.TrustAsk),
    Kind("trust.answer", _OPEN, Route.HUB, "h", notices.TrustUpdate),
    Kind("trust.announce", _OPEN, Route.HUB, "s", notices.Announce, durable=True),
    Kind("trust.update", _OPEN, Route.FEED, "h", notices.TrustUpdate),
    Kind("calendar.years", _OPEN, Route.FEED, "h", CalendarYears),
    Kind("announcement.issued", _OPEN, Route.FEED, "h", Announcement),
    Kind("announcement.withdrawn", _OPEN, Route.FEED, "h", AnnouncementWithdrawn),
    Kind("catalog.entry", _OPEN, Route.FEED, "s", catalog.Entry),
    Kind("catalog.list", _OPEN, Route.FEED, "s", lists.ListEntry),
    Kind("catalog.carried", _OPEN, Route.FEED, "s", freshness.Carried),
    Kind("catalog.federated", _OPEN, Route.FEED, "h", catalog.Federated),
    Kind("catalog.refused", _OPEN, Route.HUB, "h", catalog.Refusal, durable=True),
    Kind("catalog.conflict", _OPEN, Route.HUB, "h", claims.Conflict, durable=True),
    Kind("journal.checkpoint", _OPEN, Route.HUB, "sh", notices.Checkpoint),
    Kind("journal.cosigned", _OPEN, Route.HUB, "sh", notices.Cosigned),
    Kind("journal.witness", _OPEN, Route.HUB, "s", notices.WitnessAsk),
    Kind("proof.ask", _OPEN, Route.HUB, "h", feeds.ProofAsk, durable=True),
    Kind("proof.answer", _OPEN, Route.HUB, "s", feeds.ProofAnswer, durable=True),
    Kind("case.application", _NOTARISED, Route.HUB, "s", cases.Application, durable=True),
    Kind("case.answer", _NOTARISED, Route.HUB, "s", cases.Answer, durable=True),
    Kind("case.withdrawal", _NOTARISED, Route.HUB, "s", cases.Withdrawal, durable=True),
    Kind("case.completion", _NOTARISED, Route.HUB, "s", cases.Completion, durable=True),
    Kind("case.step", _NOTARISED, Route.HUB, "s", cases.CaseStep, durable=True),
    Kind("case.ruling", _NOTARISED, Route.HUB, "sh", cases.Ruling, durable=True),
    Kind("case.records", _NOTARISED, Route.HUB, "h", cases.Records, durable=True),
    Kind("case.standings", _NOTARISED, Route.HUB, "s", cases.Standings, durable=True),
    Kind("case.compared", _NOTARISED, Route.HUB, "h", cases.Compared, durable=True),
    Kind(
        "case.attachment", _NOTARISED, Route.HUB, "s", cases.AttachmentPart, durable=True, rows=True
    ),
    Kind("demand.assigned", _NOTARISED, Route.HUB, "sh", demands.Assignment, durable=True),
    Kind("demand.answer", _NOTARISED, Route.HUB, "s", demands.DemandAnswer, durable=True),
    Kind("grant.issued", _NOTARISED, Route.HUB, "s", grants.GrantTerms, durable=True),
    Kind("grant.ended", _NOTARISED, Route.HUB, "s", grants.GrantEnded, durable=True),
    Kind("stop.filing", _NOTARISED, Route.HUB, "s", grants.StopFiling, durable=True),
    Kind("contact.report", _NOTARISED, Route.HUB, "s", ContactReport, durable=True),
    Kind("notice.issued", _NOTARISED, Route.HUB, "sh", written.NoticeIssued, durable=True),
    Kind("notice.moved", _NOTARISED, Route.HUB, "sh", written.NoticeMoved, durable=True),
    Kind(
        "submission.called", _NOTARISED, Route.HUB, "sh", submissions.SubmissionCalled, durable=True
    ),
    Kind("submission.sent", _NOTARISED, Route.HUB, "s", submissions.SubmissionSent, durable=True),
    Kind(
        "submission.decided",
        _NOTARISED,
        Route.HUB,
        "sh",
        submissions.SubmissionDecided,
        durable=True,
    ),
    Kind("grant.suspended", _NOTARISED, Route.HUB, "sh", suspension.GrantSuspended, durable=True),
    Kind("grant.rectified", _NOTARISED, Route.HUB, "s", suspension.GrantRectified, durable=True),
    Kind("grant.resumed", _NOTARISED, Route.HUB, "sh", suspension.GrantResumed, durable=True),
    Kind("grant.terminate", _NOTARISED, Route.HUB, "h", suspension.GrantTermination, durable=True),
    Kind("grant.ending", _NOTARISED, Route.HUB, "s", ending.GrantEnding, durable=True),
    Kind("grant.ending-answer", _NOTARISED, Route.HUB, "s", ending.GrantEndingAnswer, durable=True),
    Kind("grant.kept", _NOTARISED, Route.HUB, "s", ending.GrantKept, durable=True),
    Kind("use.ask", _NOTARISED, Route.HUB, "sh", records.UseAsk, durable=True),
    Kind("use.records", _NOTARISED, Route.HUB, "s", records.UseRecords, durable=True),
    Kind("disposal.declared", _NOTARISED, Route.HUB, "s", records.DisposalDeclared, durable=True),
    Kind("disposal.asked", _NOTARISED, Route.HUB, "s", records.DisposalAsked, durable=True),
    Kind("disposal.done", _NOTARISED, Route.HUB, "s", records.DisposalDone, durable=True),
    Kind("onward.ask", _NOTARISED, Route.HUB, "s", onward.OnwardAsk, durable=True),
    Kind("onward.answer", _NOTARISED, Route.HUB, "s", onward.OnwardAnswer, durable=True),
    Kind("onward.revoked", _NOTARISED, Route.HUB, "s", onward.OnwardRevoked, durable=True),
    Kind("correction.raised", _NOTARISED, Route.HUB, "s", CorrectionRaised, durable=True),
    Kind("correction.answered", _NOTARISED, Route.HUB, "s", CorrectionAnswered, durable=True),
    Kind("correction.closed", _NOTARISED, Route.HUB, "s", CorrectionClosed, durable=True),
    Kind("correction.detail", _SEALED, Route.HUB, "s", CorrectionDetail, durable=True, rows=True),
    Kind(
        "correction.evidence", _SEALED, Route.HUB, "s", CorrectionEvidence, durable=True, rows=True
    ),
    Kind("dispatch.sent", _SEALED, Route.DIRECT, "s", Dispatch, durable=True, rows=True),
    Kind("feed.head", _OPEN, Route.FEED, "sh", feeds.Head),
    Kind("feed.head-ask", _OPEN, Route.DIRECT, "sh", feeds.HeadAsk),
    Kind("feed.head-answer", _OPEN, Route.DIRECT, "sh", feeds.Head),
    Kind("feed.items-ask", _OPEN, Route.DIRECT, "sh", feeds.ItemsAsk),
    Kind("feed.snapshot-ask", _OPEN, Route.DIRECT, "s", feeds.SnapshotAsk),
    Kind("feed.snapshot", _SEALED, Route.BULK, "s", feeds.SnapshotPart, rows=True),
    Kind("feed.key", _SEALED, Route.DIRECT, "s", feeds.FeedKey, durable=True),
    Kind("feed.key-ask", _OPEN, Route.DIRECT, "s", feeds.KeyAsk),
    Kind("feed.refusal", _OPEN, Route.DIRECT, "sh", feeds.FeedRefusal),
    Kind("query.ask", _SEALED, Route.QUICK, "s", queries.QueryAsk),
    Kind("query.more", _SEALED, Route.QUICK, "s", queries.QueryMore),
    Kind("query.page", _SEALED, Route.QUICK, "s", queries.QueryPage, rows=True),
    Kind("query.bulk", _SEALED, Route.BULK, "s", queries.QueryPage, rows=True),
    Kind("query.refusal", _SEALED, Route.QUICK, "s", queries.QueryRefusal),
    Kind("query.describe", _SEALED, Route.QUICK, "s", queries.QueryDescribe),
    Kind("query.described", _SEALED, Route.QUICK, "s", queries.QueryDescribed),
    Kind("table.schema", _SEALED, Route.FEED, "s", feeds.TableSchema),
    Kind("table.rows", _SEALED, Route.FEED, "s", feeds.TableRows, rows=True),
    Kind("event.rows", _SEALED, Route.FEED, "s", feeds.EventRows, rows=True),
    Kind("file.ask", _SEALED, Route.DIRECT, "s", files.FileAsk),
    Kind("file.manifest", _SEALED, Route.DIRECT, "s", files.FileManifest),
    Kind("file.chunk", _SEALED, Route.BULK, "s", files.FileChunk, rows=True, lean=True),
    Kind("file.refusal", _SEALED, Route.DIRECT, "s", files.FileRefusal),
    Kind("file.order", _SEALED, Route.DIRECT, "s", files.FileOrder, durable=True),
    Kind("file.made", _SEALED, Route.DIRECT, "s", files.FileMade, durable=True),
    Kind("file.not-made", _SEALED, Route.DIRECT, "s", files.FileNotMade, durable=True),
)

_BY_NAME = {kind.name: kind for kind in KINDS}
_BY_SHAPE = {
    kind.shape: kind
    for kind in KINDS
    if kind.shape not in (notices.Receipts, notices.TrustUpdate, feeds.Head, queries.QueryPage)
}


def kind_named(name: str) -> Kind:
    try:
        return _BY_NAME[name]
    except KeyError:
        raise EnvelopeKind(kind=name, detail="no such kind") from None


def kind_of(body: Shape) -> Kind:
    """The one kind whose body has this shape; shapes that several kinds share must be named."""
    try:
        return _BY_SHAPE[type(body)]
    except KeyError:
        raise EnvelopeKind(kind=type(body).__name__, detail="name the kind") from None


# Recovered items travel unmodified, under this routing kind, to the asker alone.
AGAIN = "feed.again"


def address(kind: Kind, sender: str, recipient: str, hub: str) -> tuple[str, str]:
    """(exchange, routing key) of a letter. What is for the hub goes to the hub's exchange; what
    the hub sends goes straight to the inbox."""
    if recipient == hub:
        return "hub", f"{sender}.{kind.name}"
    if kind.route is Route.HUB and sender != hub:
        return "hub", f"{sender}.{kind.name}"
    return _EXCHANGES.get(kind.route, "letters"), f"{sender}.{recipient}.{kind.name}"


_EXCHANGES = {Route.BULK: "bulk", Route.QUICK: "quick"}
