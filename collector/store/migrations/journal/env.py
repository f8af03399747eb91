"""Alembic's way in for the journal database; `collector.store.migrate` brings the connection."""

from alembic import context

from collector.store import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.journal,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
