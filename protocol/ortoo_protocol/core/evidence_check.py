"""Checking a bundle of evidence with nothing but a root fingerprint that was compared by people.

In this order; what fails in 1 to 4 ends the check, what fails later is found for each file:

1. form: every file has its place            5. roots of the checkpoints: signatures, growth
2. the roots, from the pinned fingerprint    6. rows: place in the tree, signature of the message
3. the directories, by those roots           7. messages, openings, terms of grants
4. the party's signature under the list,     8. a range without gaps; items of a feed chained
   and every file against the list
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

from ortoo_protocol.core import evidence as form
from ortoo_protocol.core.codec import decode, unpack
from ortoo_protocol.core.commitment import Shown, check_shown
from ortoo_protocol.core.directory import PublicKey, read_body, read_document, valid_signatures
from ortoo_protocol.core.envelope import Header, split
from ortoo_protocol.core.errors import (
    CodecError,
    EnvelopeBodyHash,
    EnvelopeKeyRetired,
    EnvelopePlaintextCommitment,
    EnvelopeSender,
    EnvelopeSignature,
    EnvelopeStanding,
    EnvelopeUnknownKey,
    EvidenceChanged,
    EvidenceDirectory,
    EvidenceForm,
    EvidenceGrant,
    EvidenceIncomplete,
    EvidenceMissing,
    EvidenceRow,
    EvidenceSurplus,
    EvidenceUnsigned,
    FeedChain,
    JournalNone,
    KeysRefused,
    OrtooError,
    TrustError,
    TrustPin,
    TrustUnknownParty,
)
from ortoo_protocol.core.evidence import Evidence, Files, Opening, Path, ProvenRow, ShownGrant
from ortoo_protocol.core.evidence_report import (
    ABSENT,
    BROKEN,
    NO_MESSAGE,
    NOT_KEPT,
    SIGNED,
    WHOLE,
    CheckedGrant,
    CheckedOpening,
    CheckedRow,
    Finding,
    Report,
)
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.ids import Plane, is_feed
from ortoo_protocol.core.journal import (
    Checkpoint,
    NoteKey,
    Row,
    journal_origin,
    note_key,
    open_checkpoint,
)
from ortoo_protocol.core.keys import Suite, Suites, domain
from ortoo_protocol.core.merkle import leaf_hash, verify_consistency, verify_inclusion
from ortoo_protocol.core.standing import KeyRecord
from ortoo_protocol.core.trust import Trust, fingerprint_of_root
from ortoo_protocol.core.verify import decode_header


def check(files: Files, fingerprint: str, suites: Suites) -> Report:
    """Raises what steps 1 to 4 meet: EvidenceError, TrustError, CodecError."""
    _places(files)  # 1
    document = read_document(files[form.EVIDENCE], "evidence")
    claimed = read_body(document, Evidence)  # believed once it is verified
    directories = _directories(files, fingerprint, claimed.plane, suites)  # 2, 3
    newest = directories[max(directories)]
    suite = suites.get(document.suite)
    _listed(files, claimed, suite)  # 4: what was touched is named before who signed the list
    keys = [PublicKey(key.suite, key.public) for key in newest.signing_keys(claimed.party)]
    if not valid_signatures(document, keys, plane=claimed.plane, suites=suites):
        raise EvidenceUnsigned(party=claimed.party)
    if newest.hub != claimed.hub:
        raise EvidenceForm(detail=f"its hub is {newest.hub}")
    report = Report(claimed, len(form.under(files, form.ROOTS)), tuple(sorted(directories)))
    return _Checking(files, report, suite, suites, directories, newest).run()


def _places(files: Files) -> None:
    for name in (form.EVIDENCE, form.MANIFEST):
        if name not in files:
            raise EvidenceMissing(file=name)
    for name in files:
        if name not in (form.EVIDENCE, form.MANIFEST) and not name.startswith(form.FOLDERS):
            raise EvidenceSurplus(file=name)


def _listed(files: Files, claimed: Evidence, suite: Suite) -> None:
    if suite.hash(files[form.MANIFEST]) != claimed.manifest:
        raise EvidenceChanged(file=form.MANIFEST)
    listed = form.read_manifest(files[form.MANIFEST])
    present = files.keys() - {form.MANIFEST, form.EVIDENCE}
    for name in sorted(listed.keys() - present):
        raise EvidenceMissing(file=name)
    for name in sorted(present - listed.keys()):
        raise EvidenceSurplus(file=name)
    for name in sorted(present):
        if suite.hash(files[name]) != listed[name]:
            raise EvidenceChanged(file=name)


def _directories(
    files: Files, fingerprint: str, plane: Plane, suites: Suites
) -> Mapping[int, Trust]:
    """Each directory's version to the trust that it gives. A directory holds under the root that
    was in force when it was signed, and maybe not under later ones."""
    roots = [files[name] for name in form.under(files, form.ROOTS)]
    if not roots:
        raise EvidenceMissing(file=form.ROOTS)
    found = fingerprint_of_root(roots[0], plane=plane, suites=suites)
    if _plain(found) != _plain(fingerprint):
        raise TrustPin(found=found, expected=fingerprint)
    chains = [
        Trust.restore(roots[: count + 1], plane=plane, suites=suites) for count in range(len(roots))
    ]
    directories = {}
    for name in form.under(files, form.DIRECTORIES):
        taken = _taken(chains, files[name])
        if taken.directory_version != form.number_in(name):
            raise EvidenceForm(detail=f"{name} is directory {taken.directory_version}")
        directories[taken.directory_version] = taken
    if not directories:
        raise EvidenceMissing(file=form.DIRECTORIES)
    return directories


def _taken(chains: Iterable[Trust], raw: bytes) -> Trust:
    """Raises the TrustError of the last root."""
    last: TrustError | None = None
    for chain in chains:
        try:
            return chain.with_kept_directory(raw)
        except TrustError as error:
            last = error
    raise last or EvidenceMissing(file=form.ROOTS)


def _plain(fingerprint: str) -> str:
    return "".join(fingerprint.split()).lower()


@dataclass
class _Checking:
    files: Files
    report: Report
    suite: Suite
    suites: Suites
    directories: Mapping[int, Trust]
    newest: Trust
    _rows: dict[int, tuple[Row, ProvenRow]] = field(default_factory=dict)

    def run(self) -> Report:
        if self._checkpoints():
            for name in form.under(self.files, form.ROWS):
                self._try(name, partial(self._row, name))
            self._range()
        for name in form.under(self.files, form.GRANTS):
            self._try(name, partial(self._grant, name))
        for name in form.under(self.files, form.OPENINGS):
            self._try(name, partial(self._opening, name))
        for name in form.under(self.files, form.ENVELOPES):
            if form.number_in(name) not in self._rows:
                self._found(name, EvidenceSurplus(file=name))
        self._chains()
        return self.report

    def _try(self, name: str, step: Callable[[], None]) -> None:
        try:
            step()
        except OrtooError as error:
            self._found(name, error)

    def _found(self, name: str, error: OrtooError) -> None:
        self.report.findings.append(Finding(name, error))

    # --- 5 ---

    def _checkpoints(self) -> bool:
        """Whether there is a root that the party signed."""
        for name in form.under(self.files, form.CHECKPOINTS):
            self._try(name, partial(self._checkpoint, name))
        opened = self.report.checkpoints
        sizes = [each.checkpoint.size for each in opened]
        if not opened or sizes[-1] != self.report.evidence.size:
            if not self.report.findings:
                self._found(form.CHECKPOINTS, JournalNone())
            return False
        for old, new in pairwise(opened):
            name = form.proof_name(old.checkpoint.size, new.checkpoint.size)
            self._try(name, partial(self._grown, name, old.checkpoint, new.checkpoint))
        return True

    def _checkpoint(self, name: str) -> None:
        claimed, plane = self.report.evidence, self.report.evidence.plane
        origin = journal_origin(plane, claimed.party)
        others = [entry.party for entry in self.newest.parties if entry.party != claimed.party]
        found = open_checkpoint(
            self.files[name],
            origin,
            self._note_keys(claimed.party),
            [key for party in others for key in self._note_keys(party)],
        )
        if found.checkpoint.size != form.number_in(name):
            raise EvidenceForm(detail=f"{name} is of {found.checkpoint.size} rows")
        self.report.checkpoints.append(found)

    def _note_keys(self, party: str) -> list[NoteKey]:
        origin = journal_origin(self.report.evidence.plane, party)
        keys = self.newest.signing_keys(party)
        return [note_key(self.suites.get(key.suite), origin, key.public) for key in keys]

    def _grown(self, name: str, old: Checkpoint, new: Checkpoint) -> None:
        if name not in self.files:
            raise EvidenceMissing(file=name)
        path = decode(self.files[name], Path).hashes
        verify_consistency(self.suite.hash, old.size, new.size, old.root, new.root, path)

    # --- 6 ---

    def _row(self, name: str) -> None:
        newest = self.report.checkpoints[-1].checkpoint
        proven = decode(self.files[name], ProvenRow)
        row = Row.from_leaf(proven.leaf)
        if row.seq != form.number_in(name):
            raise EvidenceForm(detail=f"{name} is row {row.seq}")
        hashed = leaf_hash(self.suite.hash, proven.leaf)
        verify_inclusion(
            self.suite.hash, hashed, row.seq, newest.size, list(proven.path), newest.root
        )
        self._rows[row.seq] = (row, proven)
        header = decode_header(row.header) if row.header else None
        state, message = BROKEN, ABSENT
        try:
            state = self._signature(row, header, proven.framing)
            message = self._message(row)
        finally:
            self.report.rows.append(CheckedRow(row, header, state, message))

    def _signature(self, row: Row, header: Header | None, framing: bytes) -> str:
        """SIGNED: the sender signed this header and the hash of this body, with a key that was its
        own, and valid, when the message says it was made."""
        if header is None or not row.signature:
            return NO_MESSAGE
        if (header.id, header.kind, header.sender) != (row.envelope_id, row.kind, row.sender):
            raise EvidenceRow(row=row.seq, detail="its header is of another message")
        self._named_directory(row, header)
        if not framing:
            return NOT_KEPT
        key_id = form.key_id_in(framing)
        record = self._key(key_id, header)
        if record is None:
            raise EnvelopeUnknownKey(key_id=key_id.hex())
        signed = form.signed_part(framing, row.header, row.body_hash)
        message = domain("ortoo/envelope", self.report.evidence.plane, signed)
        try:
            self.suites.get(record.suite).verify(record.public, message, row.signature)
        except KeysRefused:
            raise EnvelopeSignature() from None
        self._valid(record, header)
        return SIGNED

    def _named_directory(self, row: Row, header: Header) -> None:
        named = self.directories.get(header.directory_version)
        if named is not None and header.directory_hash not in (b"", named.directory_hash):
            raise EvidenceDirectory(row=row.seq, version=header.directory_version)

    def _key(self, key_id: bytes, header: Header) -> KeyRecord | None:
        """The newest directory knows most of a key: whether it was compromised, for one."""
        named = self.directories.get(header.directory_version)
        return self.newest.signing_key(key_id) or (named.signing_key(key_id) if named else None)

    def _valid(self, record: KeyRecord, header: Header) -> None:
        sender, made_ms = header.sender, header.created_ms
        if record.party != sender:
            raise EnvelopeSender(sender=sender, owner=record.party)
        lost_ms = record.compromised_since_ms
        if not record.from_ms <= made_ms < record.until_ms or (
            lost_ms is not None and made_ms >= lost_ms
        ):
            raise EnvelopeKeyRetired(sender=sender)
        try:
            entry = self.newest.party(sender)
        except TrustUnknownParty:
            return  # it left; an older directory has its key
        if entry.status != "active" and made_ms >= entry.since_ms:
            raise EnvelopeStanding(sender=sender, status=entry.status)

    def _message(self, row: Row) -> str:
        raw = self.files.get(form.numbered(form.ENVELOPES, row.seq))
        if raw is None:
            return ABSENT
        envelope = split(raw, suites=self.suites, plane=self.report.evidence.plane)
        told = (envelope.header, envelope.signature, envelope.body_hash)
        if told != (row.header, row.signature, row.body_hash):
            raise EvidenceRow(row=row.seq, detail="its bytes are of another message")
        if envelope.suite.hash(envelope.hashed) != row.body_hash:
            raise EnvelopeBodyHash()
        return WHOLE

    # --- 7 ---

    def _grant(self, name: str) -> None:
        shown = decode(self.files[name], ShownGrant)
        terms = decode(shown.terms, GrantTerms)
        if form.grant_name(terms.grant) != name:
            raise EvidenceGrant(grant=name)
        by_letter = shown.row is not None
        if shown.row is not None:
            row, header = self._sealed(shown.row)
            if (row.kind, row.sender) != ("grant.issued", terms.provider):
                raise EvidenceGrant(grant=terms.grant)
            opened = Shown(0, 1, shown.terms, shown.salt, (), ())
            self._opens(opened, header)
        self.report.grants.append(CheckedGrant(terms, by_letter))

    def _opening(self, name: str) -> None:
        opening = decode(self.files[name], Opening)
        if form.opening_name(opening.row, opening.index) != name:
            raise EvidenceForm(detail=f"{name} opens another part")
        _, header = self._sealed(opening.row)
        self._opens(opening.shown(), header)
        try:
            values = unpack(opening.part)
        except CodecError:
            values = opening.part
        position = header.position
        self.report.openings.append(
            CheckedOpening(
                opening.row,
                header.sender,
                header.destination,
                0 if position is None else position.seq,
                opening.index,
                opening.count,
                values,
            )
        )

    def _sealed(self, seq: int) -> tuple[Row, Header]:
        if seq not in self._rows:
            raise EvidenceIncomplete(row=seq)
        row, _ = self._rows[seq]
        return row, decode_header(row.header)

    def _opens(self, shown: Shown, header: Header) -> None:
        if header.plaintext_commitment is None:
            raise EnvelopePlaintextCommitment()
        check_shown(self.suite, shown, header.plaintext_commitment)

    # --- 8 ---

    def _range(self) -> None:
        selection, present = self.report.evidence.selection, self._rows
        if len(form.under(self.files, form.ROWS)) != self.report.evidence.rows:
            self._found(form.ROWS, EvidenceForm(detail="another number of rows than it says"))
        if selection.whole:
            for seq in range(selection.first, selection.last + 1):
                if seq not in present and form.numbered(form.ROWS, seq) not in self.files:
                    self._found(form.numbered(form.ROWS, seq), EvidenceIncomplete(row=seq))
                    return

    def _chains(self) -> None:
        """Items of a feed that stand next to each other: each names the hash of the one before."""
        items: dict[tuple[str, int, int], tuple[int, Header, bytes]] = {}
        for row, proven in self._rows.values():
            header = decode_header(row.header) if row.header else None
            if header is not None and header.position is not None and proven.framing:
                place = (header.destination, header.position.incarnation, header.position.seq)
                items[place] = (row.seq, header, _item_hash(self, row, proven))
        for (feed, incarnation, seq), (number, header, _) in sorted(items.items()):
            before = items.get((feed, incarnation, seq - 1))
            if before is None or header.position is None:
                continue
            if header.position.previous != before[2]:
                self._found(form.numbered(form.ROWS, number), FeedChain(seq=seq, feed=feed))
            elif is_feed(feed):
                self.report.chained[feed] = self.report.chained.get(feed, 0) + 1


def _item_hash(at: _Checking, row: Row, proven: ProvenRow) -> bytes:
    """`envelope_hash`, from what a journal keeps."""
    signed = form.signed_part(proven.framing, row.header, row.body_hash)
    return at.suite.hash(domain("ortoo/envelope-hash", at.report.evidence.plane, signed))
