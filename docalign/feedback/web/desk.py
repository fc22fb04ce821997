"""Desk: what the page is served from. The store, who judges, and what happens after a judgement.

After each judgement the annotator may be due for a repeat, and every few judgements the open tasks get new priorities.
Neither is needed for the answer to the annotator, so the page does it after the answer is sent.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from docalign.document import Document
from docalign.errors import FeedbackError
from docalign.feedback import store
from docalign.feedback.guideline import Guideline, load_guideline
from docalign.feedback.pairing import fit_strengths, games_of, priorities, repeat_of, shown_order
from docalign.feedback.values import Annotator, Judgement, Stretch, Task
from docalign.store import Database

__all__ = ["Desk", "is_of_team"]

_ORDERED_EVERY: Final = 5
"""Priorities are worked out anew after so many judgements, or a tenth of all: later ones change little."""
_SOON: Final = 2.0
"""Above every priority that a first showing can have."""


def is_of_team(annotator: Annotator, team: str) -> bool:
    """Whether somebody signed in as one of this team; everybody is, where there are no teams."""
    return not team or annotator.name.startswith(f"{team}/")


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Desk:
    """The page's side of the store.

    Args:
        overlap: how many annotators judge each task.
        annotator: who judges, where the page need not ask.
        preparing: whether more tasks are on their way.
        scores: what a reward model makes of the candidates of tasks, by candidate id (`RewardScores`).
    """

    database: Database
    overlap: int = 1
    annotator: Annotator | None = None
    seed: int = 0
    guideline: Guideline = field(default_factory=load_guideline)
    preparing: Callable[[], bool] = _never
    scores: Callable[[Sequence[Task]], Mapping[int, float]] | None = None

    def sign_in(self, name: str, *, team: str = "") -> Annotator:
        """The annotator of this name, in this team.

        Raises:
            FeedbackError: it is no name.
        """
        own = name.strip()
        return store.add_annotator(self.database, f"{team}/{own}" if team and own else own)

    def next_task(self, annotator: Annotator, *, after: Task | None = None) -> Task | None:
        """The task to show, or the one to fetch ahead while `after` is on the screen."""
        exclude = () if after is None else (after.id,)
        return store.next_task(self.database, annotator.id, overlap=self.overlap, exclude=exclude)

    def document(self, stretch: Stretch) -> Document:
        return store.stretch_document(self.database, stretch)

    def check_guideline(self, version: str, judgement_id: str) -> None:
        """Refuse what was judged under another guideline than the page shows, unless it is stored and only sent again.

        Raises:
            FeedbackError: it was.
        """
        if version != self.guideline.version and not store.has_judgement(self.database, judgement_id):
            raise FeedbackError(
                f"this was not judged under the guideline that is in force ({self.guideline.version}).",
                remedy="Reload the page, read the guideline and judge again.",
            )

    def after(self, judgement: Judgement) -> None:
        """What a judgement sets off."""
        self._repeat(judgement.annotator_id)
        if judgement.number % max(_ORDERED_EVERY, judgement.number // 100 * 10) == 0:
            self.order_tasks()

    def order_tasks(self) -> None:
        """Give the open tasks their priorities from everything judged so far."""
        judged = store.active_judgements(self.database)
        tasks = {t.id: t for t in store.list_tasks(self.database)}
        judged = [j for j in judged if j.task_id in tasks]  # documents may be deleted meanwhile
        games = [g for j in judged if j.kind == "ranking" for g in games_of(tasks[j.task_id], j.ranking)]
        done = {j.task_id for j in judged}
        still = [t for t in tasks.values() if t.id not in done and t.is_repeat_of is None]
        scores = self.scores(still) if self.scores is not None else None
        store.set_priorities(self.database, priorities(still, fit_strengths(games), scores))

    def _repeat(self, annotator_id: int) -> None:
        # Judgements first: the annotator may be given a task, and judge it, between the two questions.
        mine = [j for j in store.active_judgements(self.database) if j.annotator_id == annotator_id]
        tasks = {t.id: t for t in store.tasks_of_annotator(self.database, annotator_id)}
        history = [j.task_id for j in mine if j.kind == "ranking" and tasks[j.task_id].is_repeat_of is None]
        mine_again = (t for t in tasks.values() if t.for_annotator == annotator_id)
        repeated = [t.is_repeat_of for t in mine_again if t.is_repeat_of is not None]
        again = repeat_of(history, repeated, self.seed)
        if again is None:
            return
        task = tasks[again]
        seed = random.Random(f"again {task.seed} {annotator_id}").getrandbits(48)
        shown = [task.candidates[i] for i in shown_order(len(task.candidates), seed)]
        if shown == list(task.candidates):  # a repeat in the same order could be told by it
            shown.reverse()
        store.add_task(
            self.database,
            Task(
                task.stretch,
                tuple(shown),
                seed,
                is_repeat_of=task.id,
                for_annotator=annotator_id,
                priority=_SOON,
            ),
        )
