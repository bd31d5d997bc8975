"""MySQL and MariaDB, by pymysql.

Its moments have no zone: TIMESTAMP is turned into the session's, which is civil time here. Text
compares as its column's collation says, so what Ortoo makes compares byte for byte.
"""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import URL, Engine, NullPool, event, exc

from ortoo_node.databases.engines import create
from ortoo_node.databases.port import CONNECT_TIMEOUT_S, Dialect, Trouble

READ_TIMEOUT_S = 300
WRITE_TIMEOUT_S = 3_600  # how long the server waits for a reader that has rows to publish
_INSTALL = "pymysql"
# Refuse what does not fit instead of storing something near it.
_MODE = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
_LOST = {2002, 2003, 2006, 2013, 2014, 2055}  # the client's own: refused, went away, lost
# https://mariadb.com/kb/en/mariadb-error-codes/
_CODES = {
    1040: Trouble.BUSY,  # too many connections
    1203: Trouble.BUSY,
    1205: Trouble.BUSY,  # lock wait timeout
    1213: Trouble.BUSY,  # deadlock
    1020: Trouble.BUSY,  # record has changed since last read
    1021: Trouble.FULL,
    1114: Trouble.FULL,
    1044: Trouble.UNREACHABLE,  # this user may not use that database
    1045: Trouble.UNREACHABLE,
    1049: Trouble.UNREACHABLE,  # no such database
    1053: Trouble.UNREACHABLE,  # shutting down
    1129: Trouble.UNREACHABLE,
    1130: Trouble.UNREACHABLE,
    1927: Trouble.UNREACHABLE,  # connection was killed
    1142: Trouble.FORBIDDEN,
    1143: Trouble.FORBIDDEN,
    1227: Trouble.FORBIDDEN,
    1290: Trouble.FORBIDDEN,  # read-only server
    1370: Trouble.FORBIDDEN,
    1792: Trouble.FORBIDDEN,  # read-only transaction
    1054: Trouble.SHAPE,
    1059: Trouble.SHAPE,
    1060: Trouble.SHAPE,
    1064: Trouble.SHAPE,
    1103: Trouble.SHAPE,
    1117: Trouble.SHAPE,
    1118: Trouble.SHAPE,  # row size too large
    1146: Trouble.SHAPE,
    1051: Trouble.SHAPE,
    1170: Trouble.SHAPE,
    1071: Trouble.SHAPE,  # key too long
    1267: Trouble.SHAPE,  # collations that cannot be compared
    1264: Trouble.VALUE,
    1265: Trouble.VALUE,
    1292: Trouble.VALUE,
    1366: Trouble.VALUE,
    1406: Trouble.VALUE,
    1048: Trouble.CONSTRAINT,
    1062: Trouble.CONSTRAINT,
    1216: Trouble.CONSTRAINT,
    1217: Trouble.CONSTRAINT,
    1364: Trouble.CONSTRAINT,
    1451: Trouble.CONSTRAINT,
    1452: Trouble.CONSTRAINT,
    4025: Trouble.CONSTRAINT,  # MariaDB's CHECK
    3819: Trouble.CONSTRAINT,  # MySQL's
}


def _reader(url: URL, lock_timeout_s: float) -> Engine:
    engine = _engine(url, lock_timeout_s, isolation_level="REPEATABLE READ", poolclass=NullPool)
    begin = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin) and None)
    return engine


def _writer(url: URL, lock_timeout_s: float) -> Engine:
    engine = _engine(
        url, lock_timeout_s, isolation_level="READ COMMITTED", pool_size=1, pool_pre_ping=True
    )
    event.listen(engine, "reset", _unlock)
    return engine


def _unlock(connection: Any, _record: object, _state: object) -> None:
    """Named locks are the connection's and outlive its transactions."""
    if connection.open:
        with connection.cursor() as cursor:
            cursor.execute("DO RELEASE_ALL_LOCKS()")


def _engine(url: URL, lock_timeout_s: float, **options: Any) -> Engine:
    seconds = max(1, math.ceil(lock_timeout_s))
    return create(
        url,
        _INSTALL,
        # Positional parameters: rows go to the driver as they are.
        paramstyle="format",
        connect_args={
            "charset": "utf8mb4",
            "connect_timeout": CONNECT_TIMEOUT_S,
            "read_timeout": READ_TIMEOUT_S,
            "write_timeout": READ_TIMEOUT_S,
            "init_command": (
                f"SET sql_mode = '{_MODE}', time_zone = '+08:00', "
                f"net_write_timeout = {WRITE_TIMEOUT_S}, "
                f"innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}"
            ),
        },
        **options,
    )


def _judge(error: exc.DBAPIError, original: BaseException) -> Trouble | None:
    code = original.args[0] if original.args else None
    if not isinstance(code, int) or code in _LOST or code == 0:
        return None
    if error.connection_invalidated and code not in _CODES:
        return None
    return _CODES.get(code, Trouble.OTHER)


MYSQL = Dialect(
    names=("mysql", "mariadb"),
    drivername="mysql+pymysql",
    install=_INSTALL,
    port=3306,
    has_schemas=True,
    sinks=True,
    reader=_reader,
    writer=_writer,
    judge=_judge,
)
