"""[[folders]] in station.toml: what is accepted, and what is refused by its name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ortoo_node import settings as node
from ortoo_node.sinks import open_sink
from ortoo_node.sources import open_source
from ortoo_node.sources.folder import FolderSource
from ortoo_protocol.core.errors import SettingsError, SettingsLacking, SettingsValue
from ortoo_protocol.core.feeds import Column
from tests.node.folder_kit import NO_STORE

STATION = '[station]\nparty = "s150700"\nplane = "extranet"\n'
FOLDER = '[[folders]]\nname = "front-end"\npath = "front"\n'


def load(tmp_path: Path, text: str) -> node.NodeSettings:
    (tmp_path / "station.toml").write_text(STATION + text)
    return node.load(tmp_path)


def test_defaults_and_options(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        FOLDER
        + '[[folders.files]]\npattern = "log*.csv"\nwhole = false\nop_column = "操作"\n'
        + '[[folders.tables]]\ntable = "towns"\nformat = "jsonl"\n',
    )
    (folder,) = settings.folders
    assert (folder.read_path, folder.write_path) == (tmp_path / "front/in", tmp_path / "front/out")
    assert folder.options_of("log*.csv").op_column == "操作"
    assert folder.options_of("*.csv").whole
    assert folder.table_options_of("towns").format == "jsonl"
    assert folder.table_options_of("other").format == "csv"
    columns = [Column("id", "I", 0)]
    source = open_source(settings, "front-end", "*.csv", columns, ["id"], titles={})
    assert isinstance(source, FolderSource)
    settings.check_sink("front-end")


def test_a_folder_may_be_one_of_both(tmp_path: Path) -> None:
    only_read = load(tmp_path, FOLDER + 'write = ""\n')
    with pytest.raises(SettingsLacking):
        only_read.check_sink("front-end")
    with pytest.raises(SettingsLacking):
        open_sink(only_read, "front-end", "towns", **NO_STORE)
    only_written = load(tmp_path, FOLDER + 'read = ""\n')
    with pytest.raises(SettingsLacking):
        open_source(only_written, "front-end", "*", [Column("id", "I", 0)], ["id"], titles={})


@pytest.mark.parametrize(
    "more",
    [
        'read = "out"\n',
        'read = "out/in"\n',
        'write = "in/out"\n',
        'done = "in/done"\n',
        'done = "out"\n',
        'read = "../x"\n',
        'read = "/etc"\n',
        'write = "."\n',
        'read = ""\nwrite = ""\n',
        "settle_s = -1\n",
        'encoding = "utf-8"\n',
        '[[folders.files]]\nencoding = "latin-1"\n',
        '[[folders.files]]\npattern = "a"\n[[folders.files]]\npattern = "a"\n',
        '[[folders.tables]]\nmode = "both"\n',
        '[[folders]]\nname = "front-end"\npath = "other"\n',
        '[[folders]]\nname = "other"\npath = "front"\n',
        '[[folders]]\nname = "other"\npath = "front/in"\n',
        '[[folders]]\nname = "Other!"\npath = "other"\n',
        '[[sources]]\nname = "front-end"\nurl = "sqlite:////x"\n',
        '[[sinks]]\nname = "front-end"\nurl = "sqlite:////x"\n',
    ],
)
def test_what_is_refused(tmp_path: Path, more: str) -> None:
    with pytest.raises(SettingsError):
        load(tmp_path, FOLDER + more)


def test_the_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsValue) as caught:
        load(tmp_path, FOLDER + 'read = "../x"\n')
    assert caught.value.facts["key"] == "folders[0].read"


def test_the_sample_of_the_documents_loads(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "front-end.md").read_text()
    (sample,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (folder,) = load(tmp_path, sample).folders
    assert folder.options_of("log/*.csv").op_column == "操作"
    assert folder.table_options_of("townships-view").neutralise
