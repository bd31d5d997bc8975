"""Members: how one comes in, what it takes, and how one is put out and brought back."""

from __future__ import annotations

from pathlib import Path

import pytest

from ortoo_hub import directory, membership
from ortoo_protocol.core.announcement import Announcement, DepartmentEntry, WrapKeyEntry
from ortoo_protocol.core.directory import DAY_MS, Directory, read_body, read_document
from ortoo_protocol.core.enrolment import fingerprint_of, make_request, open_welcome
from ortoo_protocol.core.errors import (
    BusLoginRefused,
    CodecIdentifier,
    TrustAnnouncement,
    TrustKey,
    TrustMalformed,
    TrustRequestPin,
    TrustThreshold,
    TrustToken,
    TrustUnknownParty,
)
from ortoo_protocol.core.notices import Announce
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from tests.support.hubs import PROVIDER, READER, HubKit, Running
from tests.support.stations import until
from tests.support.trust import DEPARTMENTS, HUB, Region

NEW = "s150400"
NEW_DEPARTMENT = ("11150200MB11111118", "赤峰市民政局")


def request(
    region: Region,
    token: str,
    *,
    now_ms: int,
    party: str = NEW,
    department: tuple[str, str] = NEW_DEPARTMENT,
) -> tuple[bytes, str]:
    """As its station makes it, and the fingerprint that its people read out."""
    key = WrapKeyEntry(
        suite=region.suite.number,
        public=region.suite.wrap_public(region.wrap_seed(party)),
        from_ms=now_ms,
        until_ms=now_ms + 60 * DAY_MS,
    )
    announcement = Announcement(
        party=party,
        number=1,
        time_ms=now_ms,
        wrap_keys=(key,),
        departments=(DepartmentEntry(code=department[0], name=department[1]),),
        contact="",
    )
    raw = make_request(
        party=party,
        name=f"{party} 站",
        token=token,
        announcement=region.sign_announcement(announcement),
        signer=region.signer(party),
        suite=region.suite,
        plane=region.plane,
    )
    return raw, fingerprint_of(raw, plane=region.plane, suites=region.suites)


def sign(region: Region, proposed: bytes, count: int = 2) -> bytes:
    """The registrars look at a proposal and sign it."""
    body = read_body(read_document(proposed, "directory"), Directory)
    return region.sign_directory(body, region.registrars[:count])


async def publish_next(running: Running) -> dict[str, object]:
    proposed = await running.call["directory.propose"]()
    raw = sign(running.kit.region, proposed["document"])
    published: dict[str, object] = await running.call["directory.publish"](raw)
    return published


async def test_from_token_to_welcome(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    async with kit.hub_running(kit.hub()) as running:
        call, region = running.call, kit.region
        token = (await call["member.token"](NEW))["token"]
        raw, shown = request(region, token, now_ms=kit.clock())
        admitted = await call["member.admit"](raw, shown)
        assert admitted["departments"] == [{"code": NEW_DEPARTMENT[0], "name": NEW_DEPARTMENT[1]}]
        (row,) = (m for m in (await call["member.list"]())["members"] if m["party"] == NEW)
        assert (row["status"], row["pending"]) == ("", "active")
        with pytest.raises(TrustUnknownParty):
            await call["member.welcome"](NEW)

        published = await publish_next(running)
        assert published["changes"] == [{"party": NEW, "from": "", "to": "active"}]
        shown_directory = await call["directory.show"]()
        assert (shown_directory["version"], shown_directory["pending"]) == (2, [])
        (row,) = (m for m in shown_directory["parties"] if m["party"] == NEW)
        assert (row["status"], row["pending"], row["departments"]) == ("active", None, 1)

        welcome = await call["member.welcome"](NEW)
        trust, broker = open_welcome(
            welcome["welcome"],
            party=NEW,
            wrap_seed=region.wrap_seed(NEW),
            fingerprint=welcome["fingerprint"],
            plane=region.plane,
            suites=region.suites,
            now_ms=kit.clock(),
        )
        trust.check_fresh(kit.clock())
        assert trust.party(NEW).status == "active"
        await until(lambda: _may_log_in(kit, broker.password))


def _may_log_in(kit: HubKit, password: str) -> bool:
    try:
        kit.broker.log_in(NEW, password)
    except BusLoginRefused:
        return False
    return True


async def test_requests_that_are_refused(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    async with kit.hub_running(kit.hub()) as running:
        call, region, now_ms = running.call, kit.region, kit.clock()
        token = (await call["member.token"](NEW))["token"]
        raw, shown = request(region, token, now_ms=now_ms)
        with pytest.raises(TrustRequestPin, match="The enrolment request"):
            await call["member.admit"](raw, "0000 " * 10)
        other, other_shown = request(region, token, now_ms=now_ms, party="s150500")
        with pytest.raises(TrustToken):  # of another party
            await call["member.admit"](other, other_shown)
        taken, taken_shown = request(region, token, now_ms=now_ms, department=DEPARTMENTS[PROVIDER])
        with pytest.raises(TrustAnnouncement):
            await call["member.admit"](taken, taken_shown)
        assert (await call["directory.show"]())["pending"] == []

        await call["member.admit"](raw, shown.upper())
        await call["member.admit"](raw, shown)  # the same again is the same
        second, second_shown = request(region, token, now_ms=now_ms + 1)
        with pytest.raises(TrustToken):  # used
            await call["member.admit"](second, second_shown)
        with pytest.raises(CodecIdentifier):
            await call["member.token"](HUB)


async def test_a_token_ends(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    hub = kit.hub()

    def expired(tx: Tx) -> None:
        token, expires_ms = membership.make_token(tx, NEW, 1)
        tx.now_ms = expires_ms + 1
        raw, shown = request(kit.region, token, now_ms=expires_ms)
        membership.admit(tx, raw, shown)

    with pytest.raises(TrustToken):
        await hub.station.write(expired)
    await hub.station.close()


async def test_a_directory_needs_the_threshold(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    async with kit.hub_running(kit.hub()) as running:
        await running.call["member.suspend"](READER, "欠缺整改")
        proposed = await running.call["directory.propose"]()
        assert proposed["threshold"] == 2
        with pytest.raises(TrustThreshold):
            await running.call["directory.publish"](sign(kit.region, proposed["document"], 1))
        with pytest.raises(TrustThreshold):
            await running.call["directory.publish"](proposed["document"])
        assert (await running.call["directory.show"]())["version"] == 1
        await running.call["directory.publish"](sign(kit.region, proposed["document"]))
        assert (await running.call["directory.show"]())["version"] == 2


async def test_the_next_root_is_published_like_a_directory(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    reader, region = kit.station(READER), kit.region
    root = region.sign_root(region.root(version=2))
    async with kit.hub_running(kit.hub(), reader) as running:
        with pytest.raises(TrustThreshold):
            await running.call["directory.publish"](
                region.sign_root(region.root(version=2), region.roots[:1])
            )
        await running.call["directory.publish"](root)
        await until(lambda: reader.parts.trust.current.root.version == 2)
        await publish_next(running)
        assert (await running.call["directory.show"]())["root_version"] == 2
        stray = region.sign_announcement(region.announcement(READER, number=2))
        with pytest.raises(TrustMalformed):
            await running.call["directory.publish"](stray)


async def test_a_suspended_member_is_out_until_it_is_restored(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    provider, reader = kit.station(PROVIDER), kit.station(READER)
    async with kit.hub_running(kit.hub(), provider, reader) as running:
        await running.call["member.suspend"](READER, "欠缺整改")
        assert reader.wire.link is not None  # nothing happens before registrars have signed
        linked_ms = reader.linked_ms
        await publish_next(running)
        await until(lambda: isinstance(reader.link_error, BusLoginRefused))
        assert reader.wire.link is None
        assert reader.linked_ms > linked_ms, "since when it is away, not since when it was there"
        with pytest.raises(BusLoginRefused):
            await kit.bus(READER).connect()
        assert provider.wire.link is not None
        # The others know it by the directory feed.
        await until(lambda: provider.parts.trust.current.party(READER).status == "suspended")
        await running.call["member.restore"](READER, "已整改")
        await publish_next(running)
        await until(lambda: reader.wire.link is not None)
        # While it was out it missed two directories; it gets them now.
        await until(lambda: reader.parts.trust.current.directory_version == 3)


async def test_a_revoked_member_is_out_and_enrols_anew(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    provider, reader = kit.station(PROVIDER), kit.station(READER)
    async with kit.hub_running(kit.hub(), provider, reader) as running:
        await running.call["member.revoke"](READER, "撤并")
        await publish_next(running)
        await until(lambda: isinstance(reader.link_error, BusLoginRefused))
        await until(lambda: provider.parts.trust.current.party(READER).status == "revoked")
        with pytest.raises(TrustMalformed):
            await running.call["member.restore"](READER, "恢复")


async def test_a_compromised_key_counts_no_more(tmp_path: Path) -> None:
    """Of letters on their way too; with a new key the member is in again."""
    kit = HubKit(tmp_path)
    provider = kit.station(PROVIDER)
    async with kit.hub_running(kit.hub(), provider) as running:
        since_ms = kit.clock() - 3_600_000
        answer = await running.call["member.compromise"](PROVIDER, since_ms)
        assert len(answer["keys"]) == 1
        await publish_next(running)
        trust = running.hub.station.parts.trust.current
        assert [key.compromised_since_ms for key in trust.party(PROVIDER).keys] == [since_ms]
        with pytest.raises(TrustKey):
            trust.current_signing_key(PROVIDER, kit.clock())
        token = (await running.call["member.token"](PROVIDER))["token"]
        anew, department = Replaced(), DEPARTMENTS[PROVIDER]
        raw, shown = request(anew, token, now_ms=kit.clock(), party=PROVIDER, department=department)
        await running.call["member.admit"](raw, shown)
        await publish_next(running)
        trust = running.hub.station.parts.trust.current
        record = trust.current_signing_key(PROVIDER, kit.clock())
        assert (record.public, record.linked) == (anew.signer(PROVIDER).public, False)


async def test_what_cannot_be_compromised(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    async with kit.hub_running(kit.hub()) as running:
        compromise = running.call["member.compromise"]
        with pytest.raises(TrustMalformed):
            await compromise(HUB, kit.clock())
        with pytest.raises(TrustMalformed):
            await compromise(READER, kit.clock() + 60_000)
        with pytest.raises(TrustUnknownParty):
            await compromise(NEW, kit.clock())


async def test_what_cannot_be_suspended(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    async with kit.hub_running(kit.hub()) as running:
        with pytest.raises(TrustMalformed):
            await running.call["member.suspend"](HUB, "理由")
        with pytest.raises(TrustMalformed):
            await running.call["member.suspend"](READER, " ")
        with pytest.raises(TrustUnknownParty):
            await running.call["member.suspend"](NEW, "理由")


class Replaced(Region):
    """The same region after a member lost its keys."""

    def seed(self, name: str) -> bytes:
        return super().seed(f"{name} again" if name.startswith(PROVIDER) else name)


async def test_a_lost_key_is_replaced_and_shows(tmp_path: Path) -> None:
    """The old key did not sign the new one: providers' people have to look at it."""
    kit = HubKit(tmp_path)
    async with kit.hub_running(kit.hub()) as running:
        token = (await running.call["member.token"](PROVIDER))["token"]
        raw, shown = request(
            Replaced(),
            token,
            now_ms=kit.clock(),
            party=PROVIDER,
            department=DEPARTMENTS[PROVIDER],
        )
        await running.call["member.admit"](raw, shown)
        await publish_next(running)
        trust = running.hub.station.parts.trust.current
        assert [key.link for key in trust.party(PROVIDER).keys] == [b"", b""]
        record = trust.current_signing_key(PROVIDER, kit.clock())
        assert (record.public, record.linked) == (Replaced().signer(PROVIDER).public, False)


async def test_timestamps_and_announcements_reach_the_members(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    provider, reader = kit.station(PROVIDER), kit.station(READER)
    hub = kit.hub()
    async with kit.hub_running(hub, provider, reader):
        before_ms = hub.station.parts.trust.current.timestamp_ms
        await hub.station.write(directory.stamp)
        await until(lambda: reader.parts.trust.current.timestamp_ms > before_ms)

        region = kit.region
        mine = region.sign_announcement(region.announcement(PROVIDER, number=2))
        await provider.write(lambda tx: send(tx, HUB, Announce(document=mine)))

        def known() -> bool:
            found = reader.parts.trust.current.announcement(PROVIDER)
            return found is not None and found.number == 2

        await until(known)
        # Of another party: refused.
        forged = region.sign_announcement(region.announcement(READER, number=2))
        letter = await provider.write(lambda tx: send(tx, HUB, Announce(document=forged)))
        await until(lambda: kit.seen[PROVIDER].outcome(letter))
        assert kit.seen[PROVIDER].outcome(letter) == ("refused", "trust.announcement")
