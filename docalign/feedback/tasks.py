"""Tasks: what is compared, and who holds which.

A task is handed out under a lease: until it ends, nobody else gets the task, unless `overlap` asks for more than one
annotator. A lease that ends unused frees the task; so does a skip. Handing out is atomic: the look and the claim are
one transaction, and those of all annotators run one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, delete, func, insert, or_, select, update

from docalign.errors import FeedbackError, NotYourTaskError, RankingError, UnknownItemError, UnknownTaskError
from docalign.feedback.documents import candidate_of_row, stretch_of_row
from docalign.feedback.records import QUEUE, add_row, now_ms
from docalign.feedback.tables import annotators, candidates, claims, stretches, task_candidates, tasks
from docalign.feedback.values import Task

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from docalign.store import Database

__all__ = [
    "LEASE_S",
    "add_task",
    "free_tasks",
    "list_tasks",
    "next_task",
    "others_on",
    "release",
    "set_priorities",
    "task",
    "tasks_of_annotator",
    "unknown_task",
]

LEASE_S: Final = 900.0
"""How long a task is held for the annotator who got it."""


def add_task(database: Database, new: Task) -> Task:
    """Keep a task: its candidates in the order shown.

    Raises:
        RankingError: fewer than two candidates, one twice, or one of another stretch.
        UnknownItemError: a candidate, the original of a repeat or its annotator is not in the store.
    """
    chosen = [c.id for c in new.candidates]
    if len(chosen) < 2 or len({c.starts for c in new.candidates}) < len(chosen) or len(set(chosen)) < len(chosen):
        raise RankingError("a task compares at least two different candidates.", remedy="Choose others.")
    with database.writing(QUEUE) as connection:
        found = select(candidates.c.id).where(candidates.c.id.in_(chosen), candidates.c.stretch_id == new.stretch.id)
        if len(connection.execute(found).all()) < len(chosen):
            raise UnknownItemError("a candidate of the task is not of its stretch.", remedy="Add candidates first.")
        for number, table in ((new.is_repeat_of, tasks), (new.for_annotator, annotators)):
            if number is not None and not connection.execute(select(table.c.id).where(table.c.id == number)).first():
                raise UnknownItemError(f"{table.name} has no {number}.", remedy="Add it first.")
        task_id = add_row(
            connection,
            tasks,
            stretch_id=new.stretch.id,
            seed=new.seed,
            is_repeat_of=new.is_repeat_of,
            for_annotator=new.for_annotator,
            priority=new.priority,
            created_ms=now_ms(),
        )
        shown = [{"task_id": task_id, "position": p, "candidate_id": c} for p, c in enumerate(chosen)]
        connection.execute(insert(task_candidates), shown)
        return _load(connection, [task_id])[0]


def next_task(
    database: Database,
    annotator_id: int,
    *,
    overlap: int = 1,
    lease_s: float = LEASE_S,
    exclude: Iterable[int] = (),
    now: int | None = None,
) -> Task | None:
    """Lease a task to an annotator: one they hold already (so that reloading a page changes nothing), else a free one.

    Args:
        overlap: how many annotators judge each task.
        exclude: tasks not to return, such as the one on the screen while the next is fetched.
        now: the time in milliseconds since 1970, for tests.

    Returns:
        The task, or None when nothing is left for this annotator.

    Raises:
        FeedbackError: an overlap below 1.
        UnknownItemError: no such annotator.
    """
    if overlap < 1:
        raise FeedbackError(f"an overlap of {overlap} makes no sense.", remedy="Let 1 or more annotators judge a task.")
    time_ms = now_ms() if now is None else now
    with database.writing(QUEUE) as connection:
        if connection.execute(select(annotators.c.id).where(annotators.c.id == annotator_id)).first() is None:
            raise UnknownItemError(f"there is no annotator {annotator_id}.", remedy="Sign in again.")
        task_id = connection.execute(free_tasks(annotator_id, overlap, list(exclude), time_ms).limit(1)).scalar()
        if task_id is None:
            return None
        _claim(connection, task_id, annotator_id, overlap=overlap, now=time_ms, lease_s=lease_s)
        return _load(connection, [task_id])[0]


def free_tasks(annotator_id: int, overlap: int, exclude: Sequence[int], now: int) -> Any:
    """Ids of what the annotator may get: what they hold, longest held first; then what is free, by priority and age."""
    mine = and_(claims.c.task_id == tasks.c.id, claims.c.annotator_id == annotator_id)
    other = claims.alias("other")
    taken = _taken(other.c, annotator_id, now)
    others = select(func.count()).select_from(other).where(other.c.task_id == tasks.c.id, taken).scalar_subquery()
    return (
        select(tasks.c.id)
        .select_from(tasks.outerjoin(claims, mine))
        .where(
            or_(tasks.c.for_annotator.is_(None), tasks.c.for_annotator == annotator_id),
            claims.c.judgement_id.is_(None),
            tasks.c.id.not_in(exclude),
            others < overlap,
        )
        .order_by(claims.c.claimed_ms.is_(None), claims.c.claimed_ms, tasks.c.priority.desc(), tasks.c.id)
    )


def _taken(claim: Any, annotator_id: int, now: int) -> ColumnElement[bool]:
    """Another annotator's claim that counts: judged, or held by a lease that has not ended."""
    held = and_(claim.judgement_id.is_(None), claim.expires_ms > now)
    return and_(claim.annotator_id != annotator_id, or_(claim.counts, held))


def others_on(connection: Connection, task_id: int, annotator_id: int, now: int) -> int:
    """How many other annotators have judged the task or hold it."""
    of_others = select(func.count()).select_from(claims).where(_taken(claims.c, annotator_id, now))
    return connection.execute(of_others.where(claims.c.task_id == task_id)).scalar_one()


def _claim(connection: Connection, task_id: int, annotator_id: int, *, overlap: int, now: int, lease_s: float) -> None:
    mine = (claims.c.task_id == task_id, claims.c.annotator_id == annotator_id)
    until = now + round(lease_s * 1000)
    renewed = connection.execute(update(claims).where(*mine).values(expires_ms=until, overlap=overlap))
    if not renewed.rowcount:
        row = {"task_id": task_id, "annotator_id": annotator_id, "claimed_ms": now, "expires_ms": until}
        connection.execute(insert(claims).values(**row, overlap=overlap, judgement_id=None, counts=False))


def assign(database: Database, task_id: int, annotator_id: int, *, lease_s: float = LEASE_S) -> None:
    """Lease this very task to an annotator, such as one whose judgement was made elsewhere.

    Raises:
        UnknownTaskError: there is none.
        NotYourTaskError: somebody else holds or has judged it.
    """
    time_ms = now_ms()
    with database.writing(QUEUE) as connection:
        if connection.execute(select(tasks.c.id).where(tasks.c.id == task_id)).first() is None:
            raise unknown_task(task_id)
        if others_on(connection, task_id, annotator_id, time_ms):
            raise NotYourTaskError(f"task {task_id} is another annotator's.", remedy="Ask for the next task.")
        _claim(connection, task_id, annotator_id, overlap=1, now=time_ms, lease_s=lease_s)


def release(database: Database, task_id: int, annotator_id: int) -> None:
    """Give a held task back, so that others need not wait for the lease to end. A judged one stays judged."""
    mine = (claims.c.task_id == task_id, claims.c.annotator_id == annotator_id, claims.c.judgement_id.is_(None))
    with database.writing(QUEUE) as connection:
        connection.execute(delete(claims).where(*mine))


def task(database: Database, task_id: int) -> Task:
    """The task of this number.

    Raises:
        UnknownTaskError: there is none.
    """
    with database.reading() as connection:
        found = _load(connection, [task_id])
    if not found:
        raise unknown_task(task_id)
    return found[0]


def unknown_task(task_id: int) -> UnknownTaskError:
    return UnknownTaskError(
        f"there is no task {task_id}.", remedy="Ask for the next task; its document may be deleted."
    )


def list_tasks(database: Database) -> list[Task]:
    """Every task, oldest first."""
    with database.reading() as connection:
        return _load(connection, None)


def tasks_of_annotator(database: Database, annotator_id: int) -> list[Task]:
    """The tasks an annotator holds or has judged, and those that are for them only; oldest first."""
    held = select(claims.c.task_id).where(claims.c.annotator_id == annotator_id)
    own = select(tasks.c.id).where(tasks.c.for_annotator == annotator_id)
    with database.reading() as connection:
        ids = connection.execute(held.union(own)).scalars().all()
        return _load(connection, ids) if ids else []


def set_priorities(database: Database, priorities: Mapping[int, float]) -> None:
    """Say which open tasks to hand out first; tasks that are gone are passed over."""
    rows = [{"number": task_id, "new": priority} for task_id, priority in priorities.items()]
    if rows:
        with database.writing(QUEUE) as connection:
            connection.execute(
                update(tasks).where(tasks.c.id == bindparam("number")).values(priority=bindparam("new")), rows
            )


def _load(connection: Connection, ids: Sequence[int] | None) -> list[Task]:
    chosen = tasks.c.id.in_(ids) if ids is not None else tasks.c.id.is_not(None)
    shown: dict[int, list[Any]] = {}
    rows = connection.execute(
        select(task_candidates.c.task_id, candidates)
        .join(candidates, candidates.c.id == task_candidates.c.candidate_id)
        .join(tasks, tasks.c.id == task_candidates.c.task_id)
        .where(chosen)
        .order_by(task_candidates.c.task_id, task_candidates.c.position)
    )
    for row in rows:
        shown.setdefault(row.task_id, []).append(candidate_of_row(row))
    wanted = [c.label(f"task_{c.name}") for c in tasks.c]
    rows = connection.execute(
        select(*wanted, stretches)
        .join(stretches, stretches.c.id == tasks.c.stretch_id)
        .where(chosen)
        .order_by(tasks.c.id)
    )
    return [
        Task(
            stretch_of_row(row),
            tuple(shown[row.task_id]),
            row.task_seed,
            row.task_is_repeat_of,
            row.task_for_annotator,
            row.task_priority,
            row.task_id,
        )
        for row in rows
    ]
