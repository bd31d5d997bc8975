"""What a checked bundle proves, who signed it, and what it cannot prove: in words, line by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ortoo_protocol.core.directory import moment
from ortoo_protocol.core.evidence_report import (
    NOT_KEPT,
    SIGNED,
    WHOLE,
    CheckedGrant,
    CheckedOpening,
    CheckedRow,
    Report,
)
from ortoo_protocol.core.journal import journal_origin
from ortoo_protocol.i18n import Translator, mark

LIMITS = (
    mark(
        "Times of rows are the word of the party whose journal it is, times of messages that of"
        " their senders: a signature shows who said it, not when."
    ),
    mark(
        "The bundle shows what this journal says; what was never written into it, no proof finds."
    ),
    mark("What a sealed message says is shown for opened parts alone."),
)
CHOSEN = mark(
    "That no other row fits what was asked for is said by {party}, which signed the list; a range"
    " of rows without gaps would prove it."
)
NOT_COSIGNED = mark(
    "No other party signed the journal's root: that {party} shows the same journal to everybody is"
    " not proven."
)


def lines(say: Translator, report: Report) -> Iterator[str]:
    yield from _head(say, report)
    for finding in report.findings:
        what, _ = say.error(finding.error)
        yield say("WRONG: {file}: {what} [{code}]", file=finding.file, what=what,
                  code=finding.error.code)  # fmt: skip
    yield ""
    for row in report.rows:
        yield _row(say, row)
    yield from _more(say, report)
    yield ""
    yield from _limits(say, report)
    yield ""
    yield _outcome(say, report)


def _head(say: Translator, report: Report) -> Iterator[str]:
    claimed = report.evidence
    yield say(
        "Evidence of {party} ({plane}), signed by it; list and files agree.",
        party=claimed.party, plane=say.text(claimed.plane.value),
    )  # fmt: skip
    yield say(
        "Trust: {roots} roots from the pinned one on; directories {directories}.",
        roots=report.roots, directories=", ".join(map(str, report.directories)),
    )  # fmt: skip
    for opened in report.checkpoints:
        yield say(
            "Journal of {size} rows, root {root}, signed by {party}.",
            size=opened.checkpoint.size, root=opened.checkpoint.root.hex(), party=claimed.party,
        )  # fmt: skip
        if opened.cosigners:
            names = ", ".join(name.rpartition("/")[2] for name in opened.cosigners)
            yield say("  Its growth was checked and cosigned by {names}.", names=names)


def _row(say: Translator, checked: CheckedRow) -> str:
    row, header = checked.row, checked.header
    facts = {
        "seq": row.seq,
        "time": moment(row.time_ms),
        "direction": say.text(row.direction.name.lower()),
        "state": say.text(row.state.name.lower()),
        "kind": row.kind or "-",
        "sender": row.sender or "-",
        "to": "-" if header is None else header.destination,
    }
    line = say("Row {seq}, {time}: {direction}, {state}: {kind} from {sender} to {to}", **facts)
    if row.error:
        line += f" [{row.error}]"
    if header is not None and header.position is not None:
        line += say("; item {item}", item=header.position.seq)
    if checked.signature == SIGNED and header is not None:
        made = moment(header.created_ms)
        line += say("; signed by {sender}, which dates it {made}", sender=row.sender, made=made)
    elif checked.signature == NOT_KEPT:
        line += say("; the signature cannot be checked: not all that it covers was kept")
    if checked.message == WHOLE:
        line += say("; the message is here, whole")
    return line


def _more(say: Translator, report: Report) -> Iterator[str]:
    for feed, count in sorted(report.chained.items()):
        yield say(
            "Feed {feed}: {count} items name by hash the one before: none between was taken out.",
            feed=feed, count=count,
        )  # fmt: skip
    for grant in report.grants:
        yield _grant(say, grant)
    for opening in report.openings:
        yield _opening(say, opening)


def _grant(say: Translator, checked: CheckedGrant) -> str:
    terms = checked.terms
    line = say(
        "Grant {grant}: {provider} lets {reader} read {feed}, for: {purpose}",
        grant=terms.grant, provider=terms.provider, reader=terms.reader, feed=terms.feed,
        purpose=terms.purpose,
    )  # fmt: skip
    if checked.by_letter:
        return line + say("; its terms are those of the letter that {by} signed", by=terms.provider)
    return line + say("; its terms are shown by this bundle alone")


def _opening(say: Translator, opened: CheckedOpening) -> str:
    return say(
        "Row {row}, opened: part {index} of {count} of item {item} of {feed}, which {sender}"
        " signed, is {values}; the other parts stay closed.",
        row=opened.row, index=opened.index, count=opened.count, item=opened.item, feed=opened.feed,
        sender=opened.sender, values=opened.values,
    )  # fmt: skip


def _limits(say: Translator, report: Report) -> Iterator[str]:
    yield say("What this does not prove:")
    for limit in LIMITS:
        yield "- " + say(limit)
    if not report.evidence.selection.whole:
        yield "- " + say(CHOSEN, party=report.evidence.party)
    if not any(opened.cosigners for opened in report.checkpoints):
        yield "- " + say(NOT_COSIGNED, party=report.evidence.party)


def _outcome(say: Translator, report: Report) -> str:
    if report.findings:
        return say("{count} things do not hold: this proves nothing.", count=len(report.findings))
    counted = Counter(row.signature for row in report.rows)
    return say(
        "Everything holds: {rows} rows stand in the journal, {signed} of their messages are"
        " signed.",
        rows=len(report.rows), signed=counted[SIGNED],
    )  # fmt: skip


def as_json(report: Report) -> dict[str, object]:
    """What programs read of it."""
    claimed = report.evidence
    return {
        "holds": not report.findings,
        "party": claimed.party,
        "plane": claimed.plane.value,
        "origin": journal_origin(claimed.plane, claimed.party),
        "directories": list(report.directories),
        "checkpoints": [
            {"size": each.checkpoint.size, "root": each.checkpoint.root.hex(),
             "cosigners": list(each.cosigners)}
            for each in report.checkpoints
        ],
        "rows": [
            {"seq": each.row.seq, "kind": each.row.kind, "sender": each.row.sender,
             "time_ms": each.row.time_ms, "envelope": each.row.envelope_id.hex(),
             "signature": each.signature, "message": each.message}
            for each in report.rows
        ],
        "grants": [
            {"grant": each.terms.grant, "by_letter": each.by_letter} for each in report.grants
        ],
        "openings": [
            {"row": each.row, "item": each.item, "feed": each.feed, "index": each.index,
             "values": each.values}
            for each in report.openings
        ],
        "findings": [
            {"file": each.file, "code": each.error.code, "what": str(each.error)}
            for each in report.findings
        ],
    }  # fmt: skip
