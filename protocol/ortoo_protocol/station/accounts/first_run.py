"""What a daemon with a console says while nobody has an account."""

from __future__ import annotations

import logging

from ortoo_protocol.station.accounts import keeping
from ortoo_protocol.station.station import Station

_log = logging.getLogger(__name__)


async def say_if_nobody(station: Station, program: str) -> None:
    """Once, at the start. The links themselves are printed to whoever asks for them, not to a log
    that others read and keep."""
    if not await station.read(keeping.listed):
        _log.warning(
            "nobody has an account of the console yet: `%s account link` prints the links of the "
            "first administrators",
            program,
        )
