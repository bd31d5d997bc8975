"""What a station's settings say about its catalog: the table of codes, the authority's people."""

from __future__ import annotations

from dataclasses import dataclass

from ortoo_node.settings import CatalogTable
from ortoo_protocol.core.catalog.codes import BUILT_IN, Scheme
from ortoo_protocol.station.code_table import read_scheme


@dataclass(frozen=True)
class Rules:
    """`authority`: who takes the authority's steps; nobody named: whoever gives a name.
    `codes_by_scheme`: a new code that was given, and not allocated, must be one of the scheme."""

    scheme: Scheme = BUILT_IN
    authority: tuple[str, ...] = ()
    codes_by_scheme: bool = True


DEFAULT = Rules()


def of_settings(table: CatalogTable) -> Rules:
    """Raises CatalogScheme."""
    scheme = BUILT_IN if table.codes is None else read_scheme(table.codes)
    return Rules(scheme, table.authority)
