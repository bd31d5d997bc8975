"""PostgreSQL, and 人大金仓 KingbaseES, which speaks its protocol."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, exc
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from ortoo_node.databases.engines import create
from ortoo_node.databases.port import CONNECT_TIMEOUT_S, SQLSTATES, Dialect, Trouble, by_prefix

_INSTALL = "psycopg[binary]"


def _reader(url: URL, lock_timeout_s: float) -> Engine:
    return _engine(url, lock_timeout_s, isolation_level="REPEATABLE READ", poolclass=NullPool)


def _writer(url: URL, lock_timeout_s: float) -> Engine:
    return _engine(url, lock_timeout_s, pool_size=1, pool_pre_ping=True)


def _engine(url: URL, lock_timeout_s: float, **options: Any) -> Engine:
    return create(
        url,
        _INSTALL,
        # Positional parameters: rows go to the driver as they are.
        paramstyle="format",
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": f"-c lock_timeout={lock_timeout_s}s -c timezone=UTC",
            # A half-open link ends instead of holding a worker for ever.
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 60_000,
        },
        **options,
    )


def _judge(error: exc.DBAPIError, original: BaseException) -> Trouble | None:
    state = getattr(original, "sqlstate", None)
    if error.connection_invalidated or state is None:
        return None
    return by_prefix(state, SQLSTATES)


class KingbaseDialect(PGDialect_psycopg):
    """Its version() does not begin with PostgreSQL, and SQLAlchemy gives up on that."""

    supports_statement_cache = True

    def _get_server_version_info(self, connection: Connection) -> tuple[int, ...]:
        number = connection.exec_driver_sql("SHOW server_version_num").scalar_one()
        return int(number) // 10_000, int(number) % 10_000


def _kingbase_reader(url: URL, lock_timeout_s: float) -> Engine:
    return _reader(_known(url), lock_timeout_s)


def _kingbase_writer(url: URL, lock_timeout_s: float) -> Engine:
    return _writer(_known(url), lock_timeout_s)


def _known(url: URL) -> URL:
    """Announced when it is wanted: nothing happens at import."""
    registry.register("kingbase.psycopg", __name__, "KingbaseDialect")
    return url


POSTGRESQL = Dialect(
    names=("postgresql",),
    drivername="postgresql+psycopg",
    install=_INSTALL,
    port=5432,
    has_schemas=True,
    sinks=True,
    reader=_reader,
    writer=_writer,
    judge=_judge,
)
KINGBASE = Dialect(
    names=("kingbase",),
    drivername="kingbase+psycopg",
    install=_INSTALL,
    port=54321,
    has_schemas=True,
    sinks=True,
    reader=_kingbase_reader,
    writer=_kingbase_writer,
    judge=_judge,
)
