"""What a station's people could do with all that lies in their station's folder: open items with
every feed key that it was ever given.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ortoo_protocol.core import feeds
from ortoo_protocol.core.envelope import envelope_hash, split
from ortoo_protocol.core.errors import EnvelopeKeyCommitment
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import builtin_suites
from ortoo_protocol.core.messages import kind_named
from ortoo_protocol.core.verify import Message, open_content, read_header
from ortoo_protocol.station import feed_reader, secrets
from ortoo_protocol.station.context import Identity
from ortoo_protocol.station.keyfile import KeyFile
from ortoo_protocol.station.settings import read_secret

RATCHET_STEPS = 8


@dataclass(frozen=True)
class HeldKey:
    feed: str
    incarnation: int
    epoch: int
    key: bytes = field(repr=False)


def keys_held(folder: Path, party: str, plane: str) -> list[HeldKey]:
    """Every feed key in the store of the station in `folder`, opened with its own key file."""
    identity = _identity(folder, party, Plane(plane))
    store = folder / "store.sqlite"
    with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as db:
        rows = db.execute("SELECT feed, incarnation, epoch, key FROM feed_in_keys").fetchall()
    return [
        HeldKey(feed, incarnation, epoch, secrets.unseal(identity, use, sealed))
        for feed, incarnation, epoch, sealed in rows
        for use in (feed_reader.key_use(feed, incarnation, epoch),)
    ]


def _identity(folder: Path, party: str, plane: Plane) -> Identity:
    keys = KeyFile.load(
        folder / "keys" / "station.key",
        read_secret(folder / "keys" / "passphrase"),
        plane,
        party,
        builtin_suites(),
    )
    return Identity(
        party=party,
        name=party,
        plane=plane,
        suite=keys.suite,
        signer=keys.signer,
        signing_key_id=keys.signing_key_id,
        wrap_seeds=keys.wrap_seeds,
        store_key=keys.store_key,
    )


def opens(item: bytes, plane: str, held: Iterable[HeldKey]) -> bool:
    """Whether one of the keys, or what the ratchet makes of it, opens this feed item."""
    envelope = split(item, suites=builtin_suites(), plane=Plane(plane))
    header = read_header(envelope)
    message = Message(envelope, header, kind_named(header.kind), envelope_hash(envelope))
    for one in held:
        if one.feed != header.destination:
            continue
        key = one.key
        for epoch in range(one.epoch, one.epoch + RATCHET_STEPS):
            try:
                open_content(message, lambda _header, k=key: k)  # type: ignore[misc]
            except EnvelopeKeyCommitment:
                key = feeds.ratchet(envelope.suite, Plane(plane), one.feed, epoch, key)
            else:
                return True
    return False
