"""The law's clocks (时限): which duties run, until when, who is warned, what is late."""

from ortoo_protocol.station.clocks import calendar
from ortoo_protocol.station.clocks.clock import (
    CANCELLED,
    LATE,
    MET,
    MOVED,
    PAUSED,
    RUNNING,
    WARN,
    Clock,
)
from ortoo_protocol.station.clocks.keeping import (
    cancel,
    closed,
    due,
    events,
    extend,
    find,
    late,
    of,
    pause,
    resume,
    start,
    stop,
)

__all__ = [
    "CANCELLED",
    "LATE",
    "MET",
    "MOVED",
    "PAUSED",
    "RUNNING",
    "WARN",
    "Clock",
    "calendar",
    "cancel",
    "closed",
    "due",
    "events",
    "extend",
    "find",
    "late",
    "of",
    "pause",
    "resume",
    "start",
    "stop",
]
