"""Which league or city (盟市) a party belongs to."""

from __future__ import annotations

from ortoo_protocol.core.catalog.divisions import LEAGUES


def league_of(party: str) -> str:
    """The code of the league or city that a station belongs to; empty for the region's own."""
    code = f"{party[1:5]}00"
    return code if code in LEAGUES else ""
