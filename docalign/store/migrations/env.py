"""What Alembic runs: the pending migrations of one schema, over the connection `migrate` hands in."""

from alembic import context

schema = context.config.attributes["schema"]
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.tables,
    version_table=schema.version_table,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
