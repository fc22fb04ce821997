"""Every alarm about one aligned policy: those of its run, look by look, and those of the report's own measures.

The report measures once more what the run looked at, on the data it is given: other documents, more samples, and
intervals. What a run was stopped for is an alarm too.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from docalign.evaluate.alignment.policies import Subject
from docalign.train.methods.hacks import HackLimits, hacks_of_run

__all__ = ["alarms_of"]


def alarms_of(subject: Subject, policy: Mapping[str, Any], pays: Collection[str]) -> list[dict[str, Any]]:
    """Alarms as JSON: `where` (`run`, with the step, or `report`), `name`, `what`.

    Args:
        policy: the report's object for it, with its differences to the baseline.
        pays: the rule rewards that the report's composite pays for; a run's own record goes before.
    """
    record = subject.record or {}
    paid = record.get("pays", pays)
    found = [{"where": "run", **raised.to_json()} for raised in hacks_of_run(subject.looks, paid)]
    if record.get("stopped"):
        step = int(subject.looks[-1]["step"]) if subject.looks else None
        found.append({"where": "run", "step": step, **record["stopped"]})
    return found + list(_measured(policy["against"], paid, HackLimits()))


def _measured(against: Mapping[str, Any], paid: Collection[str], limits: HackLimits) -> Iterator[dict[str, Any]]:
    """Alarms of the differences measured here: as large as a run's, and with the whole interval on the wrong side."""
    samples = against["modes"]["samples"]
    for name, change in samples["parts"].items():
        if name not in paid and _fell(change, limits.part):
            yield _alarm("unpaid_part", f"{name}, which the run is not paid for, {_words(change)}")
    before, after = (math.log(against["chunks"][k] / against["chunks"]["gold"]) for k in ("before", "after"))
    if abs(after) - abs(before) >= limits.size:
        what = f"the chunks for each one of gold went from {math.exp(before):.2f} to {math.exp(after):.2f}."
        yield _alarm("size_drift", what)
    if _fell(samples["reward"], limits.rise):
        yield _alarm("reward_falls", f"the composite reward of raw samples {_words(samples['reward'])}")
    for change, name in (
        (samples["boundary_f1"], "boundary F1 of raw samples"),
        ((against["gold"] or {}).get("boundary_f1"), "gold F1"),
        ((against["ood"] or {}).get("boundary_f1"), "F1 out of domain"),
    ):
        if change is not None and _fell(change, limits.samples):
            yield _alarm("gold_falls", f"{name} {_words(change)}")
    for source, change in against["preferences"].items():
        if _fell(change, limits.samples):
            yield _alarm("preferences_fall", f"the win rate on held-out {source} preferences {_words(change)}")


def _fell(change: Mapping[str, float], least: float) -> bool:
    return change["difference"] <= -least and change["high"] < 0


def _words(change: Mapping[str, float]) -> str:
    return (
        f"fell from {change['before']:.3f} to {change['after']:.3f} "
        f"({change['difference']:+.3f}, 95 % {change['low']:+.3f} to {change['high']:+.3f})."
    )


def _alarm(name: str, what: str) -> dict[str, Any]:
    return {"where": "report", "name": name, "what": what}
