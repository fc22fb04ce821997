"""Jobs and the pieces of their uploads and results."""

import sqlalchemy as sa
from alembic import op

revision = "service_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_jobs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=64), nullable=True),
        sa.Column("lease_ms", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_service_jobs"),
    )
    op.create_index("ix_service_jobs_state", "service_jobs", ["state", "created_ms"])
    op.create_index("ix_service_jobs_tenant", "service_jobs", ["tenant", "state"])
    op.create_index("ix_service_jobs_expires", "service_jobs", ["expires_ms"])
    op.create_table(
        "service_pieces",
        sa.Column("job", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["job"], ["service_jobs.id"], name="fk_service_pieces_job", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job", "kind", "number", name="pk_service_pieces"),
    )


def downgrade() -> None:
    op.drop_table("service_pieces")
    op.drop_table("service_jobs")
