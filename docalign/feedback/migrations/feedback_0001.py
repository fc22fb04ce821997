"""Documents, stretches, candidates, tasks, claims, judgements; chunkings and feedback after deployment."""

import sqlalchemy as sa
from alembic import op

revision = "feedback_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "annotators",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotators")),
        sa.UniqueConstraint("name", name=op.f("uq_annotators_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("json_sha256", sa.String(length=64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint("json_sha256", name=op.f("uq_documents_json_sha256")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_documents_sha256"), "documents", ["sha256"], unique=False)
    op.create_table(
        "chunkings",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=True),
        sa.Column("blocks", sa.Integer(), nullable=False),
        sa.Column("starts", sa.Text(), nullable=False),
        sa.Column("model_version", sa.String(length=200), nullable=True),
        sa.Column("target_tokens", sa.Integer(), nullable=True),
        sa.Column("max_tokens", sa.Integer(), nullable=True),
        sa.Column("counter", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_chunkings_document_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chunkings")),
    )
    op.create_index(op.f("ix_chunkings_document_id"), "chunkings", ["document_id"], unique=False)
    op.create_index(op.f("ix_chunkings_document_sha256"), "chunkings", ["document_sha256"], unique=False)
    op.create_table(
        "page_pictures",
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("page", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_page_pictures_document_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("document_id", "page", name=op.f("pk_page_pictures")),
    )
    op.create_table(
        "stretches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("first_block", sa.Integer(), nullable=False),
        sa.Column("after_block", sa.Integer(), nullable=False),
        sa.Column("target_tokens", sa.Integer(), nullable=True),
        sa.Column("max_tokens", sa.Integer(), nullable=True),
        sa.Column("counter", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_stretches_document_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stretches")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_stretches_document_id"), "stretches", ["document_id"], unique=False)
    op.create_table(
        "candidates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stretch_id", sa.Integer(), nullable=False),
        sa.Column("starts", sa.Text(), nullable=False),
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("model_version", sa.String(length=200), nullable=True),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stretch_id"], ["stretches.id"], name=op.f("fk_candidates_stretch_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidates")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_candidates_stretch_id"), "candidates", ["stretch_id"], unique=False)
    op.create_table(
        "chunking_chunks",
        sa.Column("chunking_id", sa.String(length=64), nullable=False),
        sa.Column("chunk_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["chunking_id"], ["chunkings.id"], name=op.f("fk_chunking_chunks_chunking_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("chunking_id", "chunk_id", name=op.f("pk_chunking_chunks")),
    )
    op.create_index(op.f("ix_chunking_chunks_chunk_id"), "chunking_chunks", ["chunk_id"], unique=False)
    op.create_table(
        "feedback",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("chunking_id", sa.String(length=64), nullable=False),
        sa.Column("chunk_id", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("up", sa.Boolean(), nullable=True),
        sa.Column("ranking", sa.Text(), nullable=True),
        sa.Column("starts", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["chunking_id"], ["chunkings.id"], name=op.f("fk_feedback_chunking_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_feedback")),
        sa.UniqueConstraint("id", name=op.f("uq_feedback_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_feedback_chunking_id"), "feedback", ["chunking_id"], unique=False)
    op.create_table(
        "tasks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stretch_id", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("is_repeat_of", sa.Integer(), nullable=True),
        sa.Column("for_annotator", sa.Integer(), nullable=True),
        sa.Column("priority", sa.Float(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["for_annotator"], ["annotators.id"], name=op.f("fk_tasks_for_annotator"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["is_repeat_of"], ["tasks.id"], name=op.f("fk_tasks_is_repeat_of"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["stretch_id"], ["stretches.id"], name=op.f("fk_tasks_stretch_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_tasks_for_annotator"), "tasks", ["for_annotator"], unique=False)
    op.create_index(op.f("ix_tasks_is_repeat_of"), "tasks", ["is_repeat_of"], unique=False)
    op.create_index(op.f("ix_tasks_stretch_id"), "tasks", ["stretch_id"], unique=False)
    op.create_table(
        "judgements",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("ranking", sa.Text(), nullable=True),
        sa.Column("corrected_starts", sa.Text(), nullable=True),
        sa.Column("corrected_from", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("undo_of", sa.String(length=64), nullable=True),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("guideline_version", sa.String(length=100), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["annotator_id"], ["annotators.id"], name=op.f("fk_judgements_annotator_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_judgements_task_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["undo_of"], ["judgements.id"], name=op.f("fk_judgements_undo_of"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_judgements")),
        sa.UniqueConstraint("id", name=op.f("uq_judgements_id")),
        sa.UniqueConstraint("undo_of", name=op.f("uq_judgements_undo_of")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_judgements_annotator_id"), "judgements", ["annotator_id"], unique=False)
    op.create_index(op.f("ix_judgements_task_id"), "judgements", ["task_id"], unique=False)
    op.create_table(
        "task_candidates",
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidates.id"], name=op.f("fk_task_candidates_candidate_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_task_candidates_task_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("task_id", "position", name=op.f("pk_task_candidates")),
    )
    op.create_index(op.f("ix_task_candidates_candidate_id"), "task_candidates", ["candidate_id"], unique=False)
    op.create_table(
        "claims",
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("claimed_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("overlap", sa.Integer(), nullable=False),
        sa.Column("judgement_id", sa.String(length=64), nullable=True),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["annotator_id"], ["annotators.id"], name=op.f("fk_claims_annotator_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["judgement_id"], ["judgements.id"], name=op.f("fk_claims_judgement_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_claims_task_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("task_id", "annotator_id", name=op.f("pk_claims")),
        sa.UniqueConstraint("judgement_id", name=op.f("uq_claims_judgement_id")),
    )
    op.create_index("ix_claims_annotator_id", "claims", ["annotator_id"], unique=False)


def downgrade() -> None:
    for table in (
        "claims",
        "task_candidates",
        "judgements",
        "tasks",
        "feedback",
        "chunking_chunks",
        "candidates",
        "stretches",
        "page_pictures",
        "chunkings",
        "documents",
        "annotators",
    ):
        op.drop_table(table)
