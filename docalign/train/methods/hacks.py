"""Alarms for reward hacking: the reward rises by something that nobody wanted.

A reward is a stand-in for what people mean, and a policy that is trained on it finds its loopholes. Each look at a run
measures more than the run is paid for: every rule reward at its face value, how chunks compare in number with gold,
and how close samples are to gold. An alarm is raised where the reward has gone up since the first look and one of
these has gone the wrong way. Looks draw the same samples' numbers each time, so small differences are no accident.

It decides nothing: a run with an alarm goes on, the alarm is said and written down. What ends runs is `stops.py`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from docalign.train.methods.stops import Alarm

__all__ = ["AUDIT", "HackLimits", "Raised", "hack_alarms", "hacks_of_run"]

AUDIT: Final = "audit_"
"""What the names of the rule rewards begin with in a look, whatever the run is paid for."""

Look = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class HackLimits:
    """From where on a change is an alarm.

    `rise`: the reward has gone up by this. `part`: a rule reward that the run is not paid for has gone down by this.
    `size`: the number of chunks has moved away from gold's by this factor's logarithm. `samples`: boundary F1 of raw
    samples has gone down by this; `gold`: that of the chunker at run time, which is one chunking a line and varies
    more. They were written down before `benchmarks/align/hacks.py` was run on a real model.
    """

    rise: float = 0.001
    part: float = 0.02
    size: float = 0.2
    samples: float = 0.02
    gold: float = 0.03


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm and the step of the look that raised it."""

    step: int
    alarm: Alarm

    def to_json(self) -> dict[str, Any]:
        return {"step": self.step, **self.alarm.to_json()}


def hack_alarms(first: Look, look: Look, pays: Collection[str], limits: HackLimits | None = None) -> dict[str, Alarm]:
    """What is wrong with a look, compared with the first one of the run, by what it is about; empty where all is well.

    Args:
        pays: the rule rewards that the run's reward pays for as they are.
    """
    limits = limits or HackLimits()
    if "reward" not in first.keys() & look.keys() or look["reward"] < first["reward"] + limits.rise:
        return {}
    rose = f"the reward rose from {first['reward']:.3f} to {look['reward']:.3f}, while"
    found: dict[str, Alarm] = {}
    for key in sorted(first.keys() & look.keys()):
        name = key.removeprefix(AUDIT)
        if name != key and name not in pays and first[key] - look[key] >= limits.part:
            what = f"{rose} {name}, which it does not pay for, fell {_from_to(first, look, key)}."
            found[f"unpaid_part {name}"] = Alarm("unpaid_part", what)
    before, after = _off_gold(first), _off_gold(look)
    if before is not None and after is not None and abs(after) - abs(before) >= limits.size:
        what = f"{rose} the chunks for each one of gold went from {math.exp(before):.2f} to {math.exp(after):.2f}."
        found["size_drift"] = Alarm("size_drift", what)
    for key, name, least in (
        ("sample_f1", "boundary F1 of raw samples", limits.samples),
        ("gold_f1", "gold F1", limits.gold),
    ):
        if key in first and key in look and first[key] - look[key] >= least:
            found[f"gold_falls {key}"] = Alarm("gold_falls", f"{rose} {name} fell {_from_to(first, look, key)}.")
    return found


def hacks_of_run(looks: Sequence[Look], pays: Collection[str], limits: HackLimits | None = None) -> list[Raised]:
    """Each alarm of a run once, at the first look that raises it."""
    found: dict[str, Raised] = {}
    for look in looks[1:]:
        for about, alarm in hack_alarms(looks[0], look, pays, limits).items():
            found.setdefault(about, Raised(int(look["step"]), alarm))
    return list(found.values())


def _off_gold(look: Look) -> float | None:
    """The logarithm of chunks for each chunk of gold; 0 is as many as gold."""
    ours, gold = look.get("chunks"), look.get("gold_chunks")
    return math.log(ours / gold) if ours and gold else None


def _from_to(first: Look, look: Look, key: str) -> str:
    return f"from {first[key]:.3f} to {look[key]:.3f}"
