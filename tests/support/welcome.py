"""A region in memory that takes a real enrolment request and answers with a real welcome."""

from __future__ import annotations

from msgspec.structs import replace

from ortoo_protocol.core import enrolment
from ortoo_protocol.core.directory import DAY_MS, PartyEntry, SigningKeyEntry
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.trust import fingerprint_of_root
from tests.support.trust import HUB, Region, seeded


def welcome_for(plane: Plane, request: bytes, now_ms: int) -> tuple[bytes, str]:
    """(welcome, fingerprint of the root) for the station that made `request`, as of `now_ms`."""
    region = Region(plane=plane, now_ms=now_ms, parties=(HUB,))
    asked, _ = enrolment.read_request(request, plane=plane, suites=region.suites, allowed=(1,))

    def entry(party: str, public: bytes) -> PartyEntry:
        key = SigningKeyEntry(
            suite=region.suite.number,
            public=public,
            from_ms=now_ms - DAY_MS,
            until_ms=now_ms + 365 * DAY_MS,
            link=b"",
            compromised_since_ms=None,
        )
        parent = None if party == HUB else HUB
        return replace(region.entry(HUB), party=party, parent=parent, since_ms=now_ms, keys=(key,))

    root = region.sign_root(region.root())
    directory = replace(
        region.directory(),
        parties=(entry(HUB, region.signer(HUB).public), entry(asked.party, asked.signing_public)),
    )
    trust = region.pinned(root).with_directory(region.sign_directory(directory), now_ms)
    stamp = region.stamp(trust.directory_version, trust.directory_hash)
    trust = trust.with_timestamp(stamp, now_ms).with_announcement(asked.announcement, now_ms)
    welcome = enrolment.make_welcome(
        party=asked.party,
        to=trust.recipient(asked.party, now_ms),
        trust=trust,
        broker=enrolment.Broker("broker.example", 5671, "/", asked.party, "hush", "PEM"),
        signer=region.signer(HUB),
        suite=region.suite,
        rand=seeded("welcome"),
    )
    return welcome, fingerprint_of_root(root, plane=plane, suites=region.suites)
