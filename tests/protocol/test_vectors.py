"""The code against the files of tests/vectors: one loop a file, each vector says what must come.

The files are the specification in examples; an implementation in another language writes the same
loops.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from ortoo_protocol.core import (
    codec,
    commitment,
    enrolment,
    feeds,
    frames,
    grants,
    ids,
    journal,
    keys,
    merkle,
    topology,
    verify,
)
from ortoo_protocol.core import errors as tree
from ortoo_protocol.core.envelope import Header, split
from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.core.feeds import Verdict, Watermark
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import Suite1, builtin_suites
from ortoo_protocol.core.law import clock, workdays
from ortoo_protocol.core.messages import KINDS
from ortoo_protocol.core.standing import KeyRecord
from ortoo_protocol.core.trust import Trust, fingerprint_of_root
from tests.support.bodies import SCHEMA
from tests.support.forge import Keys
from tests.vectors import make_vectors

SUITE, SUITES = Suite1(), builtin_suites()


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((make_vectors.FOLDER / name).read_text(encoding="utf-8"))
    return found


STRINGS, ENVELOPES, KIND_VECTORS, FEEDS, JOURNAL, TRUST, WORKDAYS = (
    load(name) for name in make_vectors.FILES
)
h = bytes.fromhex


def name_of(vector: dict[str, Any]) -> str:
    return str(vector["name"])


def outcome(call: Callable[[], object]) -> str:
    try:
        call()
    except OrtooError as error:
        return error.code
    return "ok"


@pytest.mark.parametrize("name", make_vectors.FILES)
def test_the_files_are_what_the_script_makes(name: str) -> None:
    assert (make_vectors.FOLDER / name).read_text(encoding="utf-8") == make_vectors.text_of(name)


# --- strings ------------------------------------------------------------------------------------


def test_domains() -> None:
    for each in STRINGS["domain"]:
        parts = [h(part) for part in each["parts"]]
        assert keys.domain(each["label"], Plane(each["plane"]), *parts) == h(each["out"])


def test_suite_1() -> None:
    given = STRINGS["suite_1"]
    seed, key, message = h(given["seed"]), h(given["kdf_key"]), h(given["message"])
    signer = SUITE.signer(seed)
    assert signer.public == h(given["sign_public"])
    assert signer.sign(message) == h(given["signature"])
    assert SUITE.wrap_public(seed) == h(given["wrap_public"])
    assert SUITE.hash(message) == h(given["hash_of_message"])
    assert SUITE.kdf(key, message, 48) == h(given["kdf_of_message_48"])
    assert SUITE.xof(key, message, 100) == h(given["xof_of_message_100"])
    wrapped = SUITE.wrap(h(given["wrap_public"]), key, h(given["wrap_once_seed"]))
    assert wrapped == h(given["wrapped_kdf_key"])
    assert SUITE.unwrap(seed, wrapped) == key
    sealed = SUITE.seal(key, h(given["nonce"]), h(given["aad"]), message)
    assert sealed == h(given["sealed_message"])


def test_names_and_derivations() -> None:
    for each in STRINGS["key_id"]:
        plane, public = Plane(each["plane"]), h(each["public"])
        assert keys.key_id(SUITE, plane, each["usage"], public) == h(each["out"])
    shown = STRINGS["fingerprint"]
    assert keys.fingerprint(SUITE, Plane.EXTRANET, h(shown["document"])) == shown["out"]
    start = STRINGS["genesis"]
    made = feeds.genesis(SUITE, Plane.EXTRANET, start["feed"], start["incarnation"])
    assert made == h(start["out"])
    step = STRINGS["ratchet"]
    made = feeds.ratchet(SUITE, Plane.EXTRANET, step["feed"], step["epoch"], h(step["key"]))
    assert made == h(step["out"])
    grant = STRINGS["grant_hash"]
    assert grants.grant_hash(SUITE, Plane.EXTRANET, h(grant["terms"])) == h(grant["out"])
    queue = STRINGS["queue_name"]
    assert topology.subscription_name(queue["feed"]) == queue["out"]


def test_commitment_and_buckets() -> None:
    given = STRINGS["commitment"]
    secret, parts = h(given["secret"]), [h(part) for part in given["parts"]]
    assert frames.frame(parts) == h(given["framed"])
    for index, salt in enumerate(given["salts"]):
        assert commitment.show(SUITE, Plane.EXTRANET, secret, parts, index).salt == h(salt)
    assert commitment.commit(SUITE, Plane.EXTRANET, secret, parts) == h(given["out"])
    for size, bucket in STRINGS["buckets"]:
        assert frames.bucket(size) == bucket


@pytest.mark.parametrize("given", STRINGS["commitments"], ids=lambda given: str(given["count"]))
def test_one_part_shown(given: dict[str, Any]) -> None:
    parts = [number.to_bytes(4, "big") for number in range(given["count"])]
    out = h(given["out"])
    assert commitment.commit(SUITE, Plane.EXTRANET, h(given["secret"]), parts) == out
    shown = commitment.Shown(
        given["index"],
        given["count"],
        h(given["part"]),
        h(given["salt"]),
        tuple(map(h, given["leaves"])),
        tuple(map(h, given["groups"])),
    )
    commitment.check_shown(SUITE, shown, out)
    index = given["index"]
    assert commitment.show(SUITE, Plane.EXTRANET, h(given["secret"]), parts, index) == shown


READERS: dict[str, Callable[[str], object]] = {
    "party": ids.check_party,
    "feed": ids.check_feed,
    "department": ids.check_department,
    "msgpack": lambda value: codec.unpack(h(value)),
    "rows": lambda value: feeds.read_row_part(h(value), SCHEMA),
    "content": lambda value: frames.unframe(h(value)),
    "zstd": lambda value: frames.decompress(h(value)),
}


@pytest.mark.parametrize("vector", STRINGS["refused"], ids=lambda v: f"{v['as']}-{v['in'][:20]}")
def test_refused_strings(vector: dict[str, str]) -> None:
    assert outcome(lambda: READERS[vector["as"]](vector["in"])) == vector["expect"]


# --- envelopes ----------------------------------------------------------------------------------


def directory() -> Keys:
    records = [
        KeyRecord(
            key_id=h(each["key_id"]),
            party=each["party"],
            suite=each["suite"],
            public=h(each["sign_public"]),
            from_ms=each["from_ms"],
            until_ms=each["until_ms"],
            status=each["status"],
            compromised_since_ms=each["compromised_since_ms"],
            linked=True,
        )
        for each in ENVELOPES["directory"]
    ]
    # A directory holds the keys of one plane; their names on the other follow from the same seeds.
    for record in list(records):
        name = keys.key_id(SUITE, Plane.INTRANET, "sign", record.public)
        records.append(KeyRecord(**{**vars(record), "key_id": name}))
    return Keys(tuple(ENVELOPES["allowed"]), {record.key_id: record for record in records})


DIRECTORY = directory()
WRAP_SEEDS = {each["party"]: h(each["wrap_seed"]) for each in ENVELOPES["directory"]}


def content_key(vector: dict[str, Any]) -> Callable[[Header], bytes | None]:
    def find(header: Header) -> bytes | None:
        if "feed_key" in vector:
            return h(vector["feed_key"])
        seed = WRAP_SEEDS[vector["opener"]]
        plane = Plane(vector["plane"])
        name = keys.key_id(SUITE, plane, "wrap", SUITE.wrap_public(seed))
        found = [wrap.wrapped for wrap in header.wraps if wrap.key_id == name]
        return SUITE.unwrap(seed, found[0]) if found else None

    return find


def run_envelope(vector: dict[str, Any]) -> None:
    message = verify.verify(
        h(vector["raw"]),
        suites=SUITES,
        plane=Plane(vector["plane"]),
        keys=DIRECTORY,
        now_ms=vector["now_ms"],
    )
    if "party" in vector:
        verify.check_addressee(message, vector["party"])
    opened = verify.open_content(message, content_key(vector))
    if vector["expect"] == "ok":
        assert message.header.kind == vector["kind"]
        assert message.hash == h(vector["hash"])
        assert opened.body_bytes == h(vector["body"])
        assert opened.rows == tuple(h(row) for row in vector["rows"])


@pytest.mark.parametrize("vector", ENVELOPES["vectors"], ids=name_of)
def test_envelopes(vector: dict[str, Any]) -> None:
    assert outcome(lambda: run_envelope(vector)) == vector["expect"]


@pytest.mark.parametrize("vector", KIND_VECTORS["vectors"], ids=name_of)
def test_kinds(vector: dict[str, Any]) -> None:
    assert outcome(lambda: run_envelope(vector)) == vector["expect"] == "ok"
    assert vector["kind"] == vector["name"]


def test_no_kind_is_without_a_vector() -> None:
    assert [vector["kind"] for vector in KIND_VECTORS["vectors"]] == [kind.name for kind in KINDS]
    assert KIND_VECTORS["directory"] == ENVELOPES["directory"]


def test_no_vector_depends_on_how_a_library_compresses() -> None:
    """But the one that is compressed by hand."""
    packed = [
        vector["name"]
        for vector in (*ENVELOPES["vectors"], *KIND_VECTORS["vectors"])
        if vector["expect"] == "ok"
        and verify.read_header(
            split(h(vector["raw"]), suites=SUITES, plane=Plane(vector["plane"]))
        ).flags
    ]
    assert packed == ["sealed: compressed rows"]


# --- feeds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("sequence", FEEDS["sequences"], ids=name_of)
def test_feeds(sequence: dict[str, Any]) -> None:
    feed, plane = FEEDS["feed"], Plane(FEEDS["plane"])
    mark = Watermark(1, 0, feeds.genesis(SUITE, plane, feed, 1))
    assert mark.hash == h(FEEDS["genesis"])
    held: dict[int, bytes] = {}
    for each in sequence["items"]:
        message = verify.verify(
            h(each["raw"]), suites=SUITES, plane=plane, keys=DIRECTORY, now_ms=2_000_000_000_000
        )
        position = message.header.position
        assert position is not None
        found = ""
        try:
            found = feeds.judge(mark, position, feed).value
            if found == Verdict.DUPLICATE.value:
                feeds.check_same(held[position.seq], message.hash, position.seq, feed)
        except OrtooError as error:
            found = error.code
        assert found == each["expect"]
        if found == Verdict.NEXT.value:
            mark = Watermark(position.incarnation, position.seq, message.hash)
            held[position.seq] = message.hash


def test_ranges() -> None:
    given = FEEDS["ranges"]
    hashes = [h(each) for each in given["hashes"]]
    assert merkle.root_of(SUITE.hash, hashes) == h(given["root"])


# --- journal ------------------------------------------------------------------------------------


def test_journal_rows_and_tree() -> None:
    tree_so_far = merkle.Frontier(SUITE.hash)
    assert tree_so_far.root() == h(JOURNAL["empty_root"])
    for each in JOURNAL["rows"]:
        row = journal.Row.from_leaf(h(each["leaf"]))
        assert row.leaf_bytes() == h(each["leaf"])
        for field, value in each.items():
            if field in ("leaf", "leaf_hash", "root"):
                continue
            found = getattr(row, field)
            if isinstance(found, bytes):
                found = found.hex()
            elif field in ("direction", "state"):
                found = found.name.lower()
            assert found == value
        assert merkle.leaf_hash(SUITE.hash, row.leaf_bytes()) == h(each["leaf_hash"])
        tree_so_far = tree_so_far.append(h(each["leaf_hash"]))
        assert tree_so_far.root() == h(each["root"])
    for each in JOURNAL["bad_leaves"]:
        assert outcome(lambda raw=each["leaf"]: journal.Row.from_leaf(h(raw))) == each["expect"]  # type: ignore[misc]


def test_journal_proofs() -> None:
    rows = JOURNAL["rows"]
    roots = [h(row["root"]) for row in rows]
    for each in JOURNAL["inclusion"]:
        leaf, proof = h(rows[each["index"]]["leaf_hash"]), [h(part) for part in each["proof"]]
        merkle.verify_inclusion(SUITE.hash, leaf, each["index"], each["size"], proof, roots[-1])
    for each in JOURNAL["consistency"]:
        old, size, proof = each["old_size"], each["size"], [h(part) for part in each["proof"]]
        merkle.verify_consistency(SUITE.hash, old, size, roots[old - 1], roots[size - 1], proof)


@pytest.mark.parametrize("vector", JOURNAL["checkpoints"], ids=name_of)
def test_checkpoints(vector: dict[str, str]) -> None:
    origin = JOURNAL["origin"]
    key = journal.note_key(SUITE, origin, h(JOURNAL["log_public"]))
    note = vector["note"].encode()
    assert outcome(lambda: journal.open_checkpoint(note, origin, [key])) == vector["expect"]


# --- trust --------------------------------------------------------------------------------------


def run_trust(case: dict[str, Any]) -> None:
    """Asserts that all but the last step succeed, then takes the last one."""
    documents = {name: h(raw) for name, raw in TRUST["documents"].items()}
    plane, now_ms = Plane(TRUST["plane"]), TRUST["now_ms"]
    now_ms = case.get("now_ms", now_ms)
    root, shown = documents[case.get("pin", "root")], TRUST["fingerprint"]
    if case.get("fingerprint") == "its own":
        shown = fingerprint_of_root(root, plane=plane, suites=SUITES)
    trust = Trust.pin(root, fingerprint=shown, plane=plane, suites=SUITES, now_ms=now_ms)
    if "pin" in case:
        return
    steps: list[Callable[[Trust], Trust]] = [
        lambda trust, step=step: trust.with_document(documents[step["document"]], step["now_ms"])  # type: ignore[misc]
        for step in case["takes"]
    ]
    asked = case.get("ask")
    for place, step in enumerate(steps):
        if place == len(steps) - 1 and asked is None:
            step(trust)
            return
        trust = step(trust)
    assert asked is not None
    ask(trust, asked)


def ask(trust: Trust, asked: dict[str, Any]) -> None:
    questions: dict[str, Callable[[], object]] = {
        "live": lambda: trust.check_live(asked["now_ms"]),
        "fresh": lambda: trust.check_fresh(asked["now_ms"]),
        "party": lambda: trust.party(asked["party"]),
        "department": lambda: trust.check_department(asked["party"], asked["department"]),
    }
    questions[asked["what"]]()


@pytest.mark.parametrize("case", TRUST["cases"], ids=name_of)
def test_trust(case: dict[str, Any]) -> None:
    assert outcome(lambda: run_trust(case)) == case["expect"]


@pytest.mark.parametrize("vector", TRUST["enrolments"], ids=name_of)
def test_enrolments(vector: dict[str, str]) -> None:
    assert (
        outcome(
            lambda: enrolment.read_request(
                h(vector["raw"]), plane=Plane.EXTRANET, suites=SUITES, allowed=(1,)
            )
        )
        == vector["expect"]
    )


# --- every rejection has a vector -----------------------------------------------------------------

# What depends on a store, a clock or people and not on bytes alone; their tests are the engine's.
STATEFUL = {
    "envelope.id-reuse",
    "feed.incarnation",
    "feed.key-mismatch",
    "feed.epoch",
    "feed.withheld",
    "feed.unknown",
    "feed.quota",
    "feed.mixed",
    "feed.retention",
    "feed.unread",
    "trust.clock-skew",
    "trust.expiring",
    "trust.file",
    "trust.peer-clock",
    "trust.request-pin",  # what people compare by telephone
    "trust.standing",  # what a party sees of itself
    "trust.token",
    "trust.welcome",  # who takes it: good for the party that it names
}
FAMILIES = (tree.EnvelopeError, tree.CodecError, tree.FeedError, tree.TrustError)


def codes(error: type[OrtooError]) -> set[str]:
    below = set[str]().union(*(codes(each) for each in error.__subclasses__()))
    return below | {error.code}


def expected(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["expect"]} if isinstance(value.get("expect"), str) else set()
        return own.union(*(expected(each) for each in value.values()))
    return set().union(*(expected(each) for each in value)) if isinstance(value, list) else set()


def test_every_rejection_has_a_vector() -> None:
    wanted = {
        code for family in FAMILIES for code in codes(family) if code.startswith(f"{family.code}.")
    }
    shown = expected([STRINGS, ENVELOPES, FEEDS, JOURNAL, TRUST])
    assert wanted >= STATEFUL
    assert wanted - STATEFUL <= shown, sorted(wanted - STATEFUL - shown)
    assert not STATEFUL & shown


# --- working days -------------------------------------------------------------------------------


def year_of(raw: str) -> workdays.CalendarYear:
    return codec.decode(h(raw), workdays.CalendarYear)


def test_deadlines() -> None:
    """Two of them are the checked examples of the Measures' ten and five days."""
    calendar = workdays.WorkingDays([workdays.check_year(year_of(WORKDAYS["year"]))])
    for each in WORKDAYS["deadlines"]:
        found = calendar.after(date.fromisoformat(each["opened"]), each["days"])
        assert (found.day.isoformat(), found.provisional) == (each["day"], each["provisional"])
        assert clock.moment_ms(found.day, clock.DAY_MIN) == each["ends_ms"]
    known = {(each["opened"], each["days"]): each["day"] for each in WORKDAYS["deadlines"]}
    assert known["2026-09-18", 5] == "2026-09-24"
    assert known["2026-09-18", 10] == "2026-10-09"


@pytest.mark.parametrize("vector", WORKDAYS["refused"], ids=name_of)
def test_years_that_are_refused(vector: dict[str, Any]) -> None:
    assert outcome(lambda: workdays.check_year(year_of(vector["year"]))) == vector["expect"]
    assert vector["expect"] == "calendar.invalid"
