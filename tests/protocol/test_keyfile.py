"""Key files: what goes in comes out, and for nobody else."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ortoo_protocol.core.directory import DAY_MS
from ortoo_protocol.core.errors import (
    KeyFilePassphrase,
    KeyFilePlane,
    KeyFileUnreadable,
    KeyFileUnwritable,
    KeysSuiteUnknown,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import Suite1, Suites, key_id
from ortoo_protocol.station.keyfile import WRAP_KEPT_MS, WRAP_LIFE_MS, KeyFile, Role
from tests.support.trust import NOW_MS, seeded

PLANE, PARTY, PASSPHRASE = Plane.EXTRANET, "s150700", "呼伦贝尔 open sesame"


class QuickSuite(Suite1):
    """Suite 1 without the slowness that guards passphrases."""

    def stretch(self, passphrase: bytes, salt: bytes) -> bytes:
        return self.hash(salt + passphrase)


SUITE = QuickSuite()
SUITES = Suites((SUITE,))


def create(role: Role = "station", suite: Suite1 = SUITE) -> KeyFile:
    return KeyFile.create(
        plane=PLANE, party=PARTY, role=role, suite=suite, rand=seeded("keys"), now_ms=NOW_MS
    )


def load(path: Path, passphrase: str = PASSPHRASE, **changes: Any) -> KeyFile:
    facts: dict[str, Any] = {"plane": PLANE, "party": PARTY, "suites": SUITES, **changes}
    return KeyFile.load(path, passphrase, **facts)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "station.key"
    create().save(made, PASSPHRASE, rand=seeded("salt"))
    return made


def test_with_argon2id(tmp_path: Path) -> None:
    suite = Suite1()
    keys = create(suite=suite)
    keys.save(tmp_path / "k", PASSPHRASE, rand=seeded("salt"))
    suites = Suites((suite,))
    assert load(tmp_path / "k", suites=suites) == keys
    with pytest.raises(KeyFilePassphrase):
        load(tmp_path / "k", "open sesam", suites=suites)


@pytest.mark.parametrize("role", ["station", "hub", "root", "registrar"])
def test_what_goes_in_comes_out(tmp_path: Path, role: Role) -> None:
    keys = create(role)
    keys.save(tmp_path / "k", PASSPHRASE, rand=seeded("salt"))
    assert load(tmp_path / "k") == keys
    traffics = role in ("station", "hub")
    assert (len(keys.wraps), len(keys.store_key)) == ((1, 32) if traffics else (0, 0))


def test_nothing_secret_shows(path: Path) -> None:
    keys = load(path)
    text = path.read_bytes()
    for secret in (keys.signing_seed, keys.store_key, keys.wraps[0].seed):
        assert secret not in text
        assert secret.hex() not in repr(keys)
        assert repr(secret) not in repr(keys)
    shown = json.loads(text)
    assert (shown["plane"], shown["party"], shown["role"]) == ("extranet", PARTY, "station")


def test_mode_is_0600_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create().save(tmp_path / "k", PASSPHRASE, rand=seeded("salt"))
    finally:
        os.umask(before)
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["k"], "no temporary file stays"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_use(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(KeyFileUnreadable, match="mode"):
        load(path)


@pytest.mark.parametrize("changes", [{"plane": Plane.INTRANET}, {"party": "s150200"}])
def test_of_another_plane_or_party(path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(KeyFilePlane) as caught:
        load(path, **changes)
    assert "extranet" in str(caught.value)
    assert PARTY in str(caught.value)


def test_wrong_passphrase(path: Path) -> None:
    with pytest.raises(KeyFilePassphrase):
        load(path, PASSPHRASE + " ")


@pytest.mark.parametrize(
    ("edit", "loaded_as"),
    [
        ({"plane": "intranet"}, {"plane": Plane.INTRANET}),
        ({"party": "s150200"}, {"party": "s150200"}),
        ({"role": "registrar"}, {}),
        ({"salt": "AAAAAAAAAAAAAAAAAAAAAA=="}, {}),
        ({"nonce": ""}, {}),
        ({"sealed": ""}, {}),
    ],
)
def test_an_edited_file_does_not_open(
    path: Path, edit: dict[str, str], loaded_as: dict[str, Any]
) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **edit}))
    with pytest.raises(KeyFilePassphrase):
        load(path, **loaded_as)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"\xff\xfe", b"[" * 10_000, b'{"ortoo_key": 2}', b" " * 70_000],
)
def test_malformed(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(KeyFileUnreadable):
        load(path)


@pytest.mark.parametrize("edit", [{"salt": ""}, {"plane": "moon"}, {"role": "king"}, {"more": 1}])
def test_malformed_fields(path: Path, edit: dict[str, Any]) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **edit}))
    with pytest.raises(KeyFileUnreadable):
        load(path)


def test_of_a_suite_that_is_not_built_in(path: Path) -> None:
    with pytest.raises(KeysSuiteUnknown):
        load(path, suites=Suites(()))


def test_missing_or_not_a_file(tmp_path: Path) -> None:
    for place in (tmp_path / "nothing", tmp_path):
        with pytest.raises(KeyFileUnreadable):
            load(place)


def test_existing_keys_are_not_overwritten(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(KeyFileUnwritable):
        create().save(path, "another", rand=seeded("other"))
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_no_folder_to_write_to(tmp_path: Path) -> None:
    with pytest.raises(KeyFileUnwritable):
        create().save(tmp_path / "no" / "k", PASSPHRASE, rand=seeded("salt"))


def test_new_wrap_keys(path: Path) -> None:
    keys = load(path)
    later_ms = NOW_MS + 50 * DAY_MS
    more = keys.with_new_wrap_key(rand=seeded("next"), now_ms=later_ms)
    more.save(path, PASSPHRASE, rand=seeded("salt 2"), replace_existing=True)
    assert load(path) == more
    assert [entry.from_ms for entry in more.wrap_entries(later_ms)] == [NOW_MS, later_ms]
    ended_ms = NOW_MS + WRAP_LIFE_MS
    assert [entry.from_ms for entry in more.wrap_entries(ended_ms)] == [later_ms]
    for entry in more.wrap_entries(NOW_MS):
        seed = more.wrap_seeds[key_id(SUITE, PLANE, "wrap", entry.public)]
        assert SUITE.wrap_public(seed) == entry.public


def test_private_halves_are_destroyed_when_no_letter_can_need_them() -> None:
    keys = create()
    kept_ms = NOW_MS + WRAP_LIFE_MS + WRAP_KEPT_MS
    assert len(keys.with_new_wrap_key(rand=seeded("a"), now_ms=kept_ms - 1).wraps) == 2
    assert len(keys.with_new_wrap_key(rand=seeded("a"), now_ms=kept_ms).wraps) == 1


def test_signer_and_its_id() -> None:
    keys = create()
    assert keys.signing_key_id == key_id(SUITE, PLANE, "sign", keys.signer.public)
    SUITE.verify(keys.signer.public, b"x", keys.signer.sign(b"x"))
