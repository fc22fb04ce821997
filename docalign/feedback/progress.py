"""How far an annotator is, and at what pace."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from docalign.feedback.records import now_ms
from docalign.feedback.tables import claims, judgements
from docalign.feedback.tasks import free_tasks
from docalign.feedback.values import Progress

if TYPE_CHECKING:
    from docalign.store import Database

__all__ = ["progress"]

_HOUR_MS: Final = 3_600_000


def progress(database: Database, annotator_id: int, *, overlap: int = 1, now: int | None = None) -> Progress:
    """What the annotator has done and what is left for them, tasks they hold included."""
    time_ms = now_ms() if now is None else now
    with database.reading() as connection:
        mine = (
            select(judgements.c.kind, judgements.c.milliseconds, judgements.c.created_ms)
            .join(claims, claims.c.judgement_id == judgements.c.id)
            .where(judgements.c.annotator_id == annotator_id)
        )
        rows = connection.execute(mine).all()
        left = free_tasks(annotator_id, overlap, (), time_ms).order_by(None).subquery()
        open_ = connection.execute(select(func.count()).select_from(left)).scalar_one()
    judged = [row for row in rows if row.kind != "skip"]
    return Progress(
        judged=len(judged),
        skipped=len(rows) - len(judged),
        open=open_,
        median_ms=round(statistics.median(row.milliseconds for row in judged)) if judged else None,
        judged_last_hour=sum(row.created_ms > time_ms - _HOUR_MS for row in judged),
    )
