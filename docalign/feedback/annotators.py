"""Annotators: people, and programs that say they are programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from docalign.errors import FeedbackError, UnknownItemError
from docalign.feedback.checks import check_name
from docalign.feedback.records import QUEUE, add_row, now_ms
from docalign.feedback.tables import annotators
from docalign.feedback.values import Annotator

if TYPE_CHECKING:
    from docalign.store import Database

__all__ = ["add_annotator", "annotator", "list_annotators"]


def add_annotator(database: Database, name: str, *, simulated: bool = False) -> Annotator:
    """The annotator of this name, made if there is none.

    Raises:
        FeedbackError: no name, or one that a person has and a program asks for (or the other way round).
        TooLongError: the name is too long.
    """
    check_name(name)
    with database.writing(QUEUE) as connection:
        row = connection.execute(select(annotators).where(annotators.c.name == name)).first()
        if row is None:
            number = add_row(connection, annotators, name=name, simulated=simulated, created_ms=now_ms())
            return Annotator(name, simulated, number)
    if row.simulated != simulated:
        known = "a simulated annotator" if row.simulated else "a person"
        raise FeedbackError(f"{name!r} is {known} already.", remedy="Choose another name.")
    return Annotator(row.name, row.simulated, row.id)


def annotator(database: Database, annotator_id: int) -> Annotator:
    """The annotator of this number.

    Raises:
        UnknownItemError: there is none.
    """
    with database.reading() as connection:
        row = connection.execute(select(annotators).where(annotators.c.id == annotator_id)).first()
    if row is None:
        raise UnknownItemError(f"there is no annotator {annotator_id}.", remedy="Sign in again.")
    return Annotator(row.name, row.simulated, row.id)


def list_annotators(database: Database) -> list[Annotator]:
    """Every annotator, oldest first."""
    with database.reading() as connection:
        rows = connection.execute(select(annotators).order_by(annotators.c.id))
        return [Annotator(row.name, row.simulated, row.id) for row in rows]
