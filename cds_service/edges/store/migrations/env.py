"""What Alembic runs: the connection, its lock and its transaction are those of `schema.upgrade`."""

from alembic import context

from cds_service.edges.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite cannot alter a column in place
)
context.run_migrations()
