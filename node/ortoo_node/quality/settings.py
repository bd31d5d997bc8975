"""How strict reports are, and how long a department has to mend what they find."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ortoo_protocol.station.settings import Table


class QualityTable(Table, frozen=True):
    """`due_days`: working days. `difference_percent`: how much source and published may differ,
    since a source goes on changing."""

    due_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 10
    difference_percent: Annotated[float, msgspec.Meta(ge=0, lt=100)] = 1.0
    reports_kept: Annotated[int, msgspec.Meta(ge=2, le=10_000)] = 200
