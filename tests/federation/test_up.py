"""The demo federation brought up, looked at through its consoles, and taken down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from ortoo_demo.demo import MARK
from ortoo_demo.standing import ABOUT, holder_of
from tests.federation.test_demo import left_behind

WHOLE_S = 240


def run(folder: Path, *command: str) -> tuple[int, str]:
    """`ortoo-demo COMMAND --folder FOLDER`: exit code, and what was said."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    argv = [sys.executable, "-m", "ortoo_demo.cli", *command, "--folder", str(folder)]
    done = subprocess.run(argv, capture_output=True, env=env, timeout=WHOLE_S, check=False)
    return done.returncode, done.stdout.decode() + done.stderr.decode()


@pytest.mark.timeout(WHOLE_S)
def test_it_comes_up_says_where_and_goes_without_a_trace(tmp_path: Path) -> None:
    folder = tmp_path / "up"
    try:
        code, said = run(folder, "up", "--empty", "--plane", "intranet", "--language", "zh")
        assert code == 0, said
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        assert (folder / ABOUT).stat().st_mode & 0o077 == 0, "others may read the password"
        assert [each["party"] for each in about["consoles"]] == ["h150000", "s150700", "s150200"]
        for each in about["consoles"]:
            assert each["url"] in said
            assert each["url"].startswith("http://127.0.0.1:")
            for account in each["accounts"]:
                lets_in(each["url"], account, about["password"])
        assert about["password"] in said
        assert "Consoles and accounts" in said
        assert "控制台地址与账号" in said

        holder = holder_of(folder)
        code, again = run(folder, "up", "--language", "en")
        assert code == 0
        assert again.startswith("It runs already")
        assert about["password"] in again
        assert holder_of(folder) == holder
    finally:
        code, said = run(folder, "down", "--language", "en")
    assert (code, said) == (0, "All of it has ended.\n")
    assert left_behind(folder) == []
    assert not (folder / ABOUT).exists(), "the password stays behind"
    assert run(folder, "down", "--language", "en") == (0, "Nothing runs.\n")


def lets_in(url: str, account: str, password: str) -> None:
    headers = {"sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=url, headers=headers, follow_redirects=True) as client:
        first: Any = client.post("/sign-in", data={"name": account, "password": password})
        assert first.status_code == 200
        assert first.url.path == "/"
        assert 'lang="zh-Hans"' in first.text


def test_what_does_not_come_up_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "up"
    folder.mkdir()
    (folder / "precious").write_text("mine")
    code, said = run(folder, "up", "--language", "en")
    assert code == 3
    assert "settings.exists" in said
    assert (folder / "precious").read_text() == "mine"
    assert not (folder / MARK).exists()
