"""Ways into the databases of departments: engines, and what their drivers' errors mean.

Nothing here repeats a password or a row: URLs appear as host and database, errors as their first
line, statements without parameters. A kind of database is a record (port.py) and one line here.
"""

from __future__ import annotations

from sqlalchemy import URL, Engine, exc, make_url
from sqlalchemy.sql import quoted_name

from ortoo_node.databases import engines
from ortoo_node.databases.mysql import MYSQL
from ortoo_node.databases.port import Dialect, Trouble
from ortoo_node.databases.postgresql import KINGBASE, POSTGRESQL
from ortoo_node.databases.sqlite import SQLITE
from ortoo_node.databases.untested import DM, ORACLE
from ortoo_protocol.core.errors import DatabaseUrl

__all__ = [
    "DIALECTS",
    "Dialect",
    "Trouble",
    "as_written",
    "dialect_of",
    "judge",
    "open_reader",
    "open_writer",
    "place",
    "read_url",
    "split_name",
]

LOCK_TIMEOUT_S = 10.0
DIALECTS = (SQLITE, POSTGRESQL, MYSQL, KINGBASE, ORACLE, DM)
_BY_NAME = {name: dialect for dialect in DIALECTS for name in dialect.names}


def dialect_of(url: URL) -> Dialect:
    return _BY_NAME[url.get_backend_name()]


def read_url(url: str, name: str) -> URL:
    """Raises DatabaseUrl; an unknown or missing driver is named there."""
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError):
        raise DatabaseUrl(name=name, detail="it is no URL of a database") from None
    dialect = _BY_NAME.get(parsed.get_backend_name())
    if dialect is None:
        raise DatabaseUrl(
            name=name, detail=f"{parsed.get_backend_name()} is none of {', '.join(_BY_NAME)}"
        )
    if dialect is SQLITE and not parsed.database:
        raise DatabaseUrl(name=name, detail="it names no file")
    return parsed.set(drivername=dialect.drivername)


def place(url: URL) -> str:
    """The database as people know it, without user or password."""
    return engines.place(url, dialect_of(url).port)


def split_name(table: str, url: URL) -> tuple[str | None, str]:
    """(schema or None, name) of ``name`` or ``schema.name``, quoted; SQLite has no schemas."""
    schema, dot, name = table.partition(".")
    if not dialect_of(url).has_schemas or not dot:
        return None, quoted_name(table, quote=True)
    return quoted_name(schema, quote=True), quoted_name(name, quote=True)


def as_written(name: str, dialect: str) -> str:
    """A column's name as SQLAlchemy reflected it: of MySQL's it leaves backticks doubled."""
    return name.replace("``", "`") if dialect == "mysql" else name


def open_reader(url: URL) -> Engine:
    """Transactions that only read, each of one moment. A missing SQLite file is not made."""
    return dialect_of(url).reader(url, LOCK_TIMEOUT_S)


def open_writer(url: URL) -> Engine:
    """Transactions that write. Raises DatabaseUrl for a kind that is only read."""
    dialect = dialect_of(url)
    if not dialect.sinks:
        detail = f"tables of {dialect.names[0]} can be read and not written"
        raise DatabaseUrl(name=place(url), detail=detail)
    return dialect.writer(url, LOCK_TIMEOUT_S)


def judge(error: exc.SQLAlchemyError) -> tuple[Trouble, str]:
    """What happened, and the driver's own words (their first line)."""
    if isinstance(error, (exc.NoSuchTableError, exc.CompileError)):
        return Trouble.SHAPE, _first_line(error)
    if not isinstance(error, exc.DBAPIError) or error.orig is None:
        return Trouble.OTHER, _first_line(error)
    original = error.orig
    trouble = _of_driver(original).judge(error, original)
    if trouble is None:
        lost = isinstance(error, (exc.OperationalError, exc.InterfaceError))
        trouble = Trouble.UNREACHABLE if lost else Trouble.VALUE
    return trouble, _first_line(original)


def _of_driver(original: BaseException) -> Dialect:
    """By the package that the driver's error comes from."""
    package = type(original).__module__.partition(".")[0]
    return _BY_DRIVER.get(package, POSTGRESQL)


_BY_DRIVER = {
    "sqlite3": SQLITE,
    "psycopg": POSTGRESQL,
    "pymysql": MYSQL,
    "oracledb": ORACLE,
    "dmPython": DM,
}


def _first_line(error: BaseException) -> str:
    """pymysql's errors are a number and a text."""
    words = error.args[1] if len(error.args) == 2 and isinstance(error.args[0], int) else error
    lines = str(words).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
