"""What of a declared query a grant leaves: its items, its rows, its masks.

The same eye that makes views (ortoo_node.views) looks at answers, so that nobody reads by a query
what the feed of his grant would not show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ortoo_node import views
from ortoo_node.queries import declared as declaring
from ortoo_node.queries.declared import Declaration
from ortoo_node.views import Lens, View
from ortoo_protocol.core import masks
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import QueryScope
from ortoo_protocol.core.feeds import Column, TableSchema
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.row_filters import parse_filter
from ortoo_protocol.station.context import Tx

Row = tuple[Scalar, ...]


@dataclass(frozen=True)
class Reach:
    """`read`: the columns that the source is asked for. `shown`: those that may leave."""

    read: tuple[Column, ...]
    shown: tuple[Column, ...]
    _lens: Lens

    def show(self, rows: Sequence[Row]) -> list[Row]:
        seen = map(self._lens.row, rows)
        return [row for row in seen if row is not None]


def of(tx: Tx, terms: GrantTerms, declared: Declaration, entry: Entry) -> Reach:
    """Raises QueryScope."""
    columns = {column.name: column for column in declaring.columns(declared, entry)}
    shown = [name for name in columns if not terms.items or name in terms.items]
    if not shown:
        raise QueryScope(detail=f"none of the granted items is in {declared.code}")
    conditions = parse_filter(terms.row_filter, None)
    for name, _value in conditions:
        if name not in columns:
            raise QueryScope(detail=f"the row filter is on {name}, which {declared.code} lacks")
    hidden = tuple(mask for mask in terms.masks if mask.column in shown)
    view = views.find(tx.conn, terms.feed)
    salt = b"" if view is None else view.salt
    if masks.needs_key(hidden) and not salt:
        raise QueryScope(detail="the secret of its masks is gone")
    made = dict(columns)
    for mask in hidden:
        masking = masks.parse(mask.mask)
        if columns[mask.column].type not in masking.types:
            raise QueryScope(detail=f"the mask of {mask.column} does not fit it any more")
        made[mask.column] = masking.makes(columns[mask.column])
    wanted = {*shown, *(name for name, _ in conditions)}
    read = tuple(column for name, column in columns.items() if name in wanted)
    schema = TableSchema(number=1, columns=read, key=(read[0].name,))
    lens = Lens(tx, View(terms.feed, tuple(shown), conditions, hidden, salt), schema)
    return Reach(read, tuple(made[name] for name in shown), lens)
