"""The report on rankings: what there is, how far it can be trusted, and which generators people like.

One object, `docalign.feedback_report/1`; text and HTML show it and compute nothing. `low` and `high` are null, and
shown as –, where there is too little to claim an interval (see `agreement`).
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from docalign.feedback.agreement import alpha, pairwise_agreement, self_consistency
from docalign.feedback.annotators import list_annotators
from docalign.feedback.chunkings import list_feedback
from docalign.feedback.documents import list_documents
from docalign.feedback.judgements import active_judgements, all_judgements
from docalign.feedback.opinions import opinions_of
from docalign.feedback.strengths import comparisons, generator_strengths, share_won
from docalign.feedback.tasks import list_tasks
from docalign.wording import counted

if TYPE_CHECKING:
    from docalign.feedback.opinions import Opinion
    from docalign.feedback.values import Judgement
    from docalign.store import Database

__all__ = ["AGREEMENT", "BIAS", "SCHEMA", "report", "report_text"]

SCHEMA: Final = "docalign.feedback_report/1"

AGREEMENT: Final = {
    "alpha": "Krippendorff's α (ordinal)",
    "pairwise": "pairs two annotators ordered alike",
    "self_consistency": "pairs an annotator ordered alike again",
}
BIAS: Final = {
    "more_chunks": "won by the one with more chunks",
    "shown_first": "won by the one shown first",
}


def report(database: Database, *, seed: int = 0) -> dict[str, Any]:
    """The report on everything in the store."""
    opinions = opinions_of(database)
    standing = active_judgements(database)
    record = all_judgements(database)
    compared = comparisons(opinions)
    feedback = list_feedback(database)
    return {
        "schema": SCHEMA,
        "counts": {
            "documents": len(list_documents(database)),
            "tasks": len(list_tasks(database)),
            "judgements": len(standing),
            **{kind: sum(j.kind == kind for j in standing) for kind in ("ranking", "all_bad", "correction", "skip")},
            "corrected": sum(j.corrected_starts is not None for j in standing),
            "undone": sum(j.kind == "undo" for j in record),
            "repeats": sum(o.is_repeat for o in opinions),
            "feedback": len(feedback),
            "thumbs_up": sum(f.up is True for f in feedback),
            "thumbs_down": sum(f.up is False for f in feedback),
        },
        "annotators": _annotators(database, standing, opinions),
        "skip_reasons": dict(Counter(j.reason.strip() for j in standing if j.kind == "skip").most_common(20)),
        "agreement": {
            "alpha": asdict(alpha(opinions, seed=seed)),
            "pairwise": asdict(pairwise_agreement(opinions, seed=seed)),
            "self_consistency": asdict(self_consistency(opinions, seed=seed)),
        },
        "generators": {name: asdict(e) for name, e in generator_strengths(compared, seed=seed).items()},
        "bias": {what: asdict(share_won(compared, what, seed=seed)) for what in BIAS},
    }


def _annotators(database: Database, standing: Sequence[Judgement], opinions: Sequence[Opinion]) -> dict[str, Any]:
    """By name: what they did, how long it took, and how far they agree with themselves."""
    theirs: dict[int, list[Judgement]] = defaultdict(list)
    for judgement in standing:
        theirs[judgement.annotator_id].append(judgement)
    found = {}
    for annotator in list_annotators(database):
        mine = theirs[annotator.id]
        judged = [j for j in mine if j.kind != "skip"]
        times = sorted(j.milliseconds for j in judged if j.milliseconds)
        quartiles = statistics.quantiles(times, n=4) if len(times) > 1 else times * 3
        own = [o for o in opinions if o.annotator == annotator.name]
        found[annotator.name] = {
            "simulated": annotator.simulated,
            "judged": len(judged),
            "skipped": len(mine) - len(judged),
            "ms_quartiles": [round(q) for q in quartiles] or None,
            "self_consistency": asdict(self_consistency(own)),
        }
    return found


def report_text(report: Mapping[str, Any]) -> str:
    """The report for a terminal."""
    counts = report["counts"]
    done = (
        f"{counted(counts['judgements'], 'judgement')} of {counted(counts['tasks'], 'task')} "
        f"on {counted(counts['documents'], 'document')}: "
        f"{counts['ranking']} rankings, {counts['all_bad']} all bad, {counts['correction']} corrections only, "
        f"{counted(counts['skip'], 'skip')}; {counted(counts['corrected'], 'corrected chunking')}, "
        f"{counted(counts['repeats'], 'repeat')}, "
        f"{counts['undone']} undone"
    )
    lines = [
        done,
        f"{counts['feedback']} feedback of users: {counts['thumbs_up']} thumbs up, {counts['thumbs_down']} down",
        "",
    ]
    lines += [f"{name}: {_estimate(report['agreement'][key], 'questions')}" for key, name in AGREEMENT.items()]
    lines += [f"decided pairs {name}: {_estimate(report['bias'][key], 'documents')}" for key, name in BIAS.items()]
    if report["generators"]:
        lines += ["", "chance to win against an average generator"]
        width = max(map(len, report["generators"]))
        lines += [f"  {name:<{width}}  {_estimate(e, 'documents')}" for name, e in report["generators"].items()]
    if report["annotators"]:
        lines += ["", "annotators"]
        width = max(map(len, report["annotators"]))
        lines += [f"  {name:<{width}}  {_annotator(a)}" for name, a in report["annotators"].items()]
    lines += ["", *(f"skipped {n} times: {reason}" for reason, n in report["skip_reasons"].items())]
    return "\n".join(lines).rstrip() + "\n"


def _estimate(e: Mapping[str, Any], unit: str) -> str:
    if e["value"] is None:
        return f"nothing to measure ({e['of']} {unit})"
    ends = "–" if e["low"] is None else f"{e['low']:.3f} to {e['high']:.3f}"
    return f"{e['value']:.3f} ({ends}; {e['of']} {unit})"


def _annotator(a: Mapping[str, Any]) -> str:
    times = f", {a['ms_quartiles'][1] / 1000:.1f} s in the middle" if a["ms_quartiles"] else ""
    kind = ", simulated" if a["simulated"] else ""
    return f"{a['judged']} judged, {a['skipped']} skipped{times}{kind}"
