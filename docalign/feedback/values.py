"""What goes into the store and comes out of it. Ids are 0 and times are 0 where the store has not given them yet.

A **stretch** is the part of a document that is judged at once: blocks `first_block` up to, not including,
`after_block`. Everything about a stretch counts from its own first block: `starts` of a candidate is what a preference
line holds, and `documents.stretch_document` gives the document they index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from docalign.counting import WORDS

__all__ = [
    "Annotator",
    "Candidate",
    "Chunking",
    "Feedback",
    "FeedbackKind",
    "Judgement",
    "JudgementKind",
    "Progress",
    "Ranking",
    "StoredDocument",
    "Stretch",
    "Task",
]

Ranking = tuple[tuple[int, ...], ...]
"""Best first; ties share a tuple. Of a task: positions (from 0) in the order shown."""

JudgementKind = Literal["ranking", "all_bad", "correction", "skip", "undo"]
FeedbackKind = Literal["thumbs", "ranking", "starts"]


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document in the store; `sha256` is that of the file it was read from."""

    id: int
    sha256: str
    source: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """Blocks `first_block` … `after_block - 1` of a document, to be chunked with these sizes."""

    document_id: int
    first_block: int
    after_block: int
    target_tokens: int | None = None
    max_tokens: int | None = None
    counter: str = WORDS
    id: int = 0

    @property
    def blocks(self) -> int:
        return self.after_block - self.first_block


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunking of a stretch: `starts` counts from the stretch's first block and begins with 0.

    `generator` says what kind of thing made it (`policy`, `pack`, `headings`, …), `model_version` and `parameters`
    exactly which. None of this is for the judge's eyes.
    """

    starts: tuple[int, ...]
    generator: str
    model_version: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    stretch_id: int = 0
    id: int = 0


@dataclass(frozen=True, slots=True)
class Annotator:
    """Whoever judges. One that is `simulated` is a program, and its judgements are never called human."""

    name: str
    simulated: bool = False
    id: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """Candidates of one stretch to be ranked, in the order shown, which `seed` made.

    A repeat (`is_repeat_of`) is for the annotator who judged the original. Of tasks that are free, those with the
    higher `priority` are handed out first.
    """

    stretch: Stretch
    candidates: tuple[Candidate, ...]
    seed: int
    is_repeat_of: int | None = None
    for_annotator: int | None = None
    priority: float = 0.0
    id: int = 0


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an annotator said of a task. `id` is made by the client, so that sending it twice stores it once.

    * `ranking`: `ranking` names every position of the task once.
    * `all_bad`: none of the candidates is acceptable; no order.
    * `correction`: only `corrected_starts`, made from the candidate at `corrected_from`, or from none of them.
      A ranking or an all-bad may carry a correction too.
    * `skip`: with a `reason`.
    * `undo`: takes `undo_of` back, an earlier judgement of the same annotator.

    `weight` is how much it counts beside others when it is exported; what the page collects weighs 1.
    """

    id: str
    task_id: int
    annotator_id: int
    kind: JudgementKind
    ranking: Ranking = ()
    corrected_starts: tuple[int, ...] | None = None
    corrected_from: int | None = None
    reason: str = ""
    note: str = ""
    undo_of: str | None = None
    milliseconds: int = 0
    guideline_version: str = ""
    weight: float = 1.0
    created_ms: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an annotator is. Undone judgements do not count; `median_ms` is of those that are no skips."""

    judged: int
    skipped: int
    open: int
    median_ms: int | None
    judged_last_hour: int


@dataclass(frozen=True, slots=True)
class Chunking:
    """A chunking that the service returned, so that feedback can name it.

    `document_id` is None where the operator keeps no text.
    """

    id: str
    document_sha256: str
    blocks: int
    starts: tuple[int, ...]
    chunk_ids: tuple[str, ...] = ()
    model_version: str | None = None
    target_tokens: int | None = None
    max_tokens: int | None = None
    counter: str = WORDS
    document_id: int | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a user of the service said of a chunking (or of one chunk of it).

    `up` for thumbs; `ranking` holds ids of chunkings of one document; `starts` are block ids of the whole document.
    `by` is whoever the service says it was, or empty; `simulated`, that it was a program.
    """

    id: str
    chunking_id: str
    kind: FeedbackKind
    chunk_id: str | None = None
    up: bool | None = None
    ranking: tuple[tuple[str, ...], ...] = ()
    starts: tuple[int, ...] | None = None
    comment: str | None = None
    by: str = ""
    simulated: bool = False
    created_ms: int = 0
    number: int = 0
