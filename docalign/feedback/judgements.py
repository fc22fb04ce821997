"""Judgements: added, never changed; each exactly once, whatever the network and the server's luck.

The client makes the id. A judgement whose answer was lost is sent again with the same id and stored once; the same id
with other content is refused. What is undone stays in the table, with the undo beside it.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Row, func, select, update

from docalign.errors import AlreadyJudgedError, FeedbackError, NotYourTaskError, UnknownItemError
from docalign.feedback.checks import check_client_id, check_ranking, check_starts, check_text
from docalign.feedback.records import QUEUE, add_row, from_json, now_ms, to_json
from docalign.feedback.tables import claims, judgements, stretches, task_candidates, tasks
from docalign.feedback.tasks import LEASE_S, others_on, unknown_task
from docalign.feedback.values import Judgement

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from docalign.store import Database

__all__ = [
    "active_judgements",
    "all_judgements",
    "has_judgement",
    "judge",
    "judgement_of_row",
    "last_judgement",
    "undo",
]

MAX_MILLISECONDS: Final = 24 * 3600 * 1000
"""A page that was left open over night: time on task is kept up to here."""


def judge(database: Database, new: Judgement, *, now: int | None = None) -> Judgement:
    """Store a judgement of a task that the annotator holds; sending it again returns the one that is there.

    Raises:
        UnknownTaskError: no such task, or its document was deleted.
        NotYourTaskError: the annotator does not hold the task, or their lease ended and somebody else has it.
        AlreadyJudgedError: they have judged it, or the id is taken by another judgement.
        RankingError: the ranks do not cover the candidates, or the corrected starts are no chunking.
        TooLongError: a note or reason too long to be one.
        FeedbackError: an id that is none; a skip without a reason; content that does not suit its kind.
    """
    _check_content(new)
    if new.kind == "undo":
        raise FeedbackError("an undo names a judgement, not a task.", remedy="Use undo.")
    time_ms = now_ms() if now is None else now
    new = replace(new, milliseconds=min(max(0, new.milliseconds), MAX_MILLISECONDS))
    with database.writing(QUEUE) as connection:
        known = _by_id(connection, new.id)
        if known is not None:
            return _same(known, new)
        _check_against_task(connection, new)
        _check_claim(connection, new, time_ms)
        stored = _add(connection, new, time_ms)
        mine = (claims.c.task_id == new.task_id, claims.c.annotator_id == new.annotator_id)
        connection.execute(update(claims).where(*mine).values(judgement_id=new.id, counts=new.kind != "skip"))
        return stored


def undo(
    database: Database,
    id: str,  # noqa: A002
    annotator_id: int,
    judgement_id: str | None = None,
    *,
    now: int | None = None,
) -> Judgement:
    """Take a judgement back (the annotator's last one, where none is named); its task is theirs to judge again.

    A skipped task that somebody else has taken up in the meantime stays theirs.

    Args:
        id: of the undo, made by the client; sending it again changes nothing.

    Raises:
        UnknownItemError: no such judgement, or nothing left to undo.
        NotYourTaskError: it is another annotator's.
        AlreadyJudgedError: it is undone already, or the id is taken.
    """
    check_client_id(id)
    time_ms = now_ms() if now is None else now
    with database.writing(QUEUE) as connection:
        known = _by_id(connection, id)
        if known is not None:
            if known.kind != "undo" or known.annotator_id != annotator_id or judgement_id not in (None, known.undo_of):
                raise _taken(id)
            return known
        undone = _to_undo(connection, annotator_id, judgement_id)
        new = Judgement(id, undone.task_id, annotator_id, "undo", undo_of=undone.id)
        stored = _add(connection, new, time_ms)
        lease = 0 if undone.kind == "skip" else round(LEASE_S * 1000)
        mine = (claims.c.task_id == undone.task_id, claims.c.annotator_id == annotator_id)
        freed = {"judgement_id": None, "counts": False, "expires_ms": time_ms + lease}
        connection.execute(update(claims).where(*mine).values(**freed))
        return stored


def last_judgement(database: Database, annotator_id: int) -> Judgement | None:
    """The annotator's latest judgement that is not undone: what `undo` would take back."""
    with database.reading() as connection:
        return _last(connection, annotator_id)


def has_judgement(database: Database, judgement_id: str) -> bool:
    """Whether a judgement of this id is in the record."""
    with database.reading() as connection:
        return _by_id(connection, judgement_id) is not None


def active_judgements(database: Database) -> list[Judgement]:
    """Every judgement that stands: no undo, and not undone; oldest first."""
    with database.reading() as connection:
        return [judgement_of_row(row) for row in connection.execute(_active().order_by(judgements.c.number))]


def all_judgements(database: Database) -> list[Judgement]:
    """The whole record, undone judgements and undos with it; oldest first."""
    with database.reading() as connection:
        return [judgement_of_row(row) for row in connection.execute(select(judgements).order_by(judgements.c.number))]


def _active() -> Any:
    return select(judgements).join(claims, claims.c.judgement_id == judgements.c.id)


def _last(connection: Connection, annotator_id: int) -> Judgement | None:
    mine = _active().where(judgements.c.annotator_id == annotator_id)
    row = connection.execute(mine.order_by(judgements.c.number.desc()).limit(1)).first()
    return None if row is None else judgement_of_row(row)


def _to_undo(connection: Connection, annotator_id: int, judgement_id: str | None) -> Judgement:
    found = _last(connection, annotator_id) if judgement_id is None else _by_id(connection, judgement_id)
    if found is None or found.kind == "undo":
        raise UnknownItemError("there is nothing to undo.", remedy="Judge a task first.")
    if found.annotator_id != annotator_id:
        raise NotYourTaskError("this judgement is another annotator's.", remedy="Undo your own.")
    undone = select(judgements.c.id).where(judgements.c.undo_of == found.id)
    if connection.execute(undone).first() is not None:
        raise AlreadyJudgedError("this judgement is undone already.", remedy="Judge the task again instead.")
    return found


def _check_content(new: Judgement) -> None:
    check_client_id(new.id)
    check_text(new.note, "note")
    check_text(new.reason, "reason")
    check_text(new.guideline_version, "guideline version", limit=100)
    problem = None
    if not 0 < new.weight < inf:
        problem = "a weight is a number over 0."
    elif new.kind == "skip" and not new.reason.strip():
        problem = "a skip needs a reason."
    elif new.kind == "correction" and new.corrected_starts is None:
        problem = "a correction needs the corrected starts."
    elif new.kind != "ranking" and new.ranking:
        problem = f"{new.kind} carries no ranks."
    elif new.kind == "skip" and new.corrected_starts is not None:
        problem = "a skip carries no corrected starts."
    elif new.corrected_from is not None and new.corrected_starts is None:
        problem = "corrected_from needs the corrected starts."
    if problem:
        raise FeedbackError(problem, remedy="Mend the judgement and send it again.")


def _check_against_task(connection: Connection, new: Judgement) -> None:
    blocks = connection.execute(
        select(stretches.c.after_block - stretches.c.first_block)
        .join(tasks, tasks.c.stretch_id == stretches.c.id)
        .where(tasks.c.id == new.task_id)
    ).scalar()
    if blocks is None:
        raise unknown_task(new.task_id)
    shown = select(func.count()).select_from(task_candidates).where(task_candidates.c.task_id == new.task_id)
    candidates = connection.execute(shown).scalar_one()
    if new.kind == "ranking":
        check_ranking(new.ranking, candidates)
    if new.corrected_starts is not None:
        check_starts(new.corrected_starts, blocks, "the corrected starts")
    if new.corrected_from is not None:
        check_ranking(
            ((new.corrected_from,), tuple(p for p in range(candidates) if p != new.corrected_from)), candidates
        )


def _check_claim(connection: Connection, new: Judgement, now: int) -> None:
    mine = (claims.c.task_id == new.task_id, claims.c.annotator_id == new.annotator_id)
    claim = connection.execute(select(claims).where(*mine)).first()
    if claim is None:
        raise NotYourTaskError(f"task {new.task_id} was not given to you.", remedy="Ask for the next task.")
    if claim.judgement_id is not None:
        raise AlreadyJudgedError(f"you have judged task {new.task_id} already.", remedy="Undo that judgement first.")
    if claim.expires_ms <= now and others_on(connection, new.task_id, new.annotator_id, now) >= claim.overlap:
        raise NotYourTaskError(
            f"task {new.task_id} was yours for too long, and another annotator has it now.",
            remedy="Ask for the next task.",
        )


def _same(known: Judgement, new: Judgement) -> Judgement:
    if replace(known, number=0, created_ms=0) != replace(new, number=0, created_ms=0):
        raise _taken(new.id)
    return known


def _taken(id: str) -> AlreadyJudgedError:  # noqa: A002
    return AlreadyJudgedError(f"the id {id} is taken by another judgement.", remedy="Make a new id.")


def _by_id(connection: Connection, id: str) -> Judgement | None:  # noqa: A002
    row = connection.execute(select(judgements).where(judgements.c.id == id)).first()
    return None if row is None else judgement_of_row(row)


def _add(connection: Connection, new: Judgement, now: int) -> Judgement:
    number = add_row(
        connection,
        judgements,
        id=new.id,
        task_id=new.task_id,
        annotator_id=new.annotator_id,
        kind=new.kind,
        ranking=to_json(new.ranking) if new.ranking else None,
        corrected_starts=None if new.corrected_starts is None else to_json(new.corrected_starts),
        corrected_from=new.corrected_from,
        reason=new.reason,
        note=new.note,
        undo_of=new.undo_of,
        milliseconds=new.milliseconds,
        guideline_version=new.guideline_version,
        weight=new.weight,
        created_ms=now,
    )
    return replace(new, number=number, created_ms=now)


def judgement_of_row(row: Row[Any]) -> Judgement:
    return Judgement(
        row.id,
        row.task_id,
        row.annotator_id,
        row.kind,
        tuple(tuple(group) for group in from_json(row.ranking)) if row.ranking else (),
        tuple(from_json(row.corrected_starts)) if row.corrected_starts else None,
        row.corrected_from,
        row.reason,
        row.note,
        row.undo_of,
        row.milliseconds,
        row.guideline_version,
        row.weight,
        row.created_ms,
        row.number,
    )
