"""strings.json: domain strings, names of keys, derivations, framing, rows, ids, msgpack."""

from __future__ import annotations

from typing import Any

from ortoo_protocol.core import commitment, feeds, frames, grants
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.keys import Suite1, domain, fingerprint, key_id
from ortoo_protocol.core.topology import subscription_name
from tests.support import bodies
from tests.support.forge import CITY, EXTRANET, INTRANET, fixed

HOW = (
    "Inputs named by a label are SHAKE-256 of that label. Each entry gives the inputs of one "
    "computation of SPEC.md and its result; those of `refused` give an input and the error code."
)


def make() -> dict[str, Any]:
    suite = Suite1()
    seed, key, secret = fixed("seed", 32), fixed("key", 32), fixed("secret", 32)
    public, wrap_public = suite.signer(seed).public, suite.wrap_public(seed)
    parts = [b"one", b"", b"three"]
    return {
        "how": HOW,
        "suite": 1,
        "domain": [
            {
                "label": label,
                "plane": plane.value,
                "parts": [part.hex() for part in given],
                "out": domain(label, plane, *given).hex(),
            }
            for label, plane, given in (
                ("ortoo/envelope", EXTRANET, []),
                ("ortoo/envelope", INTRANET, [b""]),
                ("ortoo/salt", EXTRANET, [b"ab", b"c"]),
                ("ortoo/salt", EXTRANET, [b"a", b"bc"]),
            )
        ],
        "suite_1": {
            "seed": seed.hex(),
            "sign_public": public.hex(),
            "wrap_public": wrap_public.hex(),
            "message": b"message".hex(),
            "signature": suite.signer(seed).sign(b"message").hex(),
            "hash_of_message": suite.hash(b"message").hex(),
            "kdf_key": key.hex(),
            "kdf_of_message_48": suite.kdf(key, b"message", 48).hex(),
            "xof_of_message_100": suite.xof(key, b"message", 100).hex(),
            "wrap_once_seed": fixed("once", 32).hex(),
            "wrapped_kdf_key": suite.wrap(wrap_public, key, fixed("once", 32)).hex(),
            "nonce": fixed("nonce", 24).hex(),
            "aad": b"aad".hex(),
            "sealed_message": suite.seal(key, fixed("nonce", 24), b"aad", b"message").hex(),
        },
        "key_id": [
            {
                "plane": plane.value,
                "usage": usage,
                "public": public.hex(),
                "out": key_id(suite, plane, usage, public).hex(),
            }
            for plane in (EXTRANET, INTRANET)
            for usage in ("sign", "wrap")
        ],
        "fingerprint": {
            "plane": "extranet",
            "document": b"document".hex(),
            "out": fingerprint(suite, EXTRANET, b"document"),
        },
        "commitment": {
            "plane": "extranet",
            "secret": secret.hex(),
            "parts": [part.hex() for part in parts],
            "framed": frames.frame(parts).hex(),
            "salts": [
                commitment.show(suite, EXTRANET, secret, parts, n).salt.hex() for n in range(3)
            ],
            "out": commitment.commit(suite, EXTRANET, secret, parts).hex(),
        },
        "commitments": [_shown(count, index) for count, index in ((1, 0), (64, 63), (130, 128))],
        "buckets": [
            [size, frames.bucket(size)]
            for size in (1, 512, 513, 4_096, 4_097, 65_536, 65_537, 131_072, 131_073)
        ],
        "genesis": {
            "plane": "extranet",
            "feed": bodies.FEED,
            "incarnation": 1,
            "out": feeds.genesis(suite, EXTRANET, bodies.FEED, 1).hex(),
        },
        "ratchet": {
            "plane": "extranet",
            "feed": bodies.FEED,
            "epoch": 1,
            "key": key.hex(),
            "out": feeds.ratchet(suite, EXTRANET, bodies.FEED, 1, key).hex(),
        },
        "grant_hash": {
            "plane": "extranet",
            "terms": encode(bodies.TERMS).hex(),
            "out": grants.grant_hash(suite, EXTRANET, encode(bodies.TERMS)).hex(),
        },
        "queue_name": {"feed": bodies.FEED, "out": subscription_name(bodies.FEED)},
        "refused": _refused(),
    }


def _shown(count: int, index: int) -> dict[str, Any]:
    """Of `count` parts, the i-th being i as u32: one part and what proves it."""
    suite, secret = Suite1(), bytes(range(32))
    parts = [number.to_bytes(4, "big") for number in range(count)]
    shown = commitment.show(suite, EXTRANET, secret, parts, index)
    return {
        "plane": "extranet",
        "secret": secret.hex(),
        "count": count,
        "out": commitment.commit(suite, EXTRANET, secret, parts).hex(),
        "index": index,
        "part": shown.part.hex(),
        "salt": shown.salt.hex(),
        "leaves": [leaf.hex() for leaf in shown.leaves],
        "groups": [group.hex() for group in shown.groups],
    }


def _refused() -> list[dict[str, str]]:
    """`as`: party, feed, department (text) or msgpack, rows, content, zstd (hex)."""
    cases = [
        ("party", "s15070", "codec.identifier"),
        ("party", "S150700", "codec.identifier"),
        ("feed", CITY, "codec.identifier"),
        ("feed", f"{CITY}.Townships", "codec.identifier"),
        ("department", "11150000MB0000000D", "codec.identifier"),
        ("msgpack", "", "codec.malformed"),
        ("msgpack", "82a16101a16102", "codec.malformed"),
        ("msgpack", "810102", "codec.malformed"),
        ("msgpack", "0101", "codec.malformed"),
        ("msgpack", "d40100", "codec.malformed"),
        ("msgpack", "d6ff00000000", "codec.malformed"),
        ("msgpack", "a1ff", "codec.malformed"),
        ("msgpack", "dd00001001", "codec.malformed"),
        ("msgpack", "91" * 1_025 + "01", "codec.malformed"),
        ("msgpack", "95" + ("dc1000" + "90" * 4_096) * 5, "codec.too-large"),
        ("rows", "91c3", "codec.shape"),
        ("rows", "9200a131", "codec.shape"),
        ("rows", "9302a131a132", "codec.shape"),
        ("rows", "9300a131cb7ff8000000000000", "codec.malformed"),
        ("rows", "9300a131cf8000000000000000", "codec.malformed"),
        ("rows", "9300a13190", "codec.too-large"),
        ("content", "", "envelope.lengths"),
        ("content", "0000000100000002aa", "envelope.lengths"),
        ("content", "0000000100000001aabb", "envelope.lengths"),
        ("content", "ffffffff", "envelope.lengths"),
        ("zstd", "28b52ffde0ffffffffffffff7f", "envelope.bomb"),
        ("zstd", "28b52ffd0058010000", "envelope.bomb"),
        ("zstd", "00", "envelope.lengths"),
    ]
    return [{"as": kind, "in": value, "expect": code} for kind, value, code in cases]
