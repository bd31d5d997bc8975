"""Copies that nobody can see being made (Measures art. 20): by a program, by `CREATE TABLE … AS
SELECT`, by renaming. What is published from is held against what was received, some rows of each.

It proves nothing: two departments may know the same people. Doctor names it, and people look.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy import exc

from ortoo_node import databases
from ortoo_node.catalog.attachment import TABLE as ATTACHED_TABLE
from ortoo_node.catalog.attachment import Place as Attached
from ortoo_node.settings import NodeSettings
from ortoo_node.use.places import TABLE
from ortoo_node.use.received import Received
from ortoo_protocol.core.errors import DatabaseUrl, SettingsError, UseAlike

LOOKED_AT, AT_LEAST = 50, 10  # rows of a source; fewer say nothing
SHARED_COLUMNS = 2  # of the same name
ALIKE_PERCENT = 90
_log = logging.getLogger(__name__)


def found(
    settings: NodeSettings, published: list[tuple[Attached, list[Received]]]
) -> Iterator[UseAlike]:
    """`published`: each place with what may not be passed on through its resource. Reads databases:
    for a thread."""
    for place, kept in published:
        for each in kept:
            if place.kind != ATTACHED_TABLE or each.place.kind != TABLE:
                continue
            if place.resource == each.resource:  # of a department here: this is where it comes from
                continue
            try:
                same, looked = _compared(settings, place, each)
            except (SettingsError, DatabaseUrl, exc.SQLAlchemyError) as error:
                _log.info("%s is not held against %s: %s", place.table, each.shown, error)
                continue
            if looked >= AT_LEAST and 100 * same >= ALIKE_PERCENT * looked:
                yield UseAlike(
                    place=f"{place.source}: {place.table}",
                    same=same,
                    looked=looked,
                    resource=each.resource,
                    grant=each.grant,
                )


def _compared(settings: NodeSettings, place: Attached, each: Received) -> tuple[int, int]:
    """How many rows of the source stand in the received table, as far as both have columns of one
    name; of how many."""
    with (
        _table(settings.source(place.source).read_url(), place.table) as (source, ours),
        _table(settings.sink(each.sink).read_url(), each.table) as (sink, theirs),
    ):
        names = {column.name.casefold(): column for column in theirs.columns}
        pairs = [
            (column, names[column.name.casefold()])
            for column in ours.columns
            if column.name.casefold() in names
        ]
        if len(pairs) < SHARED_COLUMNS:
            return 0, 0
        rows = source.execute(sa.select(*(own for own, _ in pairs)).limit(LOOKED_AT)).all()
        same = 0
        for row in rows:
            equal = (other == value for (_, other), value in zip(pairs, row, strict=True))
            query = sa.select(sa.literal(1)).where(*equal).limit(1)
            same += sink.execute(query).first() is not None
        return same, len(rows)


@contextmanager
def _table(text: str, table: str) -> Iterator[tuple[sa.Connection, sa.Table]]:
    """A connection that reads, and the table as it stands there."""
    url = databases.read_url(text, table)
    schema, name = databases.split_name(table, url)
    engine = databases.open_reader(url)
    try:
        with engine.connect() as connection:
            yield (
                connection,
                sa.Table(name, sa.MetaData(), schema=schema, autoload_with=connection),
            )
    finally:
        engine.dispose()
