"""Whose chunkings are: a tenant gives feedback on what was returned to it, and on nothing else.

Chunkings from before this migration are nobody's: a service with tokens takes no feedback on them any more.
"""

import sqlalchemy as sa
from alembic import op

revision = "feedback_0002"
down_revision = "feedback_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chunking_tenants",
        sa.Column("chunking_id", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["chunking_id"], ["chunkings.id"], name=op.f("fk_chunking_tenants_chunking_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("chunking_id", "tenant", name=op.f("pk_chunking_tenants")),
    )


def downgrade() -> None:
    op.drop_table("chunking_tenants")
