"""The ways in which changes of a table are found. Apart: the command line names them too."""

from __future__ import annotations

import enum


class How(enum.StrEnum):
    """AUTO: the best of the others that the department's database is prepared for."""

    AUTO = "auto"
    SLOT = "slot"  # PostgreSQL's write-ahead log, decoded
    LOG = "log"  # a table of changed keys, filled by triggers
    WATERMARK = "watermark"  # a column that rises with every change
    WHOLE = "whole"  # the whole table, compared with what was published
