"""envelopes.json: for each class a valid envelope, for each rejection one that is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ortoo_protocol.core import envelope, feeds, files
from ortoo_protocol.core.codec import Shape, encode
from ortoo_protocol.core.envelope import FLAG_ZSTD, Position, ToParties, split
from ortoo_protocol.core.law.contacts import ContactReport
from ortoo_protocol.core.law.workdays import CalendarYears
from ortoo_protocol.core.messages import LETTER_LIFE_MS
from ortoo_protocol.core.use.onward import OnwardAsk
from tests.support import bodies, forge
from tests.support.bodies import FEED
from tests.support.forge import (
    CITY,
    DAY_MS,
    EXTRANET,
    HUB,
    INTRANET,
    NOW_MS,
    OTHER,
    THIRD,
    ByHand,
    Party,
    World,
    fixed,
)

HOW = (
    "Seeds of a party are SHAKE-256 of '<party>/sign' and '<party>/wrap', 32 bytes. Valid "
    "envelopes draw their randomness in the order content key, one seed for each wrap, secret "
    "(lean ones have none), nonce; the n-th draw (from 0) is SHAKE-256 of '<label>/<n>' and the "
    "label stands with the vector. A vector is verified on `plane` at `now_ms` against `directory` "
    "(suites: `allowed`), then as `party` if given (its own letters only), then opened with "
    "`opener`'s key or with `feed_key` if one is given. `expect` is 'ok' or the code of the error "
    "that must come."
)
KEY = fixed("feed key", 32)
CHUNK = files.FileChunk(file=b"f" * 32, index=3)
SUSPENDED, RETIRED, STOLEN = "s150100", "s150300", "s150400"


@dataclass(frozen=True)
class Vector:
    name: str
    raw: bytes
    expect: str = "ok"
    plane: str = "extranet"
    now_ms: int = NOW_MS
    party: str | None = None
    opener: str | None = None
    feed_key: bytes | None = None
    label: str | None = None
    also: dict[str, Any] | None = None

    def plain(self) -> dict[str, Any]:
        out: dict[str, Any] = {"name": self.name, "expect": self.expect, "plane": self.plane}
        out["now_ms"] = self.now_ms
        for field in ("party", "opener", "label"):
            if getattr(self, field) is not None:
                out[field] = getattr(self, field)
        if self.feed_key is not None:
            out["feed_key"] = self.feed_key.hex()
        return {**out, **(self.also or {}), "raw": self.raw.hex()}


def make() -> dict[str, Any]:
    vectors = [*_valid(), *_prefix(), *_senders(), *_kinds(), *_lean(), *_opening()]
    return {"how": HOW, **directory_of(), "vectors": [vector.plain() for vector in vectors]}


def directory_of() -> dict[str, Any]:
    """Suites, and the parties with their seeds, as they stand in the file."""
    return {
        "suite": 1,
        "allowed": [1],
        "directory": [
            {
                "party": record.party,
                "suite": 1,
                "key_id": record.key_id.hex(),
                "sign_public": record.public.hex(),
                "sign_seed": fixed(f"{record.party}/sign", 32).hex(),
                "wrap_seed": fixed(f"{record.party}/wrap", 32).hex(),
                "from_ms": record.from_ms,
                "until_ms": record.until_ms,
                "status": record.status,
                "compromised_since_ms": record.compromised_since_ms,
            }
            for record in directory()
        ],
    }


def directory() -> list[Any]:
    changes: dict[str, dict[str, Any]] = {
        SUSPENDED: {"status": "suspended"},
        RETIRED: {"until_ms": NOW_MS},
        STOLEN: {"compromised_since_ms": NOW_MS - DAY_MS},
    }
    names = (HUB, CITY, OTHER, THIRD, *changes)
    return [forge.party(name).record(**changes.get(name, {})) for name in names]


HERE = forge.world()


def position(here: World = HERE, seq: int = 1, feed: str = FEED) -> Position:
    return Position(1, seq, feeds.genesis(here.suite, here.plane, feed, 1))


def _valid() -> list[Vector]:
    return [
        _good("open: a catalog entry", bodies.ENTRY, f"{CITY}.catalog", position=position()),
        _good(
            "open: a catalog entry with all that the guide names",
            bodies.WHOLE_ENTRY,
            f"{CITY}.catalog",
            position=position(),
        ),
        _good(
            "open: a year's working days, of the hub",
            bodies.body_of(CalendarYears),
            f"{HUB}.directory",
            sender=HUB,
            position=position(feed=f"{HUB}.directory"),
        ),
        _good(
            "notarised: contacts, for the hub",
            bodies.body_of(ContactReport),
            HUB,
            opener=HUB,
        ),
        _good(
            "notarised: an ask for consent to passing on, read by the hub",
            bodies.body_of(OnwardAsk),
            OTHER,
            opener=HUB,
        ),
        _good("open: a head, on a feed but no item", bodies.HEAD, FEED, kind="feed.head"),
        _good("open: receipts for the hub", bodies.RECEIPTS, HUB, kind="receipt.hub"),
        _good("notarised: an answer, read by the peer", bodies.ANSWER, OTHER, opener=OTHER),
        _good("notarised: the same, read by the hub", bodies.ANSWER, OTHER, opener=HUB),
        _good("sealed: a feed key", bodies.body_of(feeds.FeedKey), OTHER, opener=OTHER),
        _good(
            "lean: a chunk of a file",
            CHUNK,
            OTHER,
            opener=OTHER,
            rows=["苏木乡镇".encode() * 20],
        ),
        _good("sealed: the schema, item 1", bodies.SCHEMA, FEED, position=position(), key=KEY),
        _good(
            "sealed: rows",
            feeds.TableRows(schema=1),
            FEED,
            rows=[
                feeds.row_part(feeds.RowChange(feeds.UPSERT, ("150702001", "胜利街道"))),
                feeds.row_part(feeds.RowChange(feeds.DELETE, ("150702002",))),
            ],
            position=position(seq=2),
            key=KEY,
        ),
        _good("sealed: an epoch later", bodies.SCHEMA, FEED, position=position(), key=_stepped()),
        _compressed(),
        _good(
            "open: on the intranet",
            bodies.RECEIPTS,
            HUB,
            kind="receipt.hub",
            here=forge.world(plane=INTRANET),
        ),
    ]


def _stepped() -> bytes:
    return feeds.ratchet(HERE.suite, EXTRANET, FEED, 1, KEY)


def _good(
    name: str,
    body: Shape,
    destination: str,
    *,
    here: World = HERE,
    sender: str = CITY,
    opener: str | None = None,
    key: bytes | None = None,
    rows: Sequence[bytes] = (),
    **how: Any,
) -> Vector:
    how["epoch"] = 2 if key == _stepped() else 1
    raw = forge.make(
        here,
        body,
        sender,
        destination,
        rows=rows,
        feed_key=key,
        rand=forge.fixed_random(name),
        **how,
    )
    return valid(here, name, raw, body, rows, opener=opener, feed_key=key)


def valid(
    here: World,
    name: str,
    raw: bytes,
    body: Shape,
    rows: Sequence[bytes],
    *,
    opener: str | None,
    feed_key: bytes | None,
) -> Vector:
    """One that is accepted, and what is found in it. `name` is its label too."""
    message = here.verify(raw)
    also = {
        "kind": message.header.kind,
        "hash": message.hash.hex(),
        "body": encode(body).hex(),
        "rows": [row.hex() for row in rows],
    }
    return Vector(
        name,
        raw,
        plane=here.plane.value,
        opener=opener,
        feed_key=feed_key,
        label=name,
        also=also,
    )


def zstd_by_hand(start: bytes, byte: bytes, times: int) -> bytes:
    """A zstd frame of `start` (a raw block) and a run of one byte (an RLE block)."""
    size = len(start) + times
    raw = (len(start) << 3).to_bytes(3, "little") + start
    run = (1 | 1 << 1 | times << 3).to_bytes(3, "little") + byte
    return b"\x28\xb5\x2f\xfd\xa0" + size.to_bytes(4, "little") + raw + run


def _compressed() -> Vector:
    row = b"\x93\x00\xa9150702001\xda\x10\x00" + b"A" * 4_096
    parts = [encode(feeds.TableRows(schema=1)), row]
    content = forge.frame_by_hand(parts)
    packed = zstd_by_hand(content[:-4_096], b"A", 4_096)
    raw = sealed_item(parts, packed, flags=FLAG_ZSTD)
    also = {
        "kind": "table.rows",
        "hash": HERE.verify(raw).hash.hex(),
        "body": parts[0].hex(),
        "rows": [row.hex()],
    }
    return Vector("sealed: compressed rows", raw, feed_key=KEY, also=also)


def sealed_item(
    parts: Sequence[bytes],
    stored: bytes | None = None,
    *,
    flags: int = 0,
    text: bytes | None = None,
    by: Party = HERE[CITY],
    kind: str = "table.rows",
    **places: Any,
) -> bytes:
    """Item 1 with these parts, by hand; what is given besides is not made to fit."""
    suite, plane = HERE.suite, EXTRANET.byte
    secret = fixed("secret", suite.key_bytes)
    example = forge.make(
        HERE, bodies.SCHEMA, CITY, FEED, kind=kind, position=position(), feed_key=KEY
    )
    header = forge.header_list(example)
    header[forge.FLAGS] = flags
    header[forge.PLAINTEXT_COMMITMENT] = forge.commitment_by_hand(suite, plane, secret, parts)
    for place, value in places.items():
        header[getattr(forge, place)] = value
    context = forge.context_by_hand("ortoo/key-commitment", plane, header)
    header[forge.KEY_COMMITMENT] = suite.kdf(KEY, context, suite.hash_bytes)
    context = forge.context_by_hand("ortoo/body-key", plane, header)
    stored = forge.frame_by_hand(parts) if stored is None else stored
    inside = forge.text_by_hand(secret, stored) if text is None else text
    return ByHand(header, inside, suite.kdf(KEY, context, suite.key_bytes)).assemble(by)


# --- refused --------------------------------------------------------------------------------------


def _ask(**changes: Any) -> bytes:
    return forge.make(HERE, feeds.HeadAsk(feed=FEED), OTHER, CITY, **changes)


def _changed(raw: bytes, by: str = OTHER, **places: Any) -> ByHand:
    """`raw` with other values in its header, to be signed anew."""
    header = forge.header_list(raw)
    for place, value in places.items():
        header[getattr(forge, place)] = value
    cut = split(raw, suites=HERE.suites, plane=EXTRANET)
    return ByHand(header, body=cut.body, nonce=cut.nonce)


def _prefix() -> list[Vector]:
    good, other = _ask(), HERE[OTHER]
    ask = _changed(good)
    stranger = forge.party("s159900")
    return [
        Vector("shorter than a prefix", good[:29], "envelope.lengths"),
        Vector("a byte is missing", good[:-1], "envelope.lengths"),
        Vector("a byte too many", good + b"\0", "envelope.lengths"),
        Vector("another magic", b"ORTP" + good[4:], "envelope.magic"),
        Vector("another version", replace(ask, version=2).assemble(other), "envelope.magic"),
        Vector("reserved byte", replace(ask, reserved=2).assemble(other), "envelope.magic"),
        Vector("the other plane", good, "envelope.plane", plane="intranet"),
        Vector("no plane", replace(ask, plane_byte=0).assemble(other), "envelope.plane"),
        Vector("unknown suite", replace(ask, suite_byte=9).assemble(other), "envelope.suite"),
        Vector(
            "header above its limit",
            ByHand(bytes(envelope.MAX_HEADER_BYTES + 1)).assemble(other),
            "envelope.size",
        ),
        Vector("nobody's key", ask.assemble(stranger), "envelope.unknown-key"),
        Vector(
            "signature of zeros",
            replace(ask, signature=bytes(64)).assemble(other),
            "envelope.signature",
        ),
        Vector(
            "another domain",
            replace(ask, signature=HERE[OTHER].signer.sign(good)).assemble(other),
            "envelope.signature",
        ),
        Vector("another body", good[:-1] + b"\xff", "envelope.body-hash"),
        Vector("no msgpack", ByHand(b"\xc1").assemble(other), "codec.malformed"),
        Vector("a place less", ByHand(forge.header_list(good)[:-1]).assemble(other), "codec.shape"),
        Vector("id of 15 bytes", _changed(good, ID=bytes(15)).assemble(other), "envelope.header"),
        Vector("another form", _changed(good, CONTENT_FORM="x").assemble(other), "envelope.header"),
        Vector("unknown flag", _changed(good, FLAGS=2).assemble(other), "envelope.header"),
        Vector("nonce, unsealed", replace(ask, nonce=b"n" * 24).assemble(other), "envelope.header"),
        Vector("a letter for ever", _changed(good, EXPIRES=0).assemble(other), "envelope.header"),
        Vector(
            "a letter for 61 days",
            _changed(good, EXPIRES=NOW_MS + LETTER_LIFE_MS + 1).assemble(other),
            "envelope.header",
        ),
        Vector("no case id", _changed(good, CASE="case").assemble(other), "codec.identifier"),
        Vector("no party", _changed(good, DESTINATION="x").assemble(other), "codec.identifier"),
    ]


def _senders() -> list[Vector]:
    vectors = [
        Vector(
            "the key of another",
            forge.make(HERE, feeds.HeadAsk(feed=FEED), OTHER, CITY, signer=THIRD),
            "envelope.sender",
        ),
    ]
    for name, party, code in (
        ("a suspended sender", SUSPENDED, "envelope.standing"),
        ("a retired key", RETIRED, "envelope.key-retired"),
        ("a stolen key", STOLEN, "envelope.key-retired"),
    ):
        raw = _changed(_ask(), SENDER=party).assemble(forge.party(party))
        vectors.append(Vector(name, raw, code))
    good = _ask()
    return [
        *vectors,
        Vector("for another party", good, "envelope.destination", party=THIRD),
        Vector("expired", good, "envelope.expired", now_ms=NOW_MS + LETTER_LIFE_MS + 1),
        Vector("from the future", good, "envelope.future", now_ms=NOW_MS - 3_600_001),
    ]


def _kinds() -> list[Vector]:
    letter = forge.make(HERE, bodies.ANSWER, CITY, OTHER)
    key = bodies.body_of(feeds.FeedKey)
    three = tuple(HERE[name].recipient for name in (OTHER, HUB))
    city = HERE[CITY]
    return [
        Vector("unknown kind", _changed(_ask(), KIND="x").assemble(HERE[OTHER]), "envelope.kind"),
        Vector("a feed key from the hub", forge.make(HERE, key, HUB, OTHER), "envelope.kind"),
        Vector(
            "a sealed letter with two wraps",
            forge.make(HERE, key, CITY, OTHER, protection=ToParties(three)),
            "envelope.kind",
        ),
        Vector(
            "a notarised letter that the hub cannot open",
            forge.make(
                HERE, bodies.ANSWER, CITY, OTHER, protection=ToParties((HERE[OTHER].recipient,))
            ),
            "envelope.kind",
        ),
        Vector(
            "an item without its number",
            sealed_item([encode(feeds.TableRows(schema=1))], POSITION=None),
            "envelope.kind",
        ),
        Vector(
            "what must be sealed, unsealed",
            _changed(letter, KEY_COMMITMENT=None, PLAINTEXT_COMMITMENT=None).assemble(city),
            "envelope.kind",
        ),
        Vector(
            "one commitment without the other",
            _changed(letter, PLAINTEXT_COMMITMENT=None).assemble(city),
            "envelope.header",
        ),
        Vector(
            "a size between buckets",
            replace(_changed(letter), body=bytes(777)).assemble(city),
            "envelope.size",
        ),
        Vector(
            "on the feed of another",
            sealed_item([encode(feeds.TableRows(schema=1))], by=HERE[OTHER], SENDER=OTHER),
            "feed.owner",
        ),
    ]


def _lean() -> list[Vector]:
    chunk = forge.make(HERE, CHUNK, CITY, OTHER, rows=[b"bytes"])
    altered = bytearray(chunk)
    altered[-100] ^= 1
    another_tag = chunk[:-1] + bytes((chunk[-1] ^ 1,))
    full = forge.make(HERE, CHUNK, CITY, OTHER, rows=[b"bytes"], lean=False)
    key = forge.make(HERE, bodies.body_of(feeds.FeedKey), CITY, OTHER, lean=True)
    return [
        Vector("lean: another byte", bytes(altered), "envelope.open", opener=OTHER),
        Vector("lean: another tag", another_tag, "envelope.body-hash", opener=OTHER),
        Vector("a chunk in the full form", full, "envelope.kind"),
        Vector("a feed key in the lean form", key, "envelope.kind"),
    ]


def _opening() -> list[Vector]:
    rows = encode(feeds.TableRows(schema=1))
    letter = forge.make(HERE, bodies.ANSWER, CITY, OTHER)
    spoilt = forge.header_list(letter)[forge.WRAPS]
    spoilt[0][1] = bytes(80)
    secret = fixed("secret", 32)
    bad_padding = forge.text_by_hand(secret, forge.frame_by_hand([rows])) + b"\1"
    good = sealed_item([rows])

    def item(name: str, raw: bytes, code: str, key: bytes = KEY) -> Vector:
        return Vector(name, raw, code, feed_key=key)

    return [
        Vector("not sealed to this party", letter, "envelope.recipient", opener=THIRD),
        Vector(
            "a wrap that does not open",
            _changed(letter, WRAPS=spoilt).assemble(HERE[CITY]),
            "envelope.open",
            opener=OTHER,
        ),
        item("another key than committed to", good, "envelope.key-commitment", fixed("x", 32)),
        item(
            "body under another header",
            _changed(good, DIRECTORY_VERSION=7).assemble(HERE[CITY]),
            "envelope.open",
        ),
        item("padding but zeros", sealed_item([rows], text=bad_padding), "envelope.padding"),
        item("no length", sealed_item([rows], text=secret), "envelope.padding"),
        item(
            "a frame that states 1 TiB",
            sealed_item([rows], b"\x28\xb5\x2f\xfd\xe0" + (1 << 40).to_bytes(8, "little"), flags=1),
            "envelope.bomb",
        ),
        item("a frame that is none", sealed_item([rows], b"zstd", flags=1), "envelope.lengths"),
        item("parts that end early", sealed_item([rows], b"\0\0\0\2"), "envelope.lengths"),
        item(
            "other rows than committed to",
            sealed_item([rows, b"row"], forge.frame_by_hand([rows, b"other"])),
            "envelope.plaintext-commitment",
        ),
        item("no part at all", sealed_item([]), "envelope.header"),
        item(
            "rows where none may be",
            sealed_item([encode(bodies.SCHEMA), b"row"], kind="table.schema"),
            "envelope.header",
        ),
        item("a body that is no msgpack", sealed_item([b"\xc1"]), "codec.malformed"),
        item("a body with a field too many", sealed_item([encode({"x": 1})]), "codec.shape"),
        item(
            "a body of 20,001 arrays",
            sealed_item([b"\x95" + (b"\xdc\x10\x00" + b"\x90" * 4_096) * 5]),
            "codec.too-large",
        ),
    ]
