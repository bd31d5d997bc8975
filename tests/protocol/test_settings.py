"""Settings: known keys of the right type or a refusal that names the line; secrets from files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ortoo_hub import settings as hub
from ortoo_node import settings as node
from ortoo_protocol.core.errors import (
    OrtooError,
    SettingsError,
    SettingsLacking,
    SettingsMissing,
    SettingsSecret,
    SettingsType,
    SettingsUnknown,
    SettingsValue,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.station import starter
from ortoo_protocol.station.settings import Settings, load, read_secret, write_secret

GOOD = """\
[station]
party = "s150700"
plane = "extranet"

[broker]
host = "broker.example"
port = 5671

[[sources]]
name = "civil"
url = "sqlite:////data/civil.sqlite"

[[sinks]]
name = "front"
url_file = "keys/front.url"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "station.toml"
    made.write_text(GOOD)
    return made


def test_paths_count_from_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    settings = node.load(file)
    folder = file.parent
    assert settings.folder == folder
    assert settings.socket_file == folder / "control.sock"
    assert settings.keys.file == folder / "keys/station.key"
    assert settings.need_broker().password_file == folder / "keys/broker.password"
    assert settings.sink("front").url_file == folder / "keys/front.url"
    assert settings.station.plane is Plane.EXTRANET


def test_a_folder_means_the_file_in_it_and_absolute_paths_stay(file: Path) -> None:
    file.write_text(GOOD + '[keys]\nfile = "/run/keys/one"\n')
    assert node.load(file.parent).keys.file == Path("/run/keys/one")


def test_a_broker_may_have_further_nodes(file: Path) -> None:
    assert node.load(file).need_broker().other_hosts == ()
    more = 'other_hosts = ["broker-2.example", "broker-3.example"]'
    file.write_text(GOOD.replace('host = "broker.example"', f'host = "broker.example"\n{more}'))
    assert node.load(file).need_broker().other_hosts == ("broker-2.example", "broker-3.example")


def test_the_brokers_user_is_the_party(file: Path) -> None:
    assert node.load(file).need_broker().user == "s150700"


def test_settings_cannot_be_changed(file: Path) -> None:
    with pytest.raises(AttributeError):
        node.load(file).station.party = "s150200"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "error", "key", "line"),
    [
        ("port = 5671", "prot = 5671", SettingsUnknown, "broker.prot", 7),
        ("[broker]", "[brokre]", SettingsUnknown, "brokre", 5),
        ("[station]", "colour = 1\n[station]", SettingsUnknown, "colour", 1),
        ('name = "front"', 'name = "front"\nuser = "x"', SettingsUnknown, "sinks[0].user", 15),
        ('host = "broker.example"\n', "", SettingsLacking, "broker.host", 5),
        ('plane = "extranet"\n', "", SettingsLacking, "station.plane", 1),
        ("port = 5671", 'port = "5671"', SettingsType, "broker.port", 7),
        ("port = 5671", "port = 5671.0", SettingsType, "broker.port", 7),
        ("port = 5671", "port = 0", SettingsValue, "broker.port", 7),
        ("port = 5671", "port = 70000", SettingsValue, "broker.port", 7),
        ("port = 5671", "heartbeat_s = nan", SettingsType, "broker.heartbeat_s", 7),
        ("port = 5671", "connect_timeout_s = nan", SettingsValue, "broker.connect_timeout_s", 7),
        ("port = 5671", 'ca_file = ""', SettingsValue, "broker.ca_file", 7),
        ("port = 5671", "ca_file = 1", SettingsValue, "broker.ca_file", 7),
        ('"extranet"', '"internet"', SettingsValue, "station.plane", 3),
        ('"s150700"', '"150700"', SettingsValue, "station.party", 2),
        ('"s150700"', '"h150000"', SettingsValue, "station.party", None),
        ('name = "civil"', 'name = "Civil"', SettingsValue, "sources[0].name", None),
        ("[[sinks]]", "[[sources]]\nname='civil'\nurl='x'\n[[sinks]]", SettingsValue, None, None),
        ("sqlite:////data", "postgresql://u:p@h/data", SettingsValue, "sources[0].url", None),
        ('url_file = "keys/front.url"\n', "", SettingsValue, "sinks[0]", None),
        ('url_file = "keys/front.url"', "url='x'\nurl_file='y'", SettingsValue, "sinks[0]", None),
    ],
)
def test_each_mistake_is_named(
    file: Path, old: str, new: str, error: type[OrtooError], key: str | None, line: int | None
) -> None:
    assert old in GOOD
    file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(error) as caught:
        node.load(file)
    if key is not None:
        assert caught.value.facts["key"] == key
    if line is not None:
        assert caught.value.facts["place"] == f"{file}:{line}"


@pytest.mark.parametrize("text", ["[station", "a = 1\na = 2\n", "\0", "[a]\n[a]\n", "x" * 300_000])
def test_what_is_no_toml(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(SettingsError):
        node.load(file)


def test_what_is_no_text(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError):
        node.load(file)


def test_no_file_and_no_broker_yet(tmp_path: Path, file: Path) -> None:
    with pytest.raises(SettingsMissing):
        load(tmp_path / "other.toml", Settings)
    file.write_text('[station]\nparty = "s150700"\nplane = "intranet"\n')
    with pytest.raises(SettingsLacking):
        node.load(file).need_broker()


def test_a_database_that_is_not_named(file: Path) -> None:
    with pytest.raises(SettingsLacking):
        node.load(file).source("front")


def test_a_hub(tmp_path: Path) -> None:
    text = starter.station("h150000", Plane.EXTRANET, "内蒙古自治区", "zh_CN", str)
    (tmp_path / "station.toml").write_text(text + starter.management(str))
    settings = hub.load(tmp_path)
    assert settings.station.party == "h150000"
    with pytest.raises(SettingsLacking):
        settings.need_management()
    text += '[management]\nhost = "b"\nuser = "admin"\n'
    (tmp_path / "station.toml").write_text(text)
    assert hub.load(tmp_path).need_management().reconcile_s == 30
    (tmp_path / "station.toml").write_text(text.replace("h150000", "s150000"))
    with pytest.raises(SettingsValue):
        hub.load(tmp_path)


def test_the_starter_file_loads_also_with_its_samples_switched_on(tmp_path: Path) -> None:
    name = '额"尔\\古\n纳\x7f𠀀'
    text = starter.station("s150784", Plane.INTRANET, name, "zh_CN", str)
    text += starter.databases(str) + starter.broker("b", 5671, "/x", "s150784")
    (tmp_path / "station.toml").write_text(text)
    assert node.load(tmp_path).station.name == name
    for sample in ("[", "name =", "url", "path =", "head_s", "folder", "reconnect", "authority"):
        text = text.replace(f"# {sample}", sample)
    (tmp_path / "station.toml").write_text(text)
    settings = node.load(tmp_path)
    assert settings.sources
    assert settings.sinks
    assert settings.need_broker().vhost == "/x"
    assert settings.notify.authority


class TestSecrets:
    def test_written_and_read(self, tmp_path: Path) -> None:
        write_secret(tmp_path / "keys/one", "hush")
        assert read_secret(tmp_path / "keys/one") == "hush"
        with pytest.raises(SettingsSecret):
            write_secret(tmp_path / "keys/one", "other")

    def test_a_url_from_a_file(self, file: Path) -> None:
        write_secret(file.parent / "keys/front.url", "postgresql://u:hush@h/d")
        settings = node.load(file)
        assert settings.sink("front").read_url() == "postgresql://u:hush@h/d"
        assert settings.source("civil").read_url() == "sqlite:////data/civil.sqlite"
        assert "hush" not in repr(settings)

    @pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o620])
    def test_open_to_others(self, tmp_path: Path, mode: int) -> None:
        write_secret(tmp_path / "one", "hush")
        os.chown(tmp_path / "one", os.getuid(), 65_534 if os.getuid() == 0 else -1)
        (tmp_path / "one").chmod(mode)
        with pytest.raises(SettingsSecret) as caught:
            read_secret(tmp_path / "one")
        assert "hush" not in str(caught.value)

    @pytest.mark.parametrize("content", [b"", b"\n", b"a\nb\n", b"\xff", b"x" * 5000])
    def test_not_one_line(self, tmp_path: Path, content: bytes) -> None:
        write_secret(tmp_path / "one", "x")
        (tmp_path / "one").write_bytes(content)
        with pytest.raises(SettingsSecret):
            read_secret(tmp_path / "one")

    def test_not_a_plain_file(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe", 0o600)
        for path in (tmp_path, tmp_path / "pipe", tmp_path / "none"):
            with pytest.raises(SettingsSecret):
                read_secret(path)
