"""Attacks on the envelope that the pure core withstands, each shown to stand by a named check.

`stands_by(attack, refused, *defences)`: the attack is refused; where several defences stand behind
each other, each alone still refuses it; and without all of them it succeeds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ortoo_protocol.core import envelope, feeds, verify
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.envelope import Envelope, Position, envelope_hash, split
from ortoo_protocol.core.errors import (
    EnvelopeDestination,
    EnvelopeKeyCommitment,
    EnvelopeKind,
    EnvelopeLengths,
    EnvelopePadding,
    EnvelopePlaintextCommitment,
    EnvelopePlane,
    EnvelopeRecipient,
    EnvelopeSender,
    EnvelopeSignature,
    EnvelopeSize,
    EnvelopeSuite,
    FeedChain,
    FeedError,
    FeedOwner,
)
from ortoo_protocol.core.feeds import Verdict, Watermark, judge
from ortoo_protocol.core.keys import Suite1, Suites, domain
from tests.support import bodies, forge
from tests.support.bodies import FEED
from tests.support.forge import (
    CITY,
    EXTRANET,
    HUB,
    INTRANET,
    NOW_MS,
    OTHER,
    THIRD,
    ByHand,
    Keys,
    World,
    fixed,
)
from tests.support.mutation import Removal, assert_refused, removed, replaced, stands_by, together
from tests.support.two_keys import two_key_body

HERE = forge.world()
SUITE = HERE.suite
FEED_KEY = fixed("feed key", SUITE.key_bytes)
GENESIS = feeds.genesis(SUITE, EXTRANET, FEED, 1)


def item(seq: int, previous: bytes, **changes: object) -> bytes:
    key = changes.pop("feed_key", FEED_KEY)
    assert isinstance(key, bytes)
    body = feeds.TableRows(schema=1)
    rows = [feeds.row_part(feeds.RowChange(0, (str(seq), "街道")))]
    position = Position(1, seq, previous)
    rand = forge.fixed_random(f"item/{seq}/{previous.hex()}")
    return forge.make(HERE, body, CITY, FEED, rows=rows, position=position, feed_key=key, rand=rand)


def letter(here: World = HERE) -> bytes:
    """From CITY, notarised: to OTHER and the hub."""
    return forge.make(here, bodies.ENDED, CITY, OTHER)


def cut(raw: bytes, here: World = HERE) -> Envelope:
    return split(raw, suites=here.suites, plane=here.plane)


# Named checks, as they are removed.
SIGNATURES = replaced(Suite1, "verify", lambda *_: None)


def no_domain_plane() -> Removal:
    """The plane no longer stands in what is signed and keyed."""
    return replaced(envelope, "domain", lambda label, _, *parts: domain(label, EXTRANET, *parts))


def no_associated_data() -> tuple[Removal, Removal]:
    seal, open_ = Suite1.seal, Suite1.open
    return (
        replaced(Suite1, "seal", lambda s, key, nonce, _, text: seal(s, key, nonce, b"", text)),
        replaced(Suite1, "open", lambda s, key, nonce, _, text: open_(s, key, nonce, b"", text)),
    )


ASSOCIATED_DATA = together(*no_associated_data())
KEY_CONTEXT = replaced(envelope, "_key_context", lambda *_: ())


# --- planes and suites ---------------------------------------------------------------------------


def test_cross_plane_replay_with_the_same_keys() -> None:
    """The intranet's station has the very keys of the extranet's, enrolled under the same names."""

    def attack(plane_byte: int) -> None:
        abroad = letter(forge.world(plane=INTRANET))
        known = {key: HERE[CITY].record() for key in (abroad[14:30], HERE[CITY].signing_key_id)}
        careless = replace(HERE, keys=Keys((1,), known))
        careless.verify(abroad[:6] + bytes([plane_byte]) + abroad[7:])

    plane_check = removed(split, "EnvelopePlane")
    stands_by(lambda: attack(INTRANET.byte), EnvelopePlane, plane_check, no_domain_plane())
    # With the plane's byte rewritten, the signature no longer fits: the prefix is signed.
    stands_by(lambda: attack(EXTRANET.byte), EnvelopeSignature, SIGNATURES)


class _WeakSuite(Suite1):
    """Once allowed, since broken: anyone can sign."""

    number = 2

    def verify(self, public: bytes, message: bytes, signature: bytes) -> None:
        return


def test_downgraded_suite() -> None:
    """A forger names a suite that he can break and that the program still has built in."""

    def attack(allowed: tuple[int, ...], enrolled: int) -> None:
        weak = forge.world(_WeakSuite())
        forged = forge.make(weak, bodies.HEAD, CITY, OTHER, kind="feed.head-answer", signer=THIRD)
        victim = weak[CITY].record(suite=enrolled)
        keys = Keys(allowed, {weak[THIRD].signing_key_id: victim})
        suites = Suites((_WeakSuite(), Suite1()))
        verify.verify(forged, suites=suites, plane=EXTRANET, keys=keys, now_ms=NOW_MS)

    allow_list = removed(verify.verify, "EnvelopeSuite")
    stands_by(lambda: attack((1,), 1), EnvelopeSuite, allow_list)
    # Both allowed while members move from one to the other: the key's own suite counts.
    stands_by(lambda: attack((1, 2), 1), EnvelopeSuite, allow_list)
    attack((1, 2), 2)


# --- who wrote it, and to whom -------------------------------------------------------------------


def test_strip_and_re_sign_as_ones_own() -> None:
    """THIRD takes the sealed letter of CITY to OTHER and sends it as its own, unread."""

    def attack() -> None:
        stolen = letter()
        header = forge.header_list(stolen)
        header[forge.SENDER] = THIRD
        mine = ByHand(header, body=cut(stolen).body, nonce=cut(stolen).nonce)
        opened = HERE.open(mine.assemble(HERE[THIRD]))
        assert opened.header.sender == THIRD
        assert opened.body == bodies.ENDED

    stands_by(attack, EnvelopeKeyCommitment, KEY_CONTEXT, ASSOCIATED_DATA)


def test_strip_and_re_sign_in_the_senders_name() -> None:
    def attack() -> None:
        stolen = letter()
        again = ByHand(cut(stolen).header, body=cut(stolen).body, nonce=cut(stolen).nonce)
        HERE.verify(again.assemble(HERE[THIRD]))

    stands_by(attack, EnvelopeSender, removed(verify._check_sender, "EnvelopeSender"))


def test_re_wrapped_to_a_third_party() -> None:
    """OTHER was written to, and makes THIRD believe that CITY wrote to it."""

    def attack() -> None:
        got = letter()
        header = forge.header_list(got)
        content_key = HERE[OTHER].content_key(HERE.verify(got).header)
        assert content_key is not None
        to = HERE[THIRD].recipient
        wrap = SUITE.wrap(to.public, content_key, fixed("once", SUITE.seed_bytes))
        header[forge.WRAPS][0] = [to.key_id, wrap]
        header[forge.DESTINATION] = THIRD
        forged = ByHand(
            header,
            body=cut(got).body,
            nonce=cut(got).nonce,
            signature=cut(got).signature,
        ).assemble(HERE[CITY])
        opened = HERE.open(forged, THIRD)
        assert opened.body == bodies.ENDED

    stands_by(attack, EnvelopeSignature, SIGNATURES, KEY_CONTEXT, ASSOCIATED_DATA)


def test_foreign_destination() -> None:
    """A letter between two others is brought to THIRD: by the hub, or by a wrong binding."""

    def attack() -> None:
        message = HERE.verify(letter())
        verify.check_addressee(message, THIRD)

    stands_by(attack, EnvelopeDestination, removed(verify.check_addressee, "EnvelopeDestination"))
    assert_refused(lambda: HERE.open(letter(), THIRD), EnvelopeRecipient)


# --- one ciphertext, two contents ----------------------------------------------------------------


def _opened_under_the_other_key(opening: Callable[[], object]) -> None:
    """The AEAD took the second key. What came out is noise that the frames may still refuse; it is
    the publisher's choice how far he drives it."""
    try:
        opening()
    except (EnvelopePadding, EnvelopeLengths, EnvelopePlaintextCommitment):
        return


def _two_key_envelope(header: list[object], one: bytes, other: bytes) -> bytes:
    """`header` with a commitment to the key `one` and a body that opens under both."""
    header = list(header)
    context = forge.context_by_hand("ortoo/key-commitment", EXTRANET.byte, header)
    header[forge.KEY_COMMITMENT] = SUITE.kdf(one, context, SUITE.hash_bytes)
    context = forge.context_by_hand("ortoo/body-key", EXTRANET.byte, header)
    keys = [SUITE.kdf(key, context, SUITE.key_bytes) for key in (one, other)]
    secret = fixed("secret", SUITE.key_bytes)
    stored = forge.frame_by_hand([encode(bodies.ENDED)])
    text = forge.text_by_hand(secret, stored, 1024 - 16 - 32)
    nonce = fixed("nonce", SUITE.nonce_bytes)
    draft = ByHand(header, body=bytes(1024), nonce=nonce).assemble(HERE[CITY])
    body = two_key_body(keys[0], keys[1], nonce, cut(draft).associated, text)
    for key in keys:
        SUITE.open(key, nonce, cut(draft).associated, body)  # both, really
    return ByHand(header, body=body, nonce=nonce).assemble(HERE[CITY])


KEY_COMMITMENT = removed(verify.open_content, "EnvelopeKeyCommitment")


def test_two_key_ciphertext() -> None:
    """A notarised letter that says one thing to the hub and another to the peer."""

    def attack() -> None:
        for_peer, for_hub = fixed("peer", 32), fixed("hub", 32)
        header = forge.header_list(letter())
        for wrap, key, name in zip(
            header[forge.WRAPS], (for_peer, for_hub), (OTHER, HUB), strict=True
        ):
            wrap[1] = SUITE.wrap(HERE[name].recipient.public, key, fixed(name, 32))
        raw = _two_key_envelope(header, for_peer, for_hub)
        _opened_under_the_other_key(lambda: HERE.open(raw, HUB))

    stands_by(attack, EnvelopeKeyCommitment, KEY_COMMITMENT)


def test_different_epoch_keys_to_different_readers() -> None:
    """The publisher hands two readers two keys for one epoch and makes one item open under both."""
    another = fixed("another", SUITE.key_bytes)
    assert_refused(lambda: HERE.open(item(1, GENESIS), feed_key=another), EnvelopeKeyCommitment)

    def attack() -> None:
        raw = _two_key_envelope(forge.header_list(item(1, GENESIS)), FEED_KEY, another)
        _opened_under_the_other_key(lambda: HERE.open(raw, feed_key=another))

    stands_by(attack, EnvelopeKeyCommitment, KEY_COMMITMENT)


def test_other_content_than_was_committed_to() -> None:
    """The publisher signs the commitment to one row and seals another: later he would deny it."""

    def attack() -> None:
        header = forge.header_list(item(1, GENESIS))
        context = forge.context_by_hand("ortoo/body-key", EXTRANET.byte, header)
        parts = [encode(feeds.TableRows(schema=1)), encode([0, "1", "另一行"])]
        text = forge.text_by_hand(fixed("secret", 32), forge.frame_by_hand(parts))
        raw = ByHand(header, text, SUITE.kdf(FEED_KEY, context, 32)).assemble(HERE[CITY])
        HERE.open(raw, feed_key=FEED_KEY)

    stands_by(
        attack,
        EnvelopePlaintextCommitment,
        removed(verify.open_content, "EnvelopePlaintextCommitment"),
    )


# --- feeds ---------------------------------------------------------------------------------------


def test_reader_forges_on_the_feed_it_reads() -> None:
    """OTHER holds the feed's key, so it can seal; it signs with its own key."""

    def forged(sender: str) -> None:
        header = forge.header_list(item(1, GENESIS))
        header[forge.SENDER] = sender
        secret, parts = fixed("secret", 32), [encode(feeds.TableRows(schema=1)), b"\x93\0\1\2"]
        promise = forge.commitment_by_hand(SUITE, EXTRANET.byte, secret, parts)
        header[forge.PLAINTEXT_COMMITMENT] = promise
        context = forge.context_by_hand("ortoo/key-commitment", EXTRANET.byte, header)
        header[forge.KEY_COMMITMENT] = SUITE.kdf(FEED_KEY, context, SUITE.hash_bytes)
        context = forge.context_by_hand("ortoo/body-key", EXTRANET.byte, header)
        text = forge.text_by_hand(secret, forge.frame_by_hand(parts))
        raw = ByHand(header, text, SUITE.kdf(FEED_KEY, context, 32)).assemble(HERE[OTHER])
        assert HERE.open(raw, THIRD, FEED_KEY).rows == (b"\x93\0\1\2",)

    stands_by(lambda: forged(OTHER), FeedOwner, removed(verify._check_kind, "FeedOwner"))
    stands_by(lambda: forged(CITY), EnvelopeSender, removed(verify._check_sender, "EnvelopeSender"))


class Reader:
    """Takes what is next, as a station does; hands on nothing else."""

    def __init__(self) -> None:
        self.mark = Watermark(1, 0, GENESIS)
        self.taken: list[int] = []

    def receive(self, raw: bytes) -> Verdict:
        message = HERE.verify(raw)
        position = message.header.position
        assert position is not None
        verdict = judge(self.mark, position, FEED)
        if verdict is Verdict.NEXT:
            self.mark = Watermark(position.incarnation, position.seq, message.hash)
            self.taken.append(position.seq)
        return verdict

    def must_take(self, raw: bytes) -> None:
        if self.receive(raw) is not Verdict.NEXT:
            raise FeedError()


def chain(count: int) -> list[bytes]:
    made, previous = [], GENESIS
    for seq in range(1, count + 1):
        made.append(item(seq, previous))
        previous = envelope_hash(cut(made[-1]))
    return made


GAP = removed(judge, "Verdict.GAP")
CHAIN = removed(judge, "FeedChain")


def test_reordered_or_dropped_on_the_way() -> None:
    one, two, three = chain(3)
    reader = Reader()
    assert [reader.receive(raw) for raw in (one, three, two, two, three)] == [
        Verdict.NEXT,
        Verdict.GAP,
        Verdict.NEXT,
        Verdict.DUPLICATE,
        Verdict.NEXT,
    ]
    assert reader.taken == [1, 2, 3]

    def attack() -> None:
        reader = Reader()
        for raw in (one, three):
            reader.must_take(raw)

    stands_by(attack, FeedError, GAP, CHAIN)


def test_renumbered_on_the_way() -> None:
    """The hub drops item 2 and gives its number to item 3: the number is signed."""

    def attack() -> None:
        one, _, three = chain(3)
        header = forge.header_list(three)
        header[forge.POSITION][1:] = [2, envelope_hash(cut(one))]
        three = ByHand(
            header, body=cut(three).body, nonce=cut(three).nonce, signature=cut(three).signature
        ).assemble(HERE[CITY])
        reader = Reader()
        for raw in (one, three):
            reader.must_take(raw)

    stands_by(attack, EnvelopeSignature, SIGNATURES)


def test_publisher_skips_a_number() -> None:
    """It never publishes item 2, to deny later what stood there, and goes on with 3."""

    def attack() -> None:
        one = item(1, GENESIS)
        three = item(3, envelope_hash(cut(one)))
        reader = Reader()
        for raw in (one, three):
            reader.must_take(raw)

    stands_by(attack, FeedError, GAP)


def test_publisher_fills_a_skipped_number_afterwards() -> None:
    """Asked for item 2, it makes one up; but 3 was signed as the successor of 1."""

    def attack() -> None:
        one = item(1, GENESIS)
        after_one = envelope_hash(cut(one))
        three, made_up = item(3, after_one), item(2, after_one)
        reader = Reader()
        for raw in (one, made_up, three):
            reader.must_take(raw)

    stands_by(attack, FeedChain, CHAIN)


def test_two_items_under_one_number() -> None:
    """One to the reader, another to whoever asks for it again."""

    def attack() -> None:
        one, other = item(1, GENESIS), item(1, GENESIS, feed_key=fixed("another", 32))
        assert Reader().receive(one) is Reader().receive(other) is Verdict.NEXT
        feeds.check_same(HERE.verify(one).hash, HERE.verify(other).hash, 1, FEED)

    stands_by(attack, "feed.fork", removed(feeds.check_same, "FeedFork"))


def test_hub_adds_a_reader() -> None:
    """It can bind a queue and bring the items. It cannot give a key: it holds none, a station's
    software takes none from it, and what another holds it can neither open nor re-address."""
    assert_refused(lambda: HERE.open(item(1, GENESIS), HUB), EnvelopeRecipient)

    def gives_a_key() -> None:
        key = bodies.body_of(feeds.FeedKey)
        HERE.open(forge.make(HERE, key, HUB, THIRD), THIRD)

    stands_by(gives_a_key, EnvelopeKind, removed(verify._check_kind, "EnvelopeKind"))

    to_reader = forge.make(HERE, bodies.body_of(feeds.FeedKey), CITY, OTHER)
    assert_refused(lambda: HERE.open(to_reader, HUB), EnvelopeRecipient)

    def adds_its_own_wrap() -> None:
        header = forge.header_list(to_reader)
        hub = HERE[HUB].recipient
        header[forge.WRAPS].append([hub.key_id, SUITE.wrap(hub.public, FEED_KEY, fixed("x", 32))])
        HERE.verify(
            ByHand(
                header,
                body=cut(to_reader).body,
                nonce=cut(to_reader).nonce,
                signature=cut(to_reader).signature,
            ).assemble(HERE[CITY])
        )

    one_wrap = removed(verify._check_kind, "EnvelopeKind")
    stands_by(adds_its_own_wrap, EnvelopeSignature, SIGNATURES, one_wrap)


def test_ended_reader_opens_the_next_epoch() -> None:
    """A fresh key is drawn; neither the old one nor any step of its ratchet opens what follows."""
    fresh = fixed("fresh", SUITE.key_bytes)
    raw = item(1, GENESIS, feed_key=fresh)
    held = FEED_KEY
    for epoch in range(1, feeds.MAX_RATCHET_STEPS):
        attempt = held
        assert_refused(lambda key=attempt: HERE.open(raw, feed_key=key), EnvelopeKeyCommitment)  # type: ignore[misc]
        held = feeds.ratchet(SUITE, EXTRANET, FEED, epoch, held)


def test_sizes_outside_buckets() -> None:
    """A letter as long as its content: who counts bytes on the broker reads which answer it is."""

    def attack() -> None:
        header = forge.header_list(letter())
        HERE.verify(ByHand(header, bytes(777)).assemble(HERE[CITY]))

    stands_by(attack, EnvelopeSize, removed(verify._check_kind, "EnvelopeSize"))
