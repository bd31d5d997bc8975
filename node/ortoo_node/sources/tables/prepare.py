"""What a department's database needs so that changes can be captured: SQL, to be read and run.

Nobody runs it unasked: a slot keeps the server's log until it is read, triggers cost every write.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from ortoo_node.captures import How
from ortoo_node.sources.tables import naming
from ortoo_node.sources.tables.naming import BATCH, OP, STATE
from ortoo_node.sources.tables.reader import TableReader


@dataclass(frozen=True)
class _Names:
    """Quoted. `beside(x)`: x in the schema of the table."""

    dialect: str
    schema: str | None
    table: str
    log: str
    key: tuple[str, ...]

    def q(self, name: str) -> str:
        return naming.quote(name, self.dialect)

    def beside(self, name: str) -> str:
        return f"{self.q(self.schema)}.{self.q(name)}" if self.schema else self.q(name)

    def keys(self, prefix: str = "") -> str:
        return ", ".join(f"{prefix}{self.q(name)}" for name in self.key)

    def put(self, op: str, of: str) -> str:
        return (
            f"INSERT INTO {self.beside(self.log)} ({self.q(OP)}, {self.keys()}) "  # noqa: S608 - quoted
            f"VALUES ('{op}', {self.keys(of + '.')})"
        )


def statements(reader: TableReader, how: How, party: str) -> list[str]:
    """The SQL that makes `how` (LOG or SLOT) possible, to be run one by one."""
    names = _names(reader, party)
    if how is How.SLOT:
        return _slot(names, party, naming.slot_name(party, reader.table))
    make = {"sqlite": _sqlite_log, "mysql": _mysql_log}.get(names.dialect, _postgresql_log)
    return [*make(names), *_state(names), *_grants(names, reader.url.username)]


def removal(reader: TableReader, how: How, party: str) -> list[str]:
    """The SQL that takes all of it away again."""
    names = _names(reader, party)
    log = names.log
    if how is How.SLOT:
        slot = naming.slot_name(party, reader.table)
        publication = names.q(naming.publication_name(party, names.table))
        return [
            f"SELECT pg_drop_replication_slot('{slot}')",
            f"DROP PUBLICATION IF EXISTS {publication}",
        ]
    forget = f"DELETE FROM {names.beside(STATE)} WHERE log_name = {_text(log)}"  # noqa: S608 - quoted
    drop = f"DROP TABLE {names.beside(log)}"
    if names.dialect == "postgresql":
        gone = [
            f"DROP TRIGGER {names.q(f'{log}_{end}')} ON {names.beside(names.table)}"
            for end in ("put", "gone", "tell")
        ]
        functions = [
            f"DROP FUNCTION {names.beside(f'{log}_{end}')}()" for end in ("put", "gone", "tell")
        ]
        return [*gone, *functions, drop, forget]
    return [*(f"DROP TRIGGER {names.beside(f'{log}_{kind}')}" for kind in _KINDS), drop, forget]


def apply(engine: sa.Engine, sql: list[str]) -> None:
    """Run `sql`, each statement by itself: a slot is not made in a transaction that wrote."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        raw = connection.connection.cursor()
        try:
            for statement in sql:
                raw.execute(statement)  # without parameters: a percent sign is one
        finally:
            raw.close()


def _names(reader: TableReader, party: str) -> _Names:
    """With the schema, where the database has such: triggers run under other search paths."""
    schema = reader.schema_name
    if schema is None and reader.engine.dialect.name == "postgresql":
        with reader.connect() as connection:
            schema = sa.inspect(connection).default_schema_name
    log = naming.log_name(party, reader.table_name)
    return _Names(reader.engine.dialect.name, schema, reader.table_name, log, reader.key)


def _state(names: _Names) -> list[str]:
    table = names.beside(STATE)
    values = f"VALUES ({_text(names.log)}, 0, 0)"
    return [
        f"CREATE TABLE IF NOT EXISTS {table} (log_name VARCHAR(200) PRIMARY KEY, "
        "batch BIGINT NOT NULL, floor BIGINT NOT NULL)",
        f"INSERT INTO {table} (log_name, batch, floor) {values}",
    ]


def _grants(names: _Names, user: str | None) -> list[str]:
    if user is None or names.dialect in ("sqlite", "mysql"):
        return []  # MySQL's users are names at hosts, which nobody here knows
    to = names.q(user)
    return [
        f"GRANT SELECT ON {names.beside(names.table)} TO {to}",
        f"GRANT SELECT, UPDATE, DELETE ON {names.beside(names.log)} TO {to}",
        f"GRANT SELECT, UPDATE ON {names.beside(STATE)} TO {to}",
    ]


def _sqlite_log(names: _Names) -> list[str]:
    table, log = names.beside(names.table), names.beside(names.log)
    made = [
        f"CREATE TABLE {log} AS SELECT NULL AS {names.q(BATCH)}, 'U' AS {names.q(OP)}, "  # noqa: S608 - quoted
        f"{names.keys()} FROM {table} WHERE 1 = 0"
    ]
    return made + _row_triggers(names)


def _mysql_log(names: _Names) -> list[str]:
    table, log = names.beside(names.table), names.beside(names.log)
    nothing = f"SELECT {names.keys()} FROM {table} WHERE 1 = 0"  # noqa: S608 - quoted
    made = [
        f"CREATE TABLE {log} ({naming.ID} BIGINT AUTO_INCREMENT PRIMARY KEY, "
        f"{names.q(BATCH)} BIGINT, {names.q(OP)} CHAR(1) NOT NULL DEFAULT 'U') "
        f"AS {nothing}"
    ]
    return made + _row_triggers(names)


_KINDS = ("insert", "update", "moved", "delete")


def _row_triggers(names: _Names) -> list[str]:
    """A changed key is two keys: one that is gone, one that is there."""
    old, new = names.put("D", "OLD"), names.put("U", "NEW")
    bodies = zip(
        _KINDS, ("INSERT", "UPDATE", "UPDATE", "DELETE"), (new, new, old, old), strict=True
    )
    begin, end = ("BEGIN ", "; END") if names.dialect == "sqlite" else ("", "")
    return [
        f"CREATE TRIGGER {names.beside(f'{names.log}_{kind}')} AFTER {event} "
        f"ON {names.beside(names.table)} FOR EACH ROW {begin}{body}{end}"
        for kind, event, body in bodies
    ]


def _postgresql_log(names: _Names) -> list[str]:
    table, log = names.beside(names.table), names.beside(names.log)
    put, gone, tell = (names.beside(f"{names.log}_{end}") for end in ("put", "gone", "tell"))
    head = "RETURNS trigger LANGUAGE plpgsql"
    # The department's users need no rights on the log: its functions are their owner's.
    safe = f"{head} SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $ortoo$ BEGIN"
    payload = f"{names.schema or ''}.{names.table}"
    empty = f"INSERT INTO {log} ({names.q(OP)}) VALUES ('T')"  # noqa: S608 - quoted
    name = {end: names.q(f"{names.log}_{end}") for end in ("put", "gone", "tell")}
    return [
        f"CREATE TABLE {log} AS SELECT NULL::bigint AS {names.q(BATCH)}, "  # noqa: S608 - quoted
        f"'U'::char(1) AS {names.q(OP)}, {names.keys()} FROM {table} WITH NO DATA",
        f"ALTER TABLE {log} ADD {naming.ID} BIGSERIAL PRIMARY KEY",
        f"CREATE FUNCTION {put}() {safe} "
        f"IF TG_OP <> 'INSERT' THEN {names.put('D', 'OLD')}; END IF; "
        f"IF TG_OP <> 'DELETE' THEN {names.put('U', 'NEW')}; END IF; "
        "RETURN NULL; END $ortoo$",
        f"CREATE FUNCTION {gone}() {safe} {empty}; RETURN NULL; END $ortoo$",
        f"CREATE FUNCTION {tell}() {safe} "
        f"PERFORM pg_notify('{naming.CHANNEL}', {_text(payload)}); RETURN NULL; END $ortoo$",
        f"CREATE TRIGGER {name['put']} AFTER INSERT OR UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {put}()",
        f"CREATE TRIGGER {name['gone']} AFTER TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {gone}()",
        f"CREATE TRIGGER {name['tell']} AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {tell}()",
    ]


def _slot(names: _Names, party: str, slot: str) -> list[str]:
    publication = names.q(naming.publication_name(party, names.table))
    return [
        f"CREATE PUBLICATION {publication} FOR TABLE {names.beside(names.table)}",
        f"SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')",
    ]


def _text(value: str) -> str:
    """Quoted, but for MySQL's backslashes: our names of logs have none that a table's has not."""
    return "'" + value.replace("'", "''") + "'"
