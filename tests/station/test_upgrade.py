"""Stores of earlier versions are opened, migrated and go on; the migrations make what the code
expects; a store of a later version is left alone."""

from __future__ import annotations

import gzip
import importlib
import pkgutil
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_engine, func, select, text

import ortoo_hub.store
import ortoo_node.store
import ortoo_protocol.station.store
from ortoo_hub.store import HUB as HUB_OWNER
from ortoo_hub.store.tables import metadata as hub_metadata
from ortoo_node.store import NODE
from ortoo_node.store.case_tables import metadata as node_metadata
from ortoo_protocol.core.errors import StoreNewer
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.journal import Note
from ortoo_protocol.station import checkpoints, feed_reader, trusting
from ortoo_protocol.station.store import case_tables, journal_rows, supervision_tables, tables
from ortoo_protocol.station.store.migrate import STATION, Migrations, upgrade
from ortoo_protocol.station.store.store import create_store, open_store
from tests.fixtures.make_store import FEED, OTHER, PARTY
from tests.support.desk import Desk
from tests.support.stations import Kit

assert supervision_tables.metadata is tables.metadata  # imported: what they add is in it
FIXTURES = Path(__file__).parents[1] / "fixtures"
FTS = ("catalog_text", "catalog_grams")
VERSIONS = sorted(FIXTURES.glob("store-*/store.sqlite.gz"))


def test_every_version_has_its_store() -> None:
    assert "store-0.1.0" in {each.parent.name for each in VERSIONS}


@pytest.mark.parametrize("packed", VERSIONS, ids=[each.parent.name for each in VERSIONS])
def test_a_store_of_an_earlier_version(packed: Path, tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    store = tmp_path / PARTY / "store.sqlite"
    store.parent.mkdir()
    store.write_bytes(gzip.decompress(packed.read_bytes()))
    station = Desk(kit, PARTY)

    before = station.do(lambda tx: journal_rows.verify(tx.conn, tx.suite)).size
    signed = station.do(lambda tx: checkpoints.last(tx, checkpoints.own_origin(tx)))
    assert signed is not None
    checkpoint = Note.parse(signed.note).checkpoint
    rebuilt = station.do(lambda tx: journal_rows.frontier_at(tx.conn, tx.suite, checkpoint.size))
    assert rebuilt.root() == checkpoint.root

    restored = station.do(lambda tx: trusting.load(tx.conn, Plane.EXTRANET, station.parts.suites))
    assert restored is not None
    assert restored.directory_version == 1
    assert station.set_aside() == ["envelope.lengths"]
    assert [row.kind for row in station.rows(tables.inbox)] == ["feed.key", "catalog.refused"]
    assert station.watermark(OTHER) == 3
    assert len(station.rows(tables.shadow)) == 3
    assert station.do(lambda tx: feed_reader.held_key(tx, OTHER, 1, 2))

    last = max(station.items(FEED))
    station.publish(FEED, ("004", "丁"))  # with the key of the store, on the hash of the store
    assert max(station.items(FEED)) == last + 1
    assert station.do(lambda tx: journal_rows.verify(tx.conn, tx.suite)).size == before + 1
    station.close()


@pytest.mark.parametrize(
    ("owner", "metadata"),
    [(STATION, case_tables.metadata), (NODE, node_metadata), (HUB_OWNER, hub_metadata)],
    ids=["station", "node", "hub"],
)
def test_migrations_make_what_the_code_expects(owner: Migrations, metadata: MetaData) -> None:
    for folder in (ortoo_protocol.station.store, ortoo_node.store, ortoo_hub.store):
        for module in pkgutil.iter_modules(folder.__path__):
            if module.name.endswith("tables"):  # each subject adds its own to the metadata
                importlib.import_module(f"{folder.__name__}.{module.name}")
    engine = create_engine("sqlite://")
    with engine.begin() as conn:
        upgrade(conn, (owner,))
        made = MigrationContext.configure(
            conn,
            opts={
                "version_table": f"{owner.name}_revision",
                "compare_type": True,
                # SQLite's full-text search makes tables that no metadata describes.
                "include_name": lambda name, _kind, _parents: not str(name).startswith(FTS),
            },
        )
        assert compare_metadata(made, metadata) == []
    engine.dispose()


def test_a_store_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    create_store(path, PARTY, Plane.EXTRANET, (STATION,))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as conn:
        conn.execute(text("UPDATE station_revision SET version_num = '9999'"))
    engine.dispose()
    before = path.read_bytes()
    with pytest.raises(StoreNewer, match="9999"):
        open_store(path, PARTY, Plane.EXTRANET, (STATION,))
    assert path.read_bytes() == before
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as conn:
        assert conn.execute(select(func.count()).select_from(tables.stamp)).scalar() == 2
    engine.dispose()


@pytest.mark.parametrize("owner", [STATION, NODE, HUB_OWNER], ids=lambda owner: owner.name)
def test_names_of_files_tell_the_newest_revision(owner: Migrations) -> None:
    """A start that has nothing to migrate goes by them alone."""
    config = Config()
    config.set_main_option("script_location", str(owner.folder))
    scripts = ScriptDirectory.from_config(config)
    in_order = [script.revision for script in scripts.walk_revisions()]
    assert owner.revisions() == in_order[::-1]
    assert scripts.get_current_head() == owner.revisions()[-1]
