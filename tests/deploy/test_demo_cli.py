"""What `ortoo-demo` says before it starts anything: missing programs, folders that are not its."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ortoo_demo import private_broker
from ortoo_demo.cli import app
from ortoo_demo.demo import MARK, clean_folder
from ortoo_demo.report import Compared, Done, write
from ortoo_demo.texts import Text
from ortoo_protocol.core.errors import SettingsExists, StoreBusy
from tests.support.commands import invoke


def test_without_rabbitmq_it_names_the_package_and_exits_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private_broker, "_SERVER_PROGRAM", tmp_path / "none")
    result = invoke(app, ["--folder", str(tmp_path / "demo"), "--language", "en"])
    assert result.exit_code == 3
    assert "apt-get install rabbitmq-server" in result.output
    assert not (tmp_path / "demo").exists()


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    result = invoke(app, ["--folder", str(tmp_path)])
    assert result.exit_code == 3
    assert (tmp_path / "precious").read_text() == "mine"
    with pytest.raises(SettingsExists), clean_folder(tmp_path):
        pass


def test_an_earlier_run_is_cleaned_away(tmp_path: Path) -> None:
    with clean_folder(tmp_path / "demo") as folder:
        (folder / "extranet").mkdir()
        (folder / "extranet" / "file").write_text("old")
        (folder / "report.json").write_text("old")
    with clean_folder(tmp_path / "demo") as folder:
        assert [path.name for path in folder.iterdir()] == [MARK]


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with (
        clean_folder(tmp_path / "demo") as folder,
        pytest.raises(StoreBusy, match=str(os.getpid())),
        clean_folder(folder),
    ):
        pass


def test_a_failed_step_shows_in_the_report(tmp_path: Path) -> None:
    compared: list[Compared] = []
    step = Done(Text("步", "step"), Text("不成", "not so"), 1.234, held=False)
    write(tmp_path / "report.json", compared, [step], 2.0)
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    assert '"outcome": "FAILED: not so"' in text
    assert '"seconds": 1.23' in text
