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
    anew,
    cancel,
    extend,
    pause,
    resume,
    stands,
    start,
    stop,
)
from ortoo_protocol.station.clocks.listing import closed, due, events, find, late, of, overdue

__all__ = [
    "CANCELLED",
    "LATE",
    "MET",
    "MOVED",
    "PAUSED",
    "RUNNING",
    "WARN",
    "Clock",
    "anew",
    "calendar",
    "cancel",
    "closed",
    "due",
    "events",
    "extend",
    "find",
    "late",
    "of",
    "overdue",
    "pause",
    "resume",
    "stands",
    "start",
    "stop",
]
