"""Making a bundle of evidence (core/evidence.py) from the journal of this party."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Row, or_, select

from ortoo_protocol.core import evidence as form
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.directory import sign_document
from ortoo_protocol.core.errors import EvidenceNothing, EvidenceTooMuch, JournalNone
from ortoo_protocol.core.evidence import (
    Evidence,
    Opening,
    Path,
    ProvenRow,
    Selection,
    ShownGrant,
)
from ortoo_protocol.core.journal import journal_origin
from ortoo_protocol.core.keys import Suite
from ortoo_protocol.station.context import Parts
from ortoo_protocol.station.journal import raws
from ortoo_protocol.station.journal.searching import header_of
from ortoo_protocol.station.store import journal_rows
from ortoo_protocol.station.store.tables import checkpoints, directories_kept, grants, journal

MOST_GRANTS = 1_000


@dataclass
class Gathering:
    """One bundle in the making. `openings`: parts of sealed messages that are to be shown."""

    conn: Connection
    parts: Parts
    selection: Selection
    openings: Sequence[Opening] = ()
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def suite(self) -> Suite:
        return self.parts.identity.suite

    def gather(self) -> dict[str, bytes]:
        """Raises JournalNone, EvidenceNothing, EvidenceTooMuch."""
        newest = self._newest()
        last = min(self.selection.last, newest.size - 1)
        self.selection = replace(self.selection, last=last)
        rows = self._rows()
        self._checkpoints(newest, rows[-1].seq)
        versions: set[int] = set()
        for row in rows:
            header = header_of(row)
            if header is not None:
                versions.add(header.directory_version)
            self._row(row, newest.size)
            if self.selection.bodies and header is not None:
                raw = raws.raw_of(self.conn, header)
                if raw is not None:
                    self.files[form.numbered(form.ENVELOPES, row.seq)] = raw
        for opening in self.openings:
            self.files[form.opening_name(opening.row, opening.index)] = encode(opening)
        self._grants(rows, newest.size)
        self._trust(versions)
        return self._signed(newest.size)

    def _signed(self, size: int) -> dict[str, bytes]:
        identity, files = self.parts.identity, self.files
        files[form.MANIFEST] = form.manifest_of(self.suite, files)
        body = Evidence(
            plane=identity.plane,
            party=identity.party,
            hub=self.parts.trust.current.hub,
            size=size,
            rows=len(form.under(files, form.ROWS)),
            selection=self.selection,
            manifest=self.suite.hash(files[form.MANIFEST]),
        )
        files[form.EVIDENCE] = sign_document(
            "evidence", body, suite=self.suite, plane=identity.plane, signers=[identity.signer]
        )
        return files

    # --- rows ---

    def _rows(self) -> Sequence[Row[Any]]:
        selection = self.selection
        query = select(journal).where(
            journal.c.seq >= selection.first, journal.c.seq <= selection.last
        )
        if not selection.whole:
            query = query.where(or_(*self._named()))
        found = self.conn.execute(query.order_by(journal.c.seq).limit(form.MAX_ROWS + 1)).all()
        if not found:
            raise EvidenceNothing()
        if len(found) > form.MAX_ROWS:
            raise EvidenceTooMuch(most=form.MAX_ROWS)
        return found

    def _named(self) -> Iterator[ColumnElement[bool]]:
        if self.selection.flows:
            yield journal.c.flow.in_(self.selection.flows)
            letters = select(grants.c.letter).where(grants.c.grant.in_(self.selection.flows))
            yield journal.c.envelope_id.in_(letters)
        if self.selection.envelopes:
            yield journal.c.envelope_id.in_(self.selection.envelopes)

    def _row(self, row: Row[Any], size: int) -> None:
        path = journal_rows.inclusion_proof(self.conn, self.suite, row.seq, size)
        leaf = journal_rows.read_row(row).leaf_bytes()
        proven = ProvenRow(leaf, bytes(row.framing or b""), tuple(path))
        self.files[form.numbered(form.ROWS, row.seq)] = encode(proven)

    # --- roots of the tree ---

    def _newest(self) -> Row[Any]:
        """The newest that somebody else cosigned; without one, the newest. Raises JournalNone."""
        for query in (self._own().where(checkpoints.c.cosigned), self._own()):
            found = self.conn.execute(query.order_by(checkpoints.c.size.desc()).limit(1)).first()
            if found is not None:
                return found
        raise JournalNone()

    def _checkpoints(self, newest: Row[Any], last: int) -> None:
        """The first that was cosigned with all the rows, and the newest: the rows were there early,
        and still are."""
        query = self._own().where(checkpoints.c.cosigned, checkpoints.c.size > last)
        first = self.conn.execute(query.order_by(checkpoints.c.size).limit(1)).first() or newest
        for each in (first, newest):
            self.files[form.numbered(form.CHECKPOINTS, each.size)] = bytes(each.note)
        if first.size < newest.size:
            path = journal_rows.consistency_proof(self.conn, self.suite, first.size, newest.size)
            name = form.proof_name(first.size, newest.size)
            self.files[name] = encode(Path(tuple(path)))

    def _own(self) -> Any:
        identity = self.parts.identity
        origin = journal_origin(identity.plane, identity.party)
        return select(checkpoints).where(checkpoints.c.origin == origin)

    # --- who is who ---

    def _trust(self, versions: set[int]) -> None:
        """All roots; the directories that the messages name, and the newest."""
        trust = self.parts.trust.current
        for number, raw in enumerate(trust.roots):
            self.files[form.numbered(form.ROOTS, trust.root.version - len(trust.roots) + 1 + number)
                       ] = raw  # fmt: skip
        query = select(directories_kept).where(directories_kept.c.version.in_(sorted(versions)))
        for kept in self.conn.execute(query.order_by(directories_kept.c.hash)):
            self.files[form.numbered(form.DIRECTORIES, kept.version)] = bytes(kept.raw)
        newest = form.numbered(form.DIRECTORIES, trust.directory_version)
        self.files[newest] = trust.directory_raw

    # --- grants ---

    def _grants(self, rows: Sequence[Row[Any]], size: int) -> None:
        """Those that the rows are about, by number, feed or letter, each with the letter that
        brought it where that is known: its row is then in the bundle too."""
        flows = sorted({row.flow for row in rows if row.flow})
        letters = sorted({bytes(row.envelope_id) for row in rows if row.kind == "grant.issued"})
        here = grants.c.grant.in_(flows) | grants.c.feed.in_(flows) | grants.c.letter.in_(letters)
        for row in self.conn.execute(
            select(grants).where(here).order_by(grants.c.grant).limit(MOST_GRANTS)
        ).all():
            letter = self._letter(row, size)
            if letter is not None:
                self._row(letter, size)
            shown = ShownGrant(
                bytes(row.terms),
                None if letter is None else letter.seq,
                b"" if letter is None else bytes(row.salt),
            )
            self.files[form.grant_name(row.grant)] = encode(shown)

    def _letter(self, grant: Row[Any], size: int) -> Row[Any] | None:
        if grant.letter is None or grant.salt is None:
            return None
        query = select(journal).where(
            journal.c.envelope_id == grant.letter,
            journal.c.kind == "grant.issued",
            journal.c.seq < size,
        )
        return self.conn.execute(query.order_by(journal.c.seq).limit(1)).first()


def gathered(
    conn: Connection, parts: Parts, selection: Selection, openings: Sequence[Opening] = ()
) -> Mapping[str, bytes]:
    """The files of a bundle. Raises JournalNone, EvidenceNothing, EvidenceTooMuch."""
    return Gathering(conn, parts, selection, openings).gather()
