"""Alembic runs this to migrate: on the connection it is handed, within that connection's transaction."""

from alembic import context

from models.operations import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
