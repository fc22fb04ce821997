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
from typing import Any, Final

__all__ = ["Answer", "argilla_answers", "label_studio_answers"]

_UNSORTED: Final = "_"
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


def label_studio_answers(task: Mapping[str, Any]) -> Iterator[Answer]:
    """Raises:
    ValueError: the task's data has no document or no candidates."""
    data = _object(task.get("data"), "data")
    document, options = _document_and_options(data)
    for annotation in task.get("annotations") or ():
        if annotation.get("was_cancelled"):
            continue
        ranking = next(filter(None, (_result(r, list(options)) for r in annotation.get("result") or ())), None)
        if ranking is None:
            continue
        who = annotation.get("completed_by")
        if isinstance(who, Mapping):
            who = who.get("email") or who.get("id")
        by = f"label-studio {who}" if who is not None else "label-studio"
        lead_ms = round(float(annotation.get("lead_time") or 0) * 1000)
        yield Answer(f"label-studio {task.get('id')}/{annotation.get('id')}", document, options, ranking, by, lead_ms)


def argilla_answers(record: Mapping[str, Any]) -> Iterator[Answer]:
    """Raises:
    ValueError: the record has no document or no candidates among its fields or metadata."""
    merged: dict[str, Any] = dict(record)
    for place in ("metadata", "fields"):
        inner = record.get(place)
        merged |= _object(inner, place) if inner else {}
    document, options = _document_and_options(merged)
    for user, value, status in _responses(record):
        ranking = _argilla_ranking(value)
        if status in _COUNTED and ranking:
            name = f"argilla {record.get('id') or record.get('external_id') or record.get('_server_id')}"
            yield Answer(name, document, options, ranking, f"argilla {user}" if user else "argilla")


def _result(result: Mapping[str, Any], options: Sequence[str]) -> tuple[tuple[str, ...], ...] | None:
    value = result.get("value") or {}
    if result.get("type") == "pairwise" and value.get("selected") in ("left", "right") and len(options) == 2:
        first = options[0] if value["selected"] == "left" else options[1]
        return ((first,), tuple(o for o in options if o != first))
    if result.get("type") != "ranker":
        return None
    found = value.get("ranker")
    if isinstance(found, Mapping) and len(found) == 1 and _UNSORTED not in found:
        found = next(iter(found.values()))  # without buckets: one list, under the name of the tag
    if isinstance(found, Mapping):
        return tuple(tuple(map(str, ids)) for bucket, ids in found.items() if bucket != _UNSORTED and ids)
    return tuple((str(option),) for option in found or ()) or None


def _responses(record: Mapping[str, Any]) -> Iterator[tuple[Any, Any, Any]]:
    """User, value and status of every response, whatever the question is called."""
    nested = record.get("responses")
    if isinstance(nested, Mapping):  # Argilla 2
        for answers in nested.values():
            yield from ((a.get("user_id"), a.get("value"), a.get("status")) for a in answers or ())
        return
    for name, found in record.items():
        if name.endswith(".responses"):  # Argilla 2, flattened
            count = len(found or ())
            users = record.get(f"{name}.users") or [None] * count
            statuses = record.get(f"{name}.status") or [None] * count
            yield from zip(users, found or (), statuses, strict=True)
        elif isinstance(found, Mapping) and {"user_id", "value", "status"} <= set(found):  # Argilla 1, by column
            yield from zip(found["user_id"], found["value"], found["status"], strict=True)
        elif isinstance(found, list):  # Argilla 1, by response
            rows = [r for r in found if isinstance(r, Mapping) and {"user_id", "value", "status"} <= set(r)]
            yield from ((r["user_id"], r["value"], r["status"]) for r in rows)


def _argilla_ranking(value: Any) -> tuple[tuple[str, ...], ...]:
    """The ranking in a response's value; empty for an answer to a question that is no ranking."""
    if isinstance(value, Mapping) and isinstance(value.get("rank"), list) and isinstance(value.get("value"), list):
        value = [{"rank": r, "value": v} for r, v in zip(value["rank"], value["value"], strict=True)]
    if not isinstance(value, list) or not value:
        return ()
    if all(isinstance(v, Mapping) and "rank" in v and "value" in v for v in value):
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
    except ValueError:
        return None


def _object(value: Any, what: str) -> Mapping[str, Any]:
    found = _parsed(value)
    if not isinstance(found, Mapping):
        raise ValueError(f"its {what} is no object.")
    return found
