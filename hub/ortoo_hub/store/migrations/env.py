"""Alembic's entry: run the revisions on the connection that migrate.upgrade hands over."""

from alembic import context

_attributes = context.config.attributes
context.configure(
    connection=_attributes["connection"],
    version_table=_attributes["version_table"],
    transactional_ddl=True,
)
context.run_migrations()
