"""Bundles of evidence: what a stranger can check with a fingerprint, and each way to spoil them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from ortoo_protocol.core import evidence as form
from ortoo_protocol.core.codec import decode, encode
from ortoo_protocol.core.directory import DAY_MS, Directory, read_body, read_document, sign_document
from ortoo_protocol.core.errors import (
    EnvelopeBodyHash,
    EnvelopeKeyRetired,
    EnvelopePlaintextCommitment,
    EnvelopeSignature,
    EvidenceChanged,
    EvidenceDirectory,
    EvidenceErased,
    EvidenceIncomplete,
    EvidenceMissing,
    EvidenceNothing,
    EvidenceSurplus,
    EvidenceUnsigned,
    JournalConsistency,
    JournalInclusion,
    JournalNote,
    JournalSignature,
    OrtooError,
    TrustPin,
    TrustThreshold,
)
from ortoo_protocol.core.evidence import Evidence, Opening, ProvenRow
from ortoo_protocol.core.evidence_check import check
from ortoo_protocol.core.evidence_report import SIGNED, Report
from ortoo_protocol.core.keys import builtin_suites
from ortoo_protocol.verify import packing
from tests.federation.exchange import PROVIDER, READER, Exchange, exchange
from tests.support.hubs import until_true
from tests.support.trust import Region

Files = dict[str, bytes]


async def cosigned(made: Exchange, party: Any, size: int) -> None:
    async def so() -> bool:
        found = (await party.call("journal.checkpoints"))["checkpoints"]
        return any(each["cosigned"] and each["size"] >= size for each in found)

    await until_true(so)


async def bundle(made: Exchange, party: Any, **asked: Any) -> tuple[Files, str]:
    size = (await party.call("journal.search"))["size"]
    await cosigned(made, party, size)
    answer = await party.call("journal.export", **asked)
    return packing.read(Path(answer["file"])), answer["root"]


async def test_a_bundle_proves_rows_messages_and_grants(tmp_path: Path) -> None:
    async with exchange(tmp_path) as made:
        await made.publish()
        files, root = await bundle(made, made.reader, bodies=True)
        report = check(files, root, builtin_suites())
        assert report.findings == []
        assert [each.row.seq for each in report.rows] == list(range(report.evidence.rows))
        assert {each.signature for each in report.rows} <= {SIGNED, "no-message"}
        assert report.checkpoints[-1].cosigners
        (grant,) = report.grants
        assert (grant.terms.grant, grant.by_letter) == (made.grant, True)  # as the provider signed

        # Of a case alone; and the same asked twice gives the same bytes.
        case = grant.terms.case
        asked = {"flows": [case], "last": report.evidence.rows - 1}
        for _ in range(50):  # a checkpoint may come between
            first, again = [await made.reader.call("journal.export", **asked) for _ in range(2)]
            kept, other = (packing.read(Path(each["file"])) for each in (first, again))
            if form.under(kept, form.CHECKPOINTS) == form.under(other, form.CHECKPOINTS):
                break
        assert first["sha256"] == again["sha256"]
        of_case = check(kept, root, builtin_suites())
        assert of_case.findings == []
        assert {"case.application", "grant.issued"} <= {each.row.kind for each in of_case.rows}
        with pytest.raises(EvidenceNothing):
            await made.reader.call("journal.export", flows=["0" * 32])

        # The provider shows its own terms: its signature is under the list that names them.
        files, root = await bundle(made, made.provider, flows=[made.grant])
        assert [each.by_letter for each in check(files, root, builtin_suites()).grants] == [False]

        said = command(tmp_path, files, root)
        assert (said.returncode, PROVIDER in said.stdout) == (0, True)
        assert "证据" in command(tmp_path, files, root, "zh_CN").stdout
        assert command(tmp_path, files, root.replace("a", "b").replace("1", "2")).returncode == 6
        document = msgspec.json.decode(command(tmp_path, files, root, "en", "--json").stdout)
        assert document["holds"] is True
        spoiled = {**files, "rows/0000000000000000": b"x"}
        assert command(tmp_path, spoiled, root).returncode == 6
        missing = [sys.executable, "-m", "ortoo_protocol.verify", "nothing.zip", "--root", root]
        assert subprocess.run(missing, capture_output=True, timeout=60).returncode == 3  # noqa: ASYNC221 (the command)


def command(
    folder: Path, files: Files, root: str, language: str = "en", *more: str
) -> subprocess.CompletedProcess[str]:
    path = folder / "bundle.zip"
    path.write_bytes(packing.pack(files))
    words = [sys.executable, "-m", "ortoo_protocol.verify", str(path), "--root", root, *more]
    environment = {"ORTOO_LANG": language, "PATH": "/usr/bin", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(words, capture_output=True, text=True, env=environment, timeout=60)


async def test_one_row_is_opened_and_its_neighbours_stay_closed(tmp_path: Path) -> None:
    async with exchange(tmp_path) as made:
        await made.publish()
        feed = f"{PROVIDER}.people"
        feed = next(
            each["feed"] for each in (await made.provider.call("status"))["feeds"]
            if each["role"] == "publisher" and each["readers"]
        )  # fmt: skip
        rows = (await made.provider.call("journal.search", flow=feed, kind="table.rows"))["rows"]
        entry = await made.provider.call("journal.entry", seq=rows[-1]["seq"])
        item = entry["entry"]["header"]["item"]
        size = (await made.provider.call("journal.search"))["size"]
        await cosigned(made, made.provider, size)
        answer = await made.provider.call("dispute.open", feed=feed, item=item, place=3)
        assert (answer["rows"], answer["messages"]) == (1, 0)
        files = packing.read(Path(answer["file"]))
        report = check(files, answer["root"], builtin_suites())
        assert report.findings == []
        (shown,) = report.openings
        values = shown.values
        assert isinstance(values, list)
        assert tuple(values[1:]) in {tuple(map(plain, row)) for row in made.source()}
        others = [str(row[1]).encode() for row in made.source() if row[1] not in values]
        assert others
        assert not any(other in content for other in others for content in files.values())

        (name,) = form.under(files, form.OPENINGS)
        held = decode(files[name], Opening)
        for other in (
            replace(held, part=held.part[:-1] + bytes([held.part[-1] ^ 1])),
            replace(held, salt=bytes(len(held.salt))),
            replace(held, leaves=held.leaves[1:]),
        ):
            spoiled = relisted(made, PROVIDER, {**files, name: encode(other)})
            found = check(spoiled, answer["root"], builtin_suites()).findings
            assert [(each.file, type(each.error)) for each in found] == [
                (name, EnvelopePlaintextCommitment)
            ]
        with pytest.raises(EvidenceErased):
            await made.provider.call("dispute.open", feed=feed, item=item + 1_000, place=1)


def plain(value: Any) -> Any:
    return value


def relisted(made: Exchange, party: str, files: Files, **changed: Any) -> Files:
    """As its party itself would list and sign it: what only the deeper checks can find."""
    region = made.kit.region
    body = read_body(read_document(files[form.EVIDENCE]), Evidence)
    rest = {n: d for n, d in files.items() if n not in (form.MANIFEST, form.EVIDENCE)}
    manifest = form.manifest_of(region.suite, rest)
    body = replace(body, manifest=region.suite.hash(manifest), **changed)
    document = sign_document(
        "evidence", body, suite=region.suite, plane=region.plane, signers=[region.signer(party)]
    )
    return {**rest, form.MANIFEST: manifest, form.EVIDENCE: document}


def flipped(data: bytes, at: int = -1) -> bytes:
    spoiled = bytearray(data)
    spoiled[at] ^= 1
    return bytes(spoiled)


async def test_each_way_of_tampering_is_named(tmp_path: Path) -> None:
    async with exchange(tmp_path) as made:
        await made.publish()
        files, root = await bundle(made, made.reader, bodies=True, last=20)
        other_region = Region(registrars=("other-1", "other-2", "other-3"))
        suite = made.kit.region.suite
        rows, notes = form.under(files, form.ROWS), form.under(files, form.CHECKPOINTS)
        messages = form.under(files, form.ENVELOPES)
        directory = form.under(files, form.DIRECTORIES)[-1]

        def outright(spoiled: Files, error: type[OrtooError], about: str = root) -> None:
            with pytest.raises(error):
                check(spoiled, about, builtin_suites())

        # By a stranger, who cannot sign the list.
        for name in (rows[0], messages[0], notes[0]):
            outright({**files, name: flipped(files[name])}, EvidenceChanged)
            outright({n: d for n, d in files.items() if n != name}, EvidenceMissing)
        outright({**files, "rows/0000000000999999": b""}, EvidenceSurplus)
        outright({**files, "more": b""}, EvidenceSurplus)
        outright({**files, form.MANIFEST: flipped(files[form.MANIFEST], 3)}, EvidenceChanged)
        outright({**files, form.EVIDENCE: flipped(files[form.EVIDENCE])}, EvidenceUnsigned)
        outright(relisted(made, PROVIDER, files), EvidenceUnsigned)
        outright(files, TrustPin, flipped(root.encode()).decode())
        elsewhere = other_region.trust()
        outright({**files, directory: elsewhere.directory_raw}, TrustThreshold)

        # By its own party, which signs whatever it likes.
        def found(change: Files, *without: str, **changed: Any) -> Report:
            left = {n: d for n, d in files.items() if n not in without}
            spoiled = relisted(made, READER, {**left, **change}, **changed)
            return check(spoiled, root, builtin_suites())

        def errors(report: Report) -> set[tuple[str, type[OrtooError]]]:
            return {(each.file, type(each.error)) for each in report.findings}

        assert errors(found({})) == set()
        proven = {name: decode(files[name], ProvenRow) for name in rows}

        def with_row(name: str, change: Callable[[ProvenRow], ProvenRow]) -> Files:
            return {name: encode(change(proven[name]))}

        name = rows[3]
        assert (name, JournalInclusion) in errors(
            found(with_row(name, lambda row: replace(row, leaf=flipped(row.leaf, 19))))
        )
        assert errors(found(with_row(name, lambda row: replace(row, path=row.path[1:])))) == {
            (name, JournalInclusion)
        }
        of_another = proven[rows[4]].path
        assert errors(found(with_row(name, lambda row: replace(row, path=of_another)))) == {
            (name, JournalInclusion)
        }
        signed = next(n for n in rows if proven[n].framing)
        assert (signed, EnvelopeSignature) in errors(
            found(with_row(signed, lambda row: replace(row, framing=flipped(row.framing))))
        )
        assert errors(found({}, rows[2], rows=len(rows) - 1)) == {(rows[2], EvidenceIncomplete)} | {
            (form.numbered(form.ENVELOPES, 2), EvidenceSurplus)
            for _ in range(form.numbered(form.ENVELOPES, 2) in files)
        }
        assert (messages[0], EnvelopeBodyHash) in {
            (form.numbered(form.ENVELOPES, form.number_in(file)), error)
            for file, error in errors(found({messages[0]: flipped(files[messages[0]])}))
        }
        note = files[notes[-1]]
        line = note.rfind(b"=") - 8
        spoiled_note = (
            note[:line] + (b"A" if note[line : line + 1] != b"A" else b"B") + note[line + 1 :]
        )
        assert (notes[-1], JournalSignature) in errors(found({notes[-1]: spoiled_note}))
        assert (notes[-1], JournalNote) in errors(found({notes[-1]: b"x"}))
        if len(notes) > 1:
            (proof,) = form.under(files, form.PROOFS)
            empty = encode(form.Path(()))
            assert errors(found({proof: empty})) == {(proof, JournalConsistency)}
        assert suite.number == 1


async def test_keys_are_judged_by_the_time_at_which_they_signed(tmp_path: Path) -> None:
    """A later directory says that the provider's key was lost before it signed."""
    async with exchange(tmp_path) as made:
        await made.publish()
        region = made.kit.region
        files, root = await bundle(made, made.reader)
        newest = form.under(files, form.DIRECTORIES)[-1]
        held = check(files, root, builtin_suites())
        assert held.findings == []
        held_body = read_body(read_document(files[newest]), Directory)
        later = directory_with(region, held_body, 1, region.now_ms - DAY_MS)
        name = form.numbered(form.DIRECTORIES, form.number_in(newest) + 1)
        report = check(relisted(made, READER, {**files, name: later}), root, builtin_suites())
        assert {type(each.error) for each in report.findings} == {EnvelopeKeyRetired}
        retired = {each.file for each in report.findings}
        senders = {
            form.numbered(form.ROWS, each.row.seq)
            for each in held.rows
            if each.signature == SIGNED and each.row.sender == PROVIDER
        }
        assert retired == senders != set()
        # And one that has another hash than the messages name.
        other = directory_with(region, held_body, 0, None)
        report = check(relisted(made, READER, {**files, newest: other}), root, builtin_suites())
        assert {type(each.error) for each in report.findings} == {EvidenceDirectory}


def directory_with(region: Region, body: Directory, steps: int, lost_ms: int | None) -> bytes:
    """`steps` versions after `body`; in it the provider's keys are lost since `lost_ms`."""
    entries = tuple(
        replace(entry, keys=tuple(replace(key, compromised_since_ms=lost_ms) for key in entry.keys))
        if entry.party == PROVIDER
        else entry
        for entry in body.parties
    )
    return region.sign_directory(
        replace(
            body,
            version=body.version + steps,
            previous=b"x" * 32 if body.version + steps > 1 else b"",
            created_ms=body.created_ms + 1,
            parties=entries,
        )
    )
