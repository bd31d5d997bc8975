"""Oracle and 达梦 DM8, read through the same port. No server of either can be had for the tests:
what stands here follows their manuals, and the tests go as far as the missing driver."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import URL, Engine, NullPool, event, exc

from ortoo_node.databases.engines import create
from ortoo_node.databases.port import CONNECT_TIMEOUT_S, Dialect, Trouble

_ORACLE_CODE = re.compile(r"ORA-(\d{5})|DPY-(\d{4})")
# ORA-nnnnn of Oracle's error messages reference.
_ORACLE = {
    54: Trouble.BUSY,  # resource busy, NOWAIT
    60: Trouble.BUSY,  # deadlock
    20: Trouble.BUSY,  # too many processes
    8177: Trouble.BUSY,  # cannot serialise
    1555: Trouble.BUSY,  # snapshot too old: read again
    30006: Trouble.BUSY,
    1536: Trouble.FULL,
    1653: Trouble.FULL,
    1654: Trouble.FULL,
    1017: Trouble.UNREACHABLE,
    1033: Trouble.UNREACHABLE,
    1034: Trouble.UNREACHABLE,
    1089: Trouble.UNREACHABLE,
    3113: Trouble.UNREACHABLE,
    3114: Trouble.UNREACHABLE,
    12154: Trouble.UNREACHABLE,
    12514: Trouble.UNREACHABLE,
    12541: Trouble.UNREACHABLE,
    28000: Trouble.UNREACHABLE,  # account locked
    28001: Trouble.UNREACHABLE,  # password expired
    1031: Trouble.FORBIDDEN,
    1456: Trouble.FORBIDDEN,  # read-only transaction
    16000: Trouble.FORBIDDEN,  # read-only database
    904: Trouble.SHAPE,
    942: Trouble.SHAPE,
    1722: Trouble.VALUE,
    1438: Trouble.VALUE,
    12899: Trouble.VALUE,
    1: Trouble.CONSTRAINT,
    1400: Trouble.CONSTRAINT,
    2290: Trouble.CONSTRAINT,
    2291: Trouble.CONSTRAINT,
    2292: Trouble.CONSTRAINT,
}
_DM_CODE = re.compile(r"\[CODE:(-\d+)\]")
# 《DM8 程序员手册》, 错误码.
_DM = {
    -70028: Trouble.UNREACHABLE,
    -70019: Trouble.UNREACHABLE,
    -6007: Trouble.UNREACHABLE,
    -2501: Trouble.UNREACHABLE,  # user or password wrong
    -6407: Trouble.BUSY,  # lock timeout
    -6403: Trouble.BUSY,  # deadlock
    -523: Trouble.FULL,
    -5504: Trouble.FORBIDDEN,
    -5566: Trouble.FORBIDDEN,
    -2106: Trouble.SHAPE,  # no such table or view
    -2111: Trouble.SHAPE,  # no such column
    -6108: Trouble.VALUE,
    -6121: Trouble.VALUE,
    -6602: Trouble.CONSTRAINT,
    -6607: Trouble.CONSTRAINT,
    -6609: Trouble.CONSTRAINT,
}


def _engine(url: URL, install: str, begin: str, **options: Any) -> Engine:
    engine = create(url, install, poolclass=NullPool, **options)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin) and None)
    return engine


def _oracle_reader(url: URL, _lock_timeout_s: float) -> Engine:
    connect = {"tcp_connect_timeout": CONNECT_TIMEOUT_S}
    return _engine(url, ORACLE.install, "SET TRANSACTION READ ONLY", connect_args=connect)


def _oracle_judge(_error: exc.DBAPIError, original: BaseException) -> Trouble | None:
    found = _ORACLE_CODE.search(str(original))
    if found is None or found[1] is None:  # DPY: python-oracledb's own, about the connection
        return None
    return _ORACLE.get(int(found[1]), Trouble.OTHER)


def _dm_reader(url: URL, _lock_timeout_s: float) -> Engine:
    return _engine(url, DM.install, "SET TRANSACTION READ ONLY")


def _dm_judge(_error: exc.DBAPIError, original: BaseException) -> Trouble | None:
    found = _DM_CODE.search(str(original))
    return None if found is None else _DM.get(int(found[1]), Trouble.OTHER)


ORACLE = Dialect(
    names=("oracle",),
    drivername="oracle+oracledb",
    install="oracledb",
    port=1521,
    has_schemas=True,
    sinks=False,
    reader=_oracle_reader,
    writer=_oracle_reader,
    judge=_oracle_judge,
)
DM = Dialect(
    names=("dm",),
    drivername="dm+dmPython",
    install="dmPython and dmSQLAlchemy, which 达梦 ships with DM8",
    port=5236,
    has_schemas=True,
    sinks=False,
    reader=_dm_reader,
    writer=_dm_reader,
    judge=_dm_judge,
)
