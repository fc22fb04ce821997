"""Opinions: judgements of the page and feedback of users, in the one form that exports and reports read.

An opinion stands (it was not undone), says of which chunkings of which stretch it is, and by whom. Skips are none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from docalign.feedback.annotators import list_annotators
from docalign.feedback.chunkings import list_chunkings, list_feedback
from docalign.feedback.judgements import active_judgements
from docalign.feedback.tasks import list_tasks
from docalign.feedback.values import Annotator, Candidate, Chunking, Feedback, Judgement, Ranking, Stretch, Task

if TYPE_CHECKING:
    from docalign.store import Database

__all__ = ["Opinion", "opinions_of", "shares"]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What somebody thinks of `candidates`, chunkings of one stretch.

    `ranking` holds positions in `candidates`, best first, and is empty where no order was given; `labels` says of
    positions that they are good or bad in themselves; `corrected` is a better chunking, made from the candidate at
    `corrected_from` (None: from none of them). `of` is what was asked, so that several answers to one question can be
    told from answers to several; a repeat is the same question asked again.
    """

    id: str
    of: str
    stretch: Stretch
    candidates: tuple[Candidate, ...]
    source: Literal["human", "simulated"]
    annotator: str
    ranking: Ranking = ()
    labels: Mapping[int, bool] = field(default_factory=dict)
    corrected: tuple[int, ...] | None = None
    corrected_from: int | None = None
    weight: float = 1.0
    is_repeat: bool = False
    provenance: Mapping[str, Any] = field(default_factory=dict)


def opinions_of(database: Database) -> list[Opinion]:
    """Every opinion about a document whose text is kept; judgements first, then feedback, oldest first."""
    return [*_of_judgements(database), *_of_feedback(database)]


def _of_judgements(database: Database) -> list[Opinion]:
    tasks = {task.id: task for task in list_tasks(database)}
    annotators = {a.id: a for a in list_annotators(database)}
    standing = [j for j in active_judgements(database) if j.kind != "skip" and j.task_id in tasks]
    return [_judged(j, tasks[j.task_id], annotators[j.annotator_id]) for j in standing]


def _judged(judgement: Judgement, task: Task, annotator: Annotator) -> Opinion:
    everybody = tuple(range(len(task.candidates)))
    all_bad = judgement.kind == "all_bad"
    return Opinion(
        id=judgement.id,
        of=f"task {task.is_repeat_of or task.id}",
        stretch=task.stretch,
        candidates=task.candidates,
        source="simulated" if annotator.simulated else "human",
        annotator=annotator.name,
        ranking=(everybody,) if all_bad else judgement.ranking,
        labels=dict.fromkeys(everybody, False) if all_bad else _ends(judgement.ranking),
        corrected=judgement.corrected_starts,
        corrected_from=judgement.corrected_from,
        weight=judgement.weight,
        is_repeat=task.is_repeat_of is not None,
        provenance={
            "kind": judgement.kind,
            "task": task.id,
            "seed": task.seed,
            "judged_ms": judgement.created_ms,
            "milliseconds": judgement.milliseconds,
            "guideline_version": judgement.guideline_version,
        },
    )


def _of_feedback(database: Database) -> list[Opinion]:
    known = list_chunkings(database)
    return [_said(f, known) for f in list_feedback(database) if known[f.chunking_id].document_id is not None]


def _said(feedback: Feedback, known: Mapping[str, Chunking]) -> Opinion:
    about = known[feedback.chunking_id]
    assert about.document_id is not None
    names = [name for group in feedback.ranking for name in group] or [feedback.chunking_id]
    place = {name: position for position, name in enumerate(names)}
    ranking = tuple(tuple(place[name] for name in group) for group in feedback.ranking)
    # Thumbs about one chunk say nothing of the whole chunking.
    whole = feedback.kind == "thumbs" and feedback.chunk_id is None
    return Opinion(
        id=feedback.id,
        of=f"feedback {feedback.id}",
        stretch=Stretch(about.document_id, 0, about.blocks, about.target_tokens, about.max_tokens, about.counter),
        candidates=tuple(Candidate(known[n].starts, "service", known[n].model_version) for n in names),
        source="simulated" if feedback.simulated else "human",
        annotator=feedback.by or "user of the service",
        ranking=ranking,
        labels={0: bool(feedback.up)} if whole else _ends(ranking),
        corrected=feedback.starts,
        corrected_from=0 if feedback.starts is not None else None,
        provenance={"kind": f"feedback_{feedback.kind}", "judged_ms": feedback.created_ms},
    )


def _ends(ranking: Ranking) -> dict[int, bool]:
    """The best are good and the worst are bad, where there is a difference."""
    if len(ranking) < 2:
        return {}
    return dict.fromkeys(ranking[0], True) | dict.fromkeys(ranking[-1], False)


def shares(opinions: list[Opinion]) -> dict[str, float]:
    """By id, what an opinion weighs so that a question weighs the same however many answered it."""
    answers = Counter(opinion.of for opinion in opinions)
    return {opinion.id: opinion.weight / answers[opinion.of] for opinion in opinions}
