"""What the settings of programs may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from ortoo_node.settings import load
from ortoo_protocol.core.errors import SettingsError

HEAD = """
[station]
party = "s150700"
plane = "extranet"
[[sinks]]
name = "front"
url = "sqlite:////srv/front.sqlite"
"""
HOOK = '[[webhooks]]\nname = "{name}"\nurl = "{url}"\nsecret_file = "keys/secret"\n'


def read(folder: Path, text: str) -> object:
    (folder / "station.toml").write_text(HEAD + text)
    return load(folder)


def hook(url: str = "https://10.1.2.3/ortoo", name: str = "program") -> str:
    return HOOK.format(name=name, url=url)


@pytest.mark.parametrize(
    "text",
    [
        "[http]",
        '[http]\naddress = "::1"\nport = 9000',
        '[http]\naddress = "0.0.0.0"\ncert_file = "c"\nkey_file = "k"',
        hook(),
        hook("http://127.0.0.1:8080/x"),
        hook("http://10.1.2.3/x") + "plain = true\n",
        '[[pulls]]\nname = "fetched"\nmax_mb = 10',
        "[reading]\nheld_mb = 100",
    ],
)
def test_taken(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[http]\naddress = "0.0.0.0"', "cert_file"),
        ('[http]\ncert_file = "c"', "key_file"),
        ("[http]\nport = 0", "port"),
        (hook("http://10.1.2.3/x"), "https"),
        (hook("ftp://10.1.2.3/x"), "https://host/path"),
        (hook("https:///x"), "https://host/path"),
        (hook("https://a:99999/x"), "https://host/path"),
        (hook("https://user:word@a/x"), "user"),
        (hook(name="front"), "once"),
        (hook() + hook(), "once"),
        (hook() + '[[pulls]]\nname = "program"', "once"),
        ('[[pulls]]\nname = "Fetched"', "lower-case"),
        ("[reading]\nheld_mb = 0", "held_mb"),
    ],
)
def test_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        read(tmp_path, text)
