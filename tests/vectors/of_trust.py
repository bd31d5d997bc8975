"""trust.json: root, directory, timestamp, announcement, enrolment; taken and refused."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.directory import (
    DIRECTORY_LIFE_MS,
    SignedDocument,
    sign_document,
)
from ortoo_protocol.core.enrolment import make_request
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.trust import fingerprint_of_root
from tests.support.trust import DEPARTMENTS, HUB, NOW_MS, STATIONS, Region

HOW = (
    "Seeds are SHAKE-256 of a name ('root-1', 'registrar-1', a party id, '<party> wrap 1'), 32 "
    "bytes. `documents` are named; a case pins the root 'root' by `fingerprint` at `now_ms` "
    "unless it says otherwise, takes the documents of `takes` one after another at their times, "
    "and then asks. Whatever comes before the last step succeeds; `expect` is 'ok' or the code of "
    "the error that the last step gives."
)
HOUR_MS = 3_600_000
ME, PEER = STATIONS[:2]
REGION = Region()
ABROAD = Region(plane=Plane.INTRANET)
BASE = ["directory-1", "timestamp-1"]


def make() -> dict[str, Any]:
    documents = _documents()
    return {
        "how": HOW,
        "suite": 1,
        "plane": "extranet",
        "now_ms": NOW_MS,
        "fingerprint": fingerprint_of_root(
            documents["root"], plane=REGION.plane, suites=REGION.suites
        ),
        "hashes": {name: REGION.hash_of(documents[name]).hex() for name in ("root", "directory-1")},
        "documents": {name: raw.hex() for name, raw in documents.items()},
        "cases": _cases(),
        "enrolments": _enrolments(),
    }


def _documents() -> dict[str, bytes]:
    region = REGION
    root = region.root()
    directory = region.directory()
    raw_directory = region.sign_directory(directory)
    first = region.hash_of(raw_directory)
    second = region.directory(2, first)
    another = replace(second, profile="NM2026")
    mine, theirs = region.announcement(ME), region.announcement(PEER)
    grabbed = replace(theirs, departments=mine.departments)
    swapped = replace(mine, wrap_keys=region.announcement(ME, epoch=2).wrap_keys)
    weak = replace(root, suites=(1, 9))
    new_root = region.root(2)
    rogue = Region(roots=("rogue-1", "rogue-2", "rogue-3"))
    return {
        "root": region.sign_root(root),
        "root of the intranet": ABROAD.sign_root(ABROAD.root()),
        "root by one key": region.sign_root(root, region.roots[:1]),
        "root by one key twice": region.sign_root(root, region.roots[:1] * 2),
        "root of no suite": region.sign_root(replace(root, suites=())),
        "root of another suite": _as_suite(region.sign_root(weak), 9),
        "root of another kind": region.sign_root(replace(root, parent=bytes(32))),
        "root-2": region.sign_root(new_root),
        "root-2 by its own keys": rogue.sign_root(rogue.root(2)),
        "root-2 of another kind": region.sign_root(replace(new_root, parent=bytes(32))),
        "root-3": region.sign_root(region.root(3)),
        "directory-1": raw_directory,
        "directory-1 by one registrar": region.sign_directory(directory, region.registrars[:1]),
        "directory-1 of other parties": region.sign_directory(replace(directory, profile="X")),
        "directory-1 of the intranet": ABROAD.sign_directory(ABROAD.directory()),
        "directory-1 of another region": region.sign_directory(
            replace(directory, region="h140000")
        ),
        "directory-1 without the hub": region.sign_directory(
            replace(directory, parties=directory.parties[1:])
        ),
        "directory-1 for 46 days": region.sign_directory(
            replace(directory, expires_ms=NOW_MS + DIRECTORY_LIFE_MS + 1)
        ),
        "directory-1 under root-2": region.sign_directory(region.directory(root_version=2)),
        "directory-2": region.sign_directory(second),
        "directory-2 of another history": region.sign_directory(
            replace(second, previous=bytes(32))
        ),
        "directory-2 in another version": region.sign_directory(another),
        "directory-1002": region.sign_directory(region.directory(1_002, first)),
        "timestamp-1": region.stamp(1, first),
        "timestamp-1 by a station": region.stamp(1, first, by=ME),
        "timestamp-1 of another directory": region.stamp(1, bytes(32)),
        "timestamp-1 an hour ago": region.stamp(1, first, NOW_MS - HOUR_MS),
        "timestamp-1 from the future": region.stamp(1, first, NOW_MS + HOUR_MS + 1),
        "timestamp-1 after the hub's key": region.stamp(1, first, NOW_MS + 400 * 24 * HOUR_MS),
        "timestamp of directory-2": region.stamp(2, region.hash_of(region.sign_directory(second))),
        "announcement": region.sign_announcement(mine),
        "announcement by the hub": region.sign_announcement(mine, by=HUB),
        "announcement with another key": region.sign_announcement(swapped),
        "announcement-2": region.sign_announcement(replace(mine, number=2)),
        "announcement of a peer": region.sign_announcement(theirs),
        "announcement of a peer with our department": region.sign_announcement(grabbed),
        "announcement without a key": sign_document(
            "announcement",
            replace(mine, wrap_keys=()),
            suite=region.suite,
            plane=region.plane,
            signers=[region.signer(ME)],
        ),
        "no document": b"\xc1",
        "a document cut short": region.sign_root(root)[:-1],
    }


def _as_suite(raw: bytes, number: int) -> bytes:
    """`raw`, calling itself a document of another suite."""
    from ortoo_protocol.core.directory import read_document

    document = read_document(raw)
    return encode(SignedDocument(number, document.type, document.body, document.signatures))


def _take(name: str, expect: str, *documents: str | tuple[str, int], **also: Any) -> dict[str, Any]:
    takes = [each if isinstance(each, tuple) else (each, NOW_MS) for each in documents]
    return {
        "name": name,
        **also,
        "takes": [{"document": each, "now_ms": now_ms} for each, now_ms in takes],
        "expect": expect,
    }


def _pin(
    name: str, document: str, expect: str, fingerprint: str = "its own", now_ms: int = NOW_MS
) -> dict[str, Any]:
    """`fingerprint`: "its own" is that of this very document."""
    return _take(name, expect, pin=document, fingerprint=fingerprint, now_ms=now_ms)


def _ask(name: str, expect: str, ask: str, now_ms: int = NOW_MS, **of: str) -> dict[str, Any]:
    return _take(name, expect, *BASE, "announcement", ask={"what": ask, "now_ms": now_ms, **of})


def _cases() -> list[dict[str, Any]]:
    later = NOW_MS + DIRECTORY_LIFE_MS
    mine, theirs = DEPARTMENTS[ME][0], DEPARTMENTS[PEER][0]
    return [
        _pin("the root that people compared", "root", "ok"),
        _pin("another root", "root of another kind", "trust.pin", "that of root"),
        _pin("a root of the intranet", "root of the intranet", "trust.plane"),
        _pin("a root below its threshold", "root by one key", "trust.threshold"),
        _pin("one key twice", "root by one key twice", "trust.threshold"),
        _pin("a root without suites", "root of no suite", "trust.malformed"),
        _pin("an expired root", "root", "trust.expired", now_ms=NOW_MS + 365 * 24 * HOUR_MS),
        _pin("not msgpack", "no document", "trust.malformed"),
        _pin("cut short", "a document cut short", "trust.malformed"),
        _take("the next root", "ok", "root-2"),
        _take("the same root again", "ok", "root"),
        _take("rollback of the root", "trust.rollback", "root-2", "root-3", "root of another kind"),
        _take("a root is skipped", "trust.skipped", "root-3"),
        _take("two roots of one version", "trust.fork", "root-2", "root-2 of another kind"),
        _take("a root by its own keys alone", "trust.threshold", "root-2 by its own keys"),
        _take("root, directory, timestamp, announcement", "ok", *BASE, "announcement"),
        _take("too few registrars", "trust.threshold", "directory-1 by one registrar"),
        _take("of the other plane", "trust.threshold", "directory-1 of the intranet"),
        _take("of another region", "trust.plane", "directory-1 of another region"),
        _take("without its hub", "trust.malformed", "directory-1 without the hub"),
        _take("valid too long", "trust.malformed", "directory-1 for 46 days"),
        _take("an expired directory", "trust.expired", ("directory-1", later)),
        _take("under a root to come", "trust.skipped", "directory-1 under root-2"),
        _take("the next directory", "ok", "directory-1", "directory-2"),
        _take("rollback", "trust.rollback", "directory-1", "directory-2", "directory-1"),
        _take("fork", "trust.fork", "directory-1", "directory-1 of other parties"),
        _take("fork of history", "trust.fork", "directory-1", "directory-2 of another history"),
        _take("fast-forward", "trust.skipped", "directory-1", "directory-1002"),
        _take(
            "not the directory that was stamped",
            "trust.fork",
            "directory-1",
            "timestamp of directory-2",
            "directory-2 in another version",
        ),
        _take("stamped by a station", "trust.threshold", "directory-1", "timestamp-1 by a station"),
        _take(
            "another directory stamped",
            "trust.fork",
            "directory-1",
            "timestamp-1 of another directory",
        ),
        _take("an older stamp", "trust.rollback", *BASE, "timestamp-1 an hour ago"),
        _take("a stamp ahead", "trust.clock", "directory-1", "timestamp-1 from the future"),
        _take(
            "a stamp after the key's time",
            "trust.key",
            "directory-1",
            "timestamp-1 after the hub's key",
        ),
        _take("announced by the hub", "trust.announcement", *BASE, "announcement by the hub"),
        _take(
            "two announcements of one number",
            "trust.fork",
            *BASE,
            "announcement",
            "announcement with another key",
        ),
        _take("an older announcement", "trust.rollback", *BASE, "announcement-2", "announcement"),
        _take(
            "the department of another",
            "trust.announcement",
            *BASE,
            "announcement",
            "announcement of a peer with our department",
        ),
        _take("without a key", "trust.malformed", *BASE, "announcement without a key"),
        _take("without a stamp", "trust.stale", "directory-1", "announcement"),
        _take("of a suite not built in", "keys.suite-unknown", "root of another suite"),
        _ask("in force to its last moment", "ok", "live", later - 1),
        _ask("expired", "trust.expired", "live", later),
        _ask("fresh for an hour", "ok", "fresh", NOW_MS + HOUR_MS),
        _ask("stale", "trust.stale", "fresh", NOW_MS + HOUR_MS + 1),
        _ask("a department of ours", "ok", "department", party=ME, department=mine),
        _ask(
            "no department of ours", "trust.department", "department", party=ME, department=theirs
        ),
        _ask("a member", "ok", "party", party=PEER),
        _ask("no member", "trust.unknown-party", "party", party="s159900"),
    ]


def _enrolments() -> list[dict[str, str]]:
    announcement = REGION.sign_announcement(REGION.announcement(ME))

    def request(by: str = ME, announced: bytes = announcement, party: str = ME) -> bytes:
        return make_request(
            party=party,
            name="呼伦贝尔市",
            token="one-time",
            announcement=announced,
            signer=REGION.signer(by),
            suite=REGION.suite,
            plane=REGION.plane,
        )

    good = request()
    another = REGION.sign_announcement(REGION.announcement(PEER))
    unsigned = encode(_without_signatures(good))
    cases = [
        ("proven", good, "ok"),
        ("nobody signed", unsigned, "trust.proof"),
        ("another's announcement", request(announced=another), "trust.proof"),
        ("the hub signs for the station", request(by=HUB), "trust.proof"),
        ("another type", announcement, "trust.malformed"),
        ("another suite", _as_suite(good, 9), "trust.suite"),
        ("no party", request(party="x"), "codec.identifier"),
    ]
    return [{"name": name, "raw": raw.hex(), "expect": code} for name, raw, code in cases]


def _without_signatures(raw: bytes) -> SignedDocument:
    from ortoo_protocol.core.directory import read_document

    return replace(read_document(raw), signatures=())
