"""How Argilla and Label Studio write a ranking, read into one form. What the parts mean is `imports`' business.

Label Studio (JSON export): a task with `data` and `annotations`; of each that was not cancelled, the first result of
the type `ranker` (a list of option ids, or an object of buckets, those in one bucket tied, best bucket first; the
bucket `_` holds what was not sorted) or `pairwise` (`left` is the first candidate, `right` the second). `lead_time` is
in seconds.

Argilla 2 (`dataset.records.to_json`, and flattened): `responses` by question, each a list of `value` and `user_id`, the
value the options best first; this form has lost ties. Argilla 1 and datasets on the hub: the question itself, with
`user_id`, `value`, `status`, and in the value `rank` beside `value`, equal ranks for ties. Drafts and discarded
responses are passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, nan
from typing import Any, Final

__all__ = ["Answer", "argilla_answers", "label_studio_answers"]

_UNSORTED: Final = "_"
_MOST_SECONDS: Final = 1e9
"""So that no time is too long to be counted; the store keeps far less."""
_COUNTED: Final = (None, "submitted")

Options = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Answer:
    """One person's ranking of a record: option names, best first, ties together."""

    id: str
    document: Any
    options: Options
    ranking: tuple[tuple[str, ...], ...]
    by: str
    milliseconds: int = 0


def label_studio_answers(task: Mapping[str, Any]) -> Iterator[Answer | str]:
    """The rankings of a task; in place of one that is not as Label Studio writes it, why.

    Raises:
        ValueError: the task's data has no document or no candidates.
    """
    document, options = _document_and_options(_object(task.get("data"), "data"))
    for number, annotation in enumerate(_list(task.get("annotations"), "annotations"), 1):
        try:
            found = _label_studio_answer(annotation, options)
        except ValueError as error:
            yield f"annotation {number}: {error}"
            continue
        if found is not None:
            ranking, by, lead_ms = found
            name = f"label-studio {task.get('id')}/{annotation.get('id')}"
            yield Answer(name, document, options, ranking, by, lead_ms)


def argilla_answers(record: Mapping[str, Any]) -> Iterator[Answer | str]:
    """The rankings of a record; in place of one that is not as Argilla writes it, why.

    Raises:
        ValueError: the record has no document or no candidates among its fields or metadata, or its responses are in no
            form of Argilla's.
    """
    merged: dict[str, Any] = dict(record)
    for place in ("metadata", "fields"):
        inner = record.get(place)
        merged |= _object(inner, place) if inner else {}
    document, options = _document_and_options(merged)
    for number, (user, value, status) in enumerate(_responses(record), 1):
        try:
            ranking = _argilla_ranking(value)
        except ValueError as error:
            yield f"response {number}: {error}"
            continue
        if status in _COUNTED and ranking:
            name = f"argilla {record.get('id') or record.get('external_id') or record.get('_server_id')}"
            yield Answer(name, document, options, ranking, f"argilla {user}" if user else "argilla")


def _label_studio_answer(annotation: Any, options: Options) -> tuple[tuple[tuple[str, ...], ...], str, int] | None:
    """The ranking of an annotation, whose it is, and how long it took; None where it has none."""
    annotation = _object(annotation, "content")
    if annotation.get("was_cancelled"):
        return None
    results = (_result(_object(r, "result"), list(options)) for r in _list(annotation.get("result"), "result"))
    ranking = next(filter(None, results), None)
    if ranking is None:
        return None
    who = annotation.get("completed_by")
    if isinstance(who, Mapping):
        who = who.get("email") or who.get("id")
    return ranking, f"label-studio {who}" if who is not None else "label-studio", _milliseconds(annotation)


def _milliseconds(annotation: Mapping[str, Any]) -> int:
    lead = annotation.get("lead_time")
    try:
        seconds = float(lead or 0)
    except (TypeError, ValueError, OverflowError):
        seconds = nan
    if not 0 <= seconds < inf:
        raise ValueError(f"its lead_time {lead!r:.40} is no number of seconds.")
    return round(min(seconds, _MOST_SECONDS) * 1000)


def _result(result: Mapping[str, Any], options: Sequence[str]) -> tuple[tuple[str, ...], ...] | None:
    if result.get("type") not in ("pairwise", "ranker"):
        return None
    value = _object(result.get("value") or {}, "value")
    if result["type"] == "pairwise":
        if value.get("selected") not in ("left", "right") or len(options) != 2:
            return None
        first = options[0] if value["selected"] == "left" else options[1]
        return ((first,), tuple(o for o in options if o != first))
    found = value.get("ranker")
    if isinstance(found, Mapping) and len(found) == 1 and _UNSORTED not in found:
        found = next(iter(found.values()))  # without buckets: one list, under the name of the tag
    if isinstance(found, Mapping):
        buckets = {bucket: _list(ids, f"bucket {bucket!r:.40}") for bucket, ids in found.items()}
        return tuple(tuple(map(str, ids)) for bucket, ids in buckets.items() if bucket != _UNSORTED and ids)
    return tuple((str(option),) for option in _list(found, "ranker")) or None


def _responses(record: Mapping[str, Any]) -> Iterator[tuple[Any, Any, Any]]:
    """User, value and status of every response, whatever the question is called."""
    nested = record.get("responses")
    if isinstance(nested, Mapping):  # Argilla 2
        for name, answers in nested.items():
            given = [_object(a, f"response to {name!r:.40}") for a in _list(answers, f"responses to {name!r:.40}")]
            yield from ((a.get("user_id"), a.get("value"), a.get("status")) for a in given)
        return
    for name, found in record.items():
        if name.endswith(".responses"):  # Argilla 2, flattened
            count = len(_list(found, name))
            users = record.get(f"{name}.users") or [None] * count
            statuses = record.get(f"{name}.status") or [None] * count
            yield from _columns(name, users, found or [], statuses)
        elif isinstance(found, Mapping) and {"user_id", "value", "status"} <= set(found):  # Argilla 1, by column
            yield from _columns(name, found["user_id"], found["value"], found["status"])
        elif isinstance(found, list):  # Argilla 1, by response
            rows = [r for r in found if isinstance(r, Mapping) and {"user_id", "value", "status"} <= set(r)]
            yield from ((r["user_id"], r["value"], r["status"]) for r in rows)


def _columns(name: str, *columns: Any) -> Iterator[tuple[Any, ...]]:
    lists = [_list(column, name) for column in columns]
    if len({len(column) for column in lists}) > 1:
        raise ValueError(f"its {name} has columns of different lengths.")
    return zip(*lists, strict=True)


def _argilla_ranking(value: Any) -> tuple[tuple[str, ...], ...]:
    """The ranking in a response's value; empty for an answer to a question that is no ranking."""
    if isinstance(value, Mapping) and isinstance(value.get("rank"), list) and isinstance(value.get("value"), list):
        value = [{"rank": r, "value": v} for r, v in _columns("ranking", value["rank"], value["value"])]
    if not isinstance(value, list) or not value:
        return ()
    if all(isinstance(v, Mapping) and "rank" in v and "value" in v for v in value):
        if not all(isinstance(v["rank"], int) for v in value):
            raise ValueError("its ranks are no whole numbers.")
        ranks = sorted({v["rank"] for v in value})
        return tuple(tuple(str(v["value"]) for v in value if v["rank"] == rank) for rank in ranks)
    if all(isinstance(v, Mapping) and "value" in v for v in value):
        value = [v["value"] for v in value]
    return tuple((v,) for v in value) if all(isinstance(v, str) for v in value) else ()


def _document_and_options(data: Mapping[str, Any]) -> tuple[Any, Options]:
    document, candidates = _parsed(data.get("document")), _parsed(data.get("candidates"))
    if not isinstance(document, Mapping):
        raise ValueError("it carries no document (a docalign.document/1 object).")
    if isinstance(candidates, list):
        candidates = {str(number): starts for number, starts in enumerate(candidates)}
    if not isinstance(candidates, Mapping) or len(candidates) < 2:
        raise ValueError("it carries no candidates (lists of the blocks that start a chunk).")
    options = {str(option): _starts(starts) for option, starts in candidates.items()}
    return document, options


def _starts(value: Any) -> tuple[int, ...]:
    found = _parsed(value)
    if not isinstance(found, list) or not all(isinstance(s, int) and not isinstance(s, bool) for s in found):
        raise ValueError(f"the candidate {found!r:.60} is no list of block numbers.")
    return tuple(found)


def _parsed(value: Any) -> Any:
    """JSON that a tool keeps as text."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return None


def _list(value: Any, what: str) -> list[Any]:
    """A list, which tools also leave out or set to null where it is empty."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError(f"its {what} is no list.")
    return value


def _object(value: Any, what: str) -> Mapping[str, Any]:
    found = _parsed(value)
    if not isinstance(found, Mapping):
        raise ValueError(f"its {what} is no object.")
    return found
