"""Rankings that were made elsewhere, into the store: our preference lines, exports of Argilla and of Label Studio.

A preference line has everything. The records of other tools must carry two things that make a ranking of chunkings of
what it is: `document`, a docalign.document/1 object or its JSON text, and `candidates`, the starts of each: a list
(their options are then called `0`, `1`, …) or an object from option to starts. Argilla: among a record's fields or
metadata. Label Studio: in the task's data.

What is imported becomes a task with a judgement, so reports and exports see no difference. Importing a file again
changes nothing. A record that cannot be used is left out, and named by its place in the file with the reason; a time on
task that is longer than the store keeps is shortened, and said. Lines by rules, judge models or retrieval are refused:
they are nobody's opinion, train on them as they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docalign.counting import WORDS
from docalign.document import Document
from docalign.errors import DocalignError, FeedbackError, InvalidPreferenceError, MissingInputError
from docalign.feedback.annotators import add_annotator
from docalign.feedback.checks import MAX_NAME_CHARS, MAX_NUMBER, check_name, check_ranking, check_starts, check_storable
from docalign.feedback.documents import add_candidates, add_document, add_stretch
from docalign.feedback.foreign import argilla_answers, label_studio_answers
from docalign.feedback.judgements import MAX_MILLISECONDS, has_judgement, judge
from docalign.feedback.tasks import add_task, assign
from docalign.feedback.values import Candidate, Judgement, Ranking, Stretch, Task
from docalign.jsonl import JsonLinesError, read_json_lines
from docalign.preference import SCHEMA as PREFERENCE
from docalign.preference import PreferenceLine

if TYPE_CHECKING:
    from docalign.store import Database

__all__ = ["FORMATS", "Imported", "Ranked", "import_rankings", "read_rankings"]

_HASH_CHARS: Final = 64
FORMATS: Final = ("auto", "preferences", "argilla", "label-studio")


@dataclass(frozen=True, slots=True)
class Ranked:
    """A ranking from elsewhere. `id` is what the file calls it, `by` who made it."""

    id: str
    document: Document
    candidates: tuple[Candidate, ...]
    ranking: Ranking
    by: str
    simulated: bool = False
    target_tokens: int | None = None
    max_tokens: int | None = None
    counter: str = WORDS
    weight: float = 1.0
    milliseconds: int = 0
    where: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of it: rankings stored, those that were there already, why others were left out, and whose time on task
    was too long to be kept."""

    stored: int
    known: int
    left_out: tuple[str, ...]
    capped: tuple[str, ...] = ()


def import_rankings(database: Database, path: str | Path, format: str = "auto") -> Imported:  # noqa: A002
    """Store the rankings of a file.

    Raises:
        MissingInputError: it cannot be read.
        InvalidPreferenceError: it is none of the formats, or nothing in it can be used.
    """
    left_out: list[str] = []
    capped: list[str] = []
    counts = {True: 0, False: 0}
    for ranked in read_rankings(path, format, left_out):
        try:
            is_new = _store(database, ranked)
        except FeedbackError as error:
            left_out.append(f"{ranked.where}: {error.what}")
            continue
        counts[is_new] += 1
        if is_new and ranked.milliseconds > MAX_MILLISECONDS:
            kept = f"is kept as {MAX_MILLISECONDS // 3_600_000} h"
            capped.append(f"{ranked.where}: a time on task of {ranked.milliseconds / 3_600_000:,.1f} h {kept}")
    if not any(counts.values()):
        why = f" ({left_out[0]})" if left_out else ""
        raise InvalidPreferenceError(
            f"nothing in it can be used{why}.", source=str(path), remedy="See what `docalign feedback import` reads."
        )
    return Imported(counts[True], counts[False], tuple(left_out), tuple(capped))


def read_rankings(path: str | Path, format: str, left_out: list[str]) -> Iterator[Ranked]:  # noqa: A002
    """The rankings of a file; what cannot be used is added to `left_out` with where and why."""
    for where, value in _values(path, left_out):
        try:
            yield from _ranked(value, format, where, left_out)
        except (DocalignError, ValueError, RecursionError) as error:
            left_out.append(f"{where}: {_reason(error)}")


def _reason(error: Exception) -> str:
    return error.what if isinstance(error, DocalignError) else f"{error}"


def _values(path: str | Path, left_out: list[str]) -> Iterator[tuple[str, Any]]:
    """Objects of JSON lines, or of one JSON value: a list of them, or (Argilla) an object of records or of columns."""
    try:
        text = "" if str(path).endswith(".xz") else Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise MissingInputError(f"cannot be read ({error}).", source=str(path), remedy="Check the path.") from error
    except UnicodeDecodeError:
        text = ""  # read by line, the bad ones are named
    try:
        whole = json.loads(text) if text else None
    except (ValueError, RecursionError):
        whole = None
    if whole is None:
        try:
            yield from read_json_lines(path, on_bad=lambda error: left_out.append(str(error)))
        except JsonLinesError as error:
            raise InvalidPreferenceError(
                error.what, source=error.where, remedy="Give JSON, or one object a line."
            ) from error
        return
    try:
        rows = _rows(whole)
    except ValueError as error:
        raise InvalidPreferenceError(str(error), source=str(path), remedy="Export it again.") from error
    for number, value in enumerate(rows):
        yield f"{path}:{number + 1}", value


def _rows(whole: Any) -> Iterable[Any]:
    if isinstance(whole, list):
        return whole
    if isinstance(whole, Mapping) and whole and all(isinstance(v, list) for v in whole.values()):
        if len({len(column) for column in whole.values()}) > 1:
            raise ValueError("its columns have different lengths.")
        return [dict(zip(whole, row, strict=True)) for row in zip(*whole.values(), strict=True)]
    if (
        isinstance(whole, Mapping)
        and whole
        and all(isinstance(v, Mapping) and "responses" in v for v in whole.values())
    ):
        return whole.values()
    return [whole]


def _ranked(value: Any, format: str, where: str, left_out: list[str]) -> Iterator[Ranked]:  # noqa: A002
    if not isinstance(value, Mapping):
        raise ValueError("it is no object.")
    kind = _kind(value) if format == "auto" else format
    if kind == "preferences":
        yield replace(_from_line(PreferenceLine.from_json(value, where=where)), where=where)
        return
    answers = label_studio_answers(value) if kind == "label-studio" else argilla_answers(value)
    for answer in answers:
        if isinstance(answer, str):
            left_out.append(f"{where}: {answer}")
            continue
        try:
            document = Document.from_json(answer.document)
            candidates = tuple(Candidate(starts, "import", None, {"option": o}) for o, starts in answer.options.items())
            place = {option: position for position, option in enumerate(answer.options)}
            unknown = [option for group in answer.ranking for option in group if option not in place]
            if unknown:
                raise ValueError(f"the ranking names {unknown[0]!r}, which is none of the candidates.")
            ranking = tuple(tuple(place[option] for option in group) for group in answer.ranking)
            check_ranking(ranking, len(candidates))
            who, ms = answer.by[:MAX_NAME_CHARS], answer.milliseconds
            yield Ranked(answer.id, document, candidates, ranking, who, milliseconds=ms, where=where)
        except (DocalignError, ValueError) as error:
            left_out.append(f"{where}: {_reason(error)}")


def _kind(value: Mapping[str, Any]) -> str:
    if value.get("schema") == PREFERENCE:
        return "preferences"
    return "label-studio" if "annotations" in value and "data" in value else "argilla"


def _from_line(line: PreferenceLine) -> Ranked:
    if line.source not in ("human", "simulated"):
        raise ValueError(f"its source is {line.source}: nobody ranked it.")
    makers = line.makers or ("import",) * len(line.candidates)
    ranked = {position for group in line.ranking for position in group}
    kept = [p for p in range(len(line.candidates)) if p in ranked]
    place = {position: number for number, position in enumerate(kept)}
    return Ranked(
        line.id,
        line.document,
        tuple(Candidate(line.candidates[p], makers[p][:MAX_NAME_CHARS]) for p in kept),
        tuple(tuple(place[p] for p in group) for group in line.ranking),
        line.annotator[:MAX_NAME_CHARS],
        line.source == "simulated",
        line.target_tokens,
        line.max_tokens,
        line.counter,
        line.weight,
    )


def _store(database: Database, ranked: Ranked) -> bool:
    """Whether it was new.

    Raises:
        FeedbackError: it holds what the store does not.
    """
    _check_storable(ranked)
    same = json.dumps(
        [ranked.id, ranked.by, ranked.document.sha256, [c.starts for c in ranked.candidates], ranked.ranking]
    )
    name = "import-" + hashlib.sha256(same.encode("utf-8", "surrogatepass")).hexdigest()[:40]
    if has_judgement(database, name):
        return False
    annotator = add_annotator(database, ranked.by, simulated=ranked.simulated)
    stored = add_document(database, ranked.document)
    stretch = add_stretch(
        database,
        Stretch(stored.id, 0, len(ranked.document.blocks), ranked.target_tokens, ranked.max_tokens, ranked.counter),
    )
    shown = add_candidates(database, stretch, ranked.candidates)
    task = add_task(database, Task(stretch, shown, seed=0, for_annotator=annotator.id))
    assign(database, task.id, annotator.id)
    judge(
        database,
        Judgement(
            name,
            task.id,
            annotator.id,
            "ranking",
            ranked.ranking,
            milliseconds=ranked.milliseconds,
            guideline_version="imported",
            weight=ranked.weight,
        ),
    )
    return True


def _check_storable(ranked: Ranked) -> None:
    """Checked before anything is stored, so that nothing of a ranking that is refused stays behind.

    Raises:
        FeedbackError: text or numbers that no database keeps, or candidates that are no chunkings of the document.
    """
    document = ranked.document
    check_name(ranked.by)
    for text in (document.sha256, ranked.counter, *(c.generator for c in ranked.candidates)):
        check_storable(text, "record")
    if len(document.sha256) > _HASH_CHARS:
        raise FeedbackError("the document's sha256 is none.", remedy="Leave it out.")
    if max(ranked.target_tokens or 0, ranked.max_tokens or 0) > MAX_NUMBER:
        raise FeedbackError(f"a size is over {MAX_NUMBER:,} tokens.", remedy="Lower it.")
    if not 0 < ranked.weight < inf:
        raise FeedbackError("a weight is a number over 0.", remedy="Mend it.")
    for candidate in ranked.candidates:
        check_starts(candidate.starts, len(document.blocks), f"the starts {candidate.starts!r:.60}")
