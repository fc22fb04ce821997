"""Preference lines: chunkings of one document, and which of them somebody likes better.

One `docalign.preference/1` JSON object a line, plain or xz-compressed, whoever judged: people, rules, a judge,
retrieval. A line is checked when it is read; a bad one is refused with its file and line number, or quarantined where
the caller asks for that, because a wrong preference teaches the opposite of what was meant.

It does not ask anybody for a preference (`feedback/`, `train/prefs.py`) and trains nothing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from pathlib import Path
from sys import float_info
from typing import Any, Final, Literal, get_args

from docalign.counting import WORDS, counter, counter_identity
from docalign.document import Document
from docalign.errors import InvalidDocumentError, InvalidPreferenceError, UsageError
from docalign.jsonl import JsonLinesError, read_json_lines, write_lines

__all__ = [
    "SCHEMA",
    "SOURCES",
    "Pair",
    "PreferenceLine",
    "Starts",
    "graded",
    "pairs_of",
    "read_preferences",
    "refuse_leaks",
    "write_preferences",
]

SCHEMA: Final = "docalign.preference/1"

PreferenceSource = Literal["human", "rule", "judge", "retrieval", "simulated"]
SOURCES: Final[tuple[str, ...]] = get_args(PreferenceSource)

Starts = tuple[int, ...]
Quarantine = Callable[[InvalidPreferenceError], None]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two candidates of a line by index, the first preferred to the second, and how much that counts."""

    chosen: int
    rejected: int
    weight: float


@dataclass(frozen=True, slots=True)
class PreferenceLine:
    """A document, candidate chunkings of it (ids of the blocks that start a chunk, the first 0) and their ranking.

    `ranking` holds indexes of candidates, best first; those in one tuple are ties. Candidates that nobody ranked are in
    none. `counter` names what counts tokens for this line, `counter_sha256` what it was when the line was written
    (`counting.counter_identity`). `weight` is how much the line counts beside others. `scores` and `makers` say, by
    candidate, what a reward gave it and where it came from, where that is known. `where` is the file and line it
    was read from, for messages.
    """

    id: str
    document: Document
    candidates: tuple[Starts, ...]
    ranking: tuple[tuple[int, ...], ...]
    source: PreferenceSource
    annotator: str
    target_tokens: int | None = None
    max_tokens: int | None = None
    counter: str = WORDS
    counter_sha256: str | None = None
    weight: float = 1.0
    scores: tuple[float, ...] | None = None
    makers: tuple[str, ...] | None = None
    where: str = field(default="", compare=False)

    def to_json(self) -> dict[str, Any]:
        """The fixed `docalign.preference/1` object; the fields after `annotator` only where they say something."""
        value: dict[str, Any] = {
            "schema": SCHEMA,
            "id": self.id,
            "document": self.document.to_json(),
            "target_tokens": self.target_tokens,
            "max_tokens": self.max_tokens,
            "candidates": [list(c) for c in self.candidates],
            "ranking": [list(r) for r in self.ranking],
            "source": self.source,
            "annotator": self.annotator,
            "counter": self.counter,
        }
        extra: dict[str, Any] = {
            "counter_sha256": self.counter_sha256,
            "weight": None if self.weight == 1.0 else self.weight,
            "scores": None if self.scores is None else list(self.scores),
            "makers": None if self.makers is None else list(self.makers),
        }
        return value | {name: found for name, found in extra.items() if found is not None}

    @classmethod
    def from_json(cls, value: Any, *, where: str = "preference line") -> PreferenceLine:
        """Read and check a `docalign.preference/1` object; `where` (`file:line`) names it in errors.

        Raises:
            InvalidPreferenceError: wrong schema, missing or ill-typed field, one candidate, starts that are no
                chunking of the document, a ranking that contradicts itself, sizes that contradict each other, a
                counter that is unknown or another one than the line was written with.
        """
        if not isinstance(value, Mapping) or value.get("schema") != SCHEMA:
            raise InvalidPreferenceError(
                f"this JSON is not a {SCHEMA} object.", source=where, remedy=f'Set "schema" to "{SCHEMA}".'
            )
        try:
            document = Document.from_json(value.get("document"), source=None)
        except InvalidDocumentError as error:
            raise InvalidPreferenceError(
                f"its document is invalid: {error.what}", source=where, remedy=error.remedy
            ) from error
        candidates = _candidates(value.get("candidates"), len(document.blocks), where)
        target, limit = _size(value, "target_tokens", where), _size(value, "max_tokens", where)
        if target is not None and limit is not None and target > limit:
            raise InvalidPreferenceError(
                f"target_tokens {target} is over max_tokens {limit}.",
                source=where,
                remedy="Lower target_tokens or raise max_tokens.",
            )
        source = _text(value, "source", where)
        if source not in SOURCES:
            raise _invalid("source", f"one of {', '.join(SOURCES)}", source, where)
        return cls(
            id=_text(value, "id", where),
            document=document,
            candidates=candidates,
            ranking=_ranking(value.get("ranking"), candidates, where),
            source=source,  # type: ignore[arg-type]  # checked above
            annotator=_text(value, "annotator", where),
            target_tokens=target,
            max_tokens=limit,
            **_counter(value, where),
            weight=_weight(value.get("weight", 1.0), where),
            scores=_scores(value.get("scores"), len(candidates), where),
            makers=_makers(value.get("makers"), len(candidates), where),
            where=where,
        )


def read_preferences(path: str | Path, *, quarantine: Quarantine | None = None) -> list[PreferenceLine]:
    """The preference lines of a `.jsonl` or `.jsonl.xz` file; blank lines are skipped.

    Lines of one annotator that order the same two chunkings of the same document both ways contradict each other, and
    none of them is used.

    Args:
        quarantine: is told of each line that cannot be used, and reading goes on; without it such a line is raised.

    Raises:
        MissingInputError: no such file, or it may not be read.
        InvalidPreferenceError: a line cannot be used (`source` is `file:line`), or the file holds none that can.
    """
    refuse = quarantine or _raised
    found: list[tuple[str, PreferenceLine]] = []
    try:
        for where, value in read_json_lines(path, on_bad=lambda bad: refuse(_no_json(bad))):
            try:
                found.append((where, PreferenceLine.from_json(value, where=where)))
            except InvalidPreferenceError as error:
                refuse(error)
    except JsonLinesError as error:
        raise _no_json(error) from error
    contradictions = _contradictions(found)
    for contradiction in contradictions.values():
        refuse(contradiction)
    lines = [line for number, (_, line) in enumerate(found) if number not in contradictions]
    if not lines:
        raise InvalidPreferenceError(
            "the file holds no preference lines that can be used.",
            source=str(path),
            remedy=f"Write {SCHEMA} lines to it, `docalign prefs build` does; or mend those it holds.",
        )
    return lines


def write_preferences(path: str | Path, lines: Iterable[PreferenceLine]) -> int:
    """Write preference lines to `path` (compressed when it ends in `.xz`); returns how many."""
    return write_lines(path, (json.dumps(line.to_json(), ensure_ascii=False) for line in lines))


def pairs_of(line: PreferenceLine, *, margin: float = 0.0) -> list[Pair]:
    """Every pair that the ranking orders; ties make none. The pairs of a line share its weight equally.

    Args:
        margin: where the line has scores, pairs closer than this make none either.
    """
    scores = line.scores

    def apart(a: int, b: int) -> bool:
        return scores is None or scores[a] - scores[b] >= margin

    ordered = [(a, b) for better, worse in combinations(line.ranking, 2) for a in better for b in worse if apart(a, b)]
    return [Pair(a, b, line.weight / len(ordered)) for a, b in ordered]


def graded(line: PreferenceLine) -> dict[int, bool]:
    """Candidates that are desirable (in the best place) or undesirable (in the worst), for methods without pairs."""
    if len(line.ranking) < 2:
        return {}
    return dict.fromkeys(line.ranking[0], True) | dict.fromkeys(line.ranking[-1], False)


def refuse_leaks(
    lines: Iterable[PreferenceLine], held_out: Collection[str], *, quarantine: Quarantine | None = None
) -> list[PreferenceLine]:
    """The lines none of whose documents is held out.

    Args:
        held_out: what `document.source` says of the documents that must not be trained on.
        quarantine: is told of each leaked line; without it the first is raised.

    Raises:
        InvalidPreferenceError: a line's document is held out.
    """
    refuse, kept = quarantine or _raised, []
    for line in lines:
        if line.document.source in held_out:
            refuse(
                InvalidPreferenceError(
                    f"the document of line {line.id!r} is in the held-out data too: what is measured would be trained.",
                    source=line.where or line.document.source,
                    remedy="Split by document: leave its lines out on one side.",
                )
            )
        else:
            kept.append(line)
    return kept


def _contradictions(found: Sequence[tuple[str, PreferenceLine]]) -> dict[int, InvalidPreferenceError]:
    """By number, the lines that order two chunkings the other way round than a line of the same annotator does."""
    orders: dict[tuple[Any, ...], dict[tuple[Starts, Starts], int]] = defaultdict(dict)
    errors: dict[int, InvalidPreferenceError] = {}
    for number, (where, line) in enumerate(found):
        # Stretches of one file have its hash, and block ids of their own.
        text = (line.document.sha256, line.document.text)
        known = orders[(text, line.target_tokens, line.max_tokens, line.source, line.annotator)]
        for pair in pairs_of(line):
            better, worse = line.candidates[pair.chosen], line.candidates[pair.rejected]
            other = known.get((worse, better))
            if other is not None:
                errors.setdefault(other, _contradictory(found[other][0], where, line.annotator))
                errors.setdefault(number, _contradictory(where, found[other][0], line.annotator))
            known.setdefault((better, worse), number)
    return errors


def _contradictory(where: str, other: str, annotator: str) -> InvalidPreferenceError:
    return InvalidPreferenceError(
        f"{annotator!r} orders two chunkings here the other way round than at {other}.",
        source=where,
        remedy="Ask again and keep one of the two lines, or rank them as ties.",
    )


def _candidates(value: Any, blocks: int, where: str) -> tuple[Starts, ...]:
    if not isinstance(value, list) or not all(isinstance(c, list) for c in value):
        raise _invalid("candidates", "a list of lists of block ids", value, where)
    if len(value) < 2:
        raise InvalidPreferenceError(
            f"it has {len(value)} candidate{'s' * (len(value) != 1)}; a preference needs two.",
            source=where,
            remedy="Add a candidate or drop the line.",
        )
    return tuple(_starts(candidate, blocks, f"candidate {i}", where) for i, candidate in enumerate(value))


def _starts(value: list[Any], blocks: int, name: str, where: str) -> Starts:
    if not value or not all(_is_int(s) for s in value):
        raise _invalid(name, "a non-empty list of block ids", value, where)
    if value[0] != 0:
        raise _invalid(f"the first start of {name}", "0", value[0], where)
    for before, after in pairwise(value):
        if after <= before:
            raise InvalidPreferenceError(
                f"starts must increase, but in {name} {after} follows {before}.",
                source=where,
                remedy="Sort the starts, drop doubles.",
            )
    if value[-1] >= blocks:
        raise InvalidPreferenceError(
            f"{name} names block {value[-1]}, but the document has {blocks} blocks (ids from 0).",
            source=where,
            remedy="Give the document that was ranked, or mend the starts.",
        )
    return tuple(value)


def _ranking(value: Any, candidates: Sequence[Starts], where: str) -> tuple[tuple[int, ...], ...]:
    shaped = isinstance(value, list) and all(isinstance(r, list) and r and all(_is_int(i) for i in r) for r in value)
    if not shaped:
        raise _invalid("ranking", "a list of non-empty lists of candidates, best first", value, where)
    ranks: dict[int, int] = {}
    for rank, tied in enumerate(value):
        for i in tied:
            if not 0 <= i < len(candidates):
                raise _invalid("ranking", f"of the candidates 0 to {len(candidates) - 1}", i, where)
            if i in ranks:
                raise InvalidPreferenceError(
                    f"its ranking contradicts itself: candidate {i} is in it twice.",
                    source=where,
                    remedy="Name every candidate once.",
                )
            ranks[i] = rank
    if len(ranks) < 2:
        raise _invalid("ranking", "of at least two candidates", value, where)
    places: dict[Starts, int] = {}
    for i, rank in ranks.items():
        if places.setdefault(candidates[i], rank) != rank:
            raise InvalidPreferenceError(
                f"its ranking contradicts itself: candidate {i} is the same chunking as one in another place.",
                source=where,
                remedy="Drop the double.",
            )
    return tuple(tuple(tied) for tied in value)


def _counter(value: Mapping[str, Any], where: str) -> dict[str, Any]:
    name = value.get("counter", WORDS)
    if not isinstance(name, str) or not name:
        raise _invalid("counter", "the name of a counter", name, where)
    digest = value.get("counter_sha256")
    try:
        counter(name)
        identity = counter_identity(name) if digest is not None else None
    except UsageError as error:
        raise InvalidPreferenceError(error.what, source=where, remedy=error.remedy) from error
    if identity != digest:
        raise InvalidPreferenceError(
            f"it was counted with another tokenizer than {name!r} is here ({digest!s:.12} is not {identity!s:.12}).",
            source=where,
            remedy="Put that tokenizer back, or count the line again and drop counter_sha256.",
        )
    return {"counter": name, "counter_sha256": digest}


def _weight(value: Any, where: str) -> float:
    if not _is_number(value) or value <= 0:
        raise _invalid("weight", "a number over 0", value, where)
    return float(value)


def _scores(value: Any, number: int, where: str) -> tuple[float, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != number or not all(_is_number(v) for v in value):
        raise _invalid("scores", "a number for each candidate", value, where)
    return tuple(float(v) for v in value)


def _makers(value: Any, number: int, where: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != number or not all(isinstance(v, str) for v in value):
        raise _invalid("makers", "a text for each candidate", value, where)
    return tuple(value)


def _size(value: Mapping[str, Any], field: str, where: str) -> int | None:
    found = value.get(field)
    if found is not None and (not _is_int(found) or found < 1):
        raise _invalid(field, "a whole number of at least 1, or null", found, where)
    return found


def _text(value: Mapping[str, Any], field: str, where: str) -> str:
    found = value.get(field)
    if not isinstance(found, str) or not found:
        raise _invalid(field, "a non-empty string", found, where)
    return found


def _invalid(field: str, rule: str, value: Any, where: str) -> InvalidPreferenceError:
    return InvalidPreferenceError(f"{field} must be {rule}, not {value!r:.60}.", source=where, remedy=f"Mend {field}.")


def _no_json(error: JsonLinesError) -> InvalidPreferenceError:
    return InvalidPreferenceError(error.what, source=error.where, remedy="Write one JSON object a line.")


def _raised(error: InvalidPreferenceError) -> None:
    raise error


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    """Whether it is a number that a float holds; compared, because a longer whole number cannot be converted."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= float_info.max
