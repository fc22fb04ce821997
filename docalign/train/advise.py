"""Which method for which team: SFT, DPO, KTO, a reward model with PPO, joint training, or rules at run time.

A pure function of what a team has and of learning curves that were measured (`curves.py`). Every advice names the
measurement it rests on, or says that there is none; thresholds are where the curves have half of their gain, not taste.
What no curve can say is said in words: that the solver keeps limits and headings without any training, and that a
policy cannot agree with gold more than the people who made it agree with each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from docalign.train.curves import Curves

__all__ = ["METHODS", "SCHEMA", "Advice", "Team", "advise"]

SCHEMA: Final = "docalign.advice/1"
METHODS: Final = ("rules", "sft", "dpo", "kto", "ppo", "joint")
Verdict = Literal["recommended", "possible", "not yet", "no need"]
_ORDER: Final[tuple[Verdict, ...]] = ("recommended", "possible", "not yet", "no need")

_STEPS: Final = {"sft": 50, "dpo": 100, "kto": 100, "ppo": 100, "joint": 200, "reward": 100}
"""What the recipes of `data/recipes/` ask for, or a round over 100 gold documents; see the commands."""


@dataclass(frozen=True, slots=True)
class Team:
    """What a team has. None: not known.

    Attributes:
        gold: gold documents.
        gold_agreement: boundary F1 between annotators of the same document.
        rankings: by source (human, judge, rule, …), how many; `pairless` of them only say good or bad.
        documents: documents of the domain that nobody has judged.
        served_f1, calibration_error: of the model they have, on their gold.
        minutes: compute there is.
        step_seconds: a training step on this machine; None: the measured rates are used.
        codable: constraints that can be written down as rules.
    """

    gold: int = 0
    gold_agreement: float | None = None
    rankings: Mapping[str, int] = field(default_factory=dict)
    pairless: int = 0
    documents: int = 0
    served_f1: float | None = None
    calibration_error: float | None = None
    minutes: float | None = None
    step_seconds: float | None = None
    codable: bool = False

    @property
    def judged(self) -> int:
        """Rankings that people made; what rules or judges ranked teaches rules and judges."""
        return self.rankings.get("human", 0) + self.rankings.get("simulated", 0)


@dataclass(frozen=True, slots=True)
class Advice:
    """What is said of one method: `measured` is the evidence, or that there is none."""

    method: str
    verdict: Verdict
    reason: str
    measured: str
    minutes: float | None
    command: str

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("method", "verdict", "reason", "measured", "minutes", "command")}


def advise(team: Team, curves: Curves) -> list[Advice]:
    """An advice for every method, the recommended ones first."""
    said = [_SAY[method](team, curves) for method in METHODS]
    said = [_within(advice, team) for advice in said]
    if any(a.method == "joint" and a.verdict == "recommended" for a in said):
        said = [
            _demoted(a, "joint training does this and keeps gold") if a.method in ("sft", "dpo") else a for a in said
        ]
    order = {verdict: place for place, verdict in enumerate(_ORDER)}
    return sorted(said, key=lambda a: order[a.verdict])


def _demoted(advice: Advice, why: str) -> Advice:
    if advice.verdict != "recommended":
        return advice
    return Advice(
        advice.method, "possible", f"{advice.reason} But {why}.", advice.measured, advice.minutes, advice.command
    )


def _within(advice: Advice, team: Team) -> Advice:
    """An advice that takes longer than there is, is none."""
    if team.minutes is None or advice.minutes is None or advice.minutes <= team.minutes:
        return advice
    if advice.verdict == "no need":
        return advice
    reason = f"It would take {advice.minutes:.0f} minutes here; there are {team.minutes:.0f}. {advice.reason}"
    return Advice(advice.method, "not yet", reason, advice.measured, advice.minutes, advice.command)


def _rules(team: Team, curves: Curves) -> Advice:
    del curves
    alone = " You have nothing else." if team.codable and not team.judged and not team.gold else ""
    reason = (
        "Limits, kept headings and target sizes need no training: the solver keeps them at run time, and docalign.toml "
        "states them. Soft wishes that are code (lists whole, no noise) can be rewards."
    )
    return Advice(
        "rules", "recommended" if team.codable else "possible", reason + alone,
        "not a matter of measuring: a promise of the solver", 0.0,
        "docalign chunk FILE --max-tokens N --target-tokens N",
    )  # fmt: skip


def _sft(team: Team, curves: Curves) -> Advice:
    command = "docalign train gold.jsonl --init docalign-smollm2-16l --recipe data/recipes/teach.toml --out runs/sft"
    minutes, from_ = _minutes("sft", team, curves), curves.useful_from("sft")
    verdict, reason, measured = _by_number("sft", team.gold, "gold documents", from_, curves)
    if team.gold and team.served_f1 is not None:
        reason += f" The model you have reaches F1 {team.served_f1:.3f} on them"
        reason += "." if team.calibration_error is None else f" (calibration error {team.calibration_error:.3f})."
    if _at_ceiling(team):
        verdict, reason = "no need", (
            f"The model reaches F1 {team.served_f1:.3f} on your gold; the people who made it agree with each other at "
            f"{team.gold_agreement:.3f}. More training has nothing to aim at: settle the differences first."
        )  # fmt: skip
    return Advice("sft", verdict, reason, measured, minutes, command)


def _at_ceiling(team: Team) -> bool:
    return (
        team.served_f1 is not None and team.gold_agreement is not None and team.served_f1 >= team.gold_agreement
    )  # fmt: skip


def _dpo(team: Team, curves: Curves) -> Advice:
    command = (
        "docalign train --method dpo --recipe data/recipes/dpo.toml --init docalign-smollm2-16l --prefs prefs.jsonl "
        "--dev gold.dev.jsonl --out runs/dpo"
    )
    return _preferences("dpo", team, curves, command, "Pairs of chunkings teach it directly.")


def _kto(team: Team, curves: Curves) -> Advice:
    command = (
        "docalign train --method kto --recipe data/recipes/kto.toml --init docalign-smollm2-16l --prefs prefs.jsonl "
        "--dev gold.dev.jsonl --out runs/kto"
    )
    found = _preferences("kto", team, curves, command, "It needs no pairs: thumbs and marks are enough.")
    better = curves.at("dpo", team.judged), curves.at("kto", team.judged)
    if found.verdict == "recommended" and team.pairless * 2 <= team.judged and all(better):
        dpo, kto = better[0][0], better[1][0]  # type: ignore[index]
        if dpo >= kto:
            return _demoted(
                found, f"you have pairs, and from as many DPO was measured no worse ({dpo:.3f} to {kto:.3f})"
            )
    return found


def _preferences(method: str, team: Team, curves: Curves, command: str, why: str) -> Advice:
    number = team.judged
    verdict, reason, measured = _by_number(method, number, "rankings by people", curves.useful_from(method), curves)
    if method == "dpo" and team.pairless * 2 > number > 0:
        verdict, reason = "not yet", f"{team.pairless} of {number} say good or bad without a pair. {reason}"
    others = {s: n for s, n in team.rankings.items() if s not in ("human", "simulated") and n}
    if others:
        said = ", ".join(f"{n} {s}" for s, n in sorted(others.items()))
        reason += f" Not counted: {said}; what ranked them can teach no more than it knows."
    return Advice(method, verdict, f"{reason} {why}", measured, _minutes(method, team, curves), command)


def _ppo(team: Team, curves: Curves) -> Advice:
    command = (
        "docalign train --method reward --init docalign-smollm2-16l --prefs prefs.jsonl --out runs/taste && "
        "docalign train gold.jsonl --method ppo --recipe data/recipes/ppo.toml --init docalign-smollm2-16l "
        "--out runs/ppo "
        '(with [rewards.models] "runs/taste/reward" in docalign.toml)'
    )
    number, learnt = team.judged, curves.at("ppo", team.judged)
    verdict, reason, measured = _by_number("reward", number, "rankings by people", curves.useful_from("reward"), curves)
    measured = f"reward model: {measured}; PPO with it: {_score(curves, 'ppo', number)}"
    direct = curves.at("dpo", number)
    if verdict == "recommended":
        if learnt is None or direct is None or learnt[0] <= direct[0]:
            verdict = "possible"
            reason += (
                " PPO after it was not measured: prefer DPO."
                if learnt is None
                else " DPO was measured no worse: prefer it."
            )
        if team.documents < number:
            verdict = "possible"
            reason += " It pays where there are more documents than rankings: the reward model judges those too."
    parts = [_minutes("reward", team, curves), _minutes("ppo", team, curves)]
    minutes = sum(p for p in parts if p is not None) if all(p is not None for p in parts) else None
    return Advice("ppo", verdict, f"A reward model and PPO. {reason}", measured, minutes, command)


def _joint(team: Team, curves: Curves) -> Advice:
    command = (
        "docalign train gold.jsonl --method joint --joint alright --recipe data/recipes/joint.toml "
        "--init docalign-smollm2-16l --prefs prefs.jsonl --out runs/joint"
    )
    both = [curves.useful_from("sft"), curves.useful_from("dpo")]
    enough = both[0] is not None and both[1] is not None and team.gold >= both[0] and team.judged >= both[1]
    reason = "Gold and rankings at once, so that the one is not forgotten for the other."
    if not team.gold or not team.judged:
        reason += " It needs both."
    elif not enough:
        reason += f" Of one of them there is too little yet ({team.gold} gold documents, {team.judged} rankings)."
    verdict: Verdict = "recommended" if enough and not _at_ceiling(team) else "not yet"
    return Advice("joint", verdict, reason, "not measured as a curve", _minutes("joint", team, curves), command)


def _by_number(
    method: str, number: int, what: str, useful_from: int | None, curves: Curves
) -> tuple[Verdict, str, str]:
    """Verdict, reason and evidence from how much there is and from where on a curve has half of its gain."""
    measured = _score(curves, method, number)
    if not curves.of(method) or curves.base(method) is None:
        verdict: Verdict = "possible" if number else "not yet"
        return verdict, f"You have {number} {what}; how many {method} needs was not measured.", "not measured"
    if useful_from is None:
        most = curves.of(method)[-1]
        reason = f"In {most.steps} steps on {most.n} {what} nothing sure was gained; longer runs were not measured."
        return "not yet", reason, measured
    if number >= useful_from:
        return (
            "recommended",
            f"You have {number} {what}; half of the measured gain is there from {useful_from}.",
            measured,
        )
    return "not yet", f"You have {number} {what}; half of the measured gain is there from {useful_from}.", measured


def _score(curves: Curves, method: str, number: int) -> str:
    found, base = curves.at(method, number), curves.base(method)
    if not curves.of(method):
        return "not measured"
    if found is None:
        return f"nothing to teach with; before: {base:.3f}" if base is not None else "nothing to teach with"
    score, within = found
    before = f", before {base:.3f}" if base is not None else ""
    where = "" if within else f" at the nearest measured number ({_nearest(curves, method, number)})"
    return f"{'F1' if method == 'sft' else 'agreement'} {score:.3f}{where}{before}"


def _nearest(curves: Curves, method: str, number: int) -> int:
    return min((p.n for p in curves.of(method)), key=lambda n: abs(n - number))


def _minutes(method: str, team: Team, curves: Curves) -> float | None:
    """What the recipe's steps take: by the probe of this machine where there is one, else by the measured rates."""
    steps, rate = _STEPS[method], curves.seconds_per_step("dpo" if method == "joint" else method)
    if team.step_seconds is None:
        return None if rate is None else round(steps * rate / 60, 1)
    plain = curves.seconds_per_step("dpo")
    # PPO with a reward model and reward models themselves read each window several times.
    factor = rate / plain if method in ("ppo", "reward") and rate is not None and plain else None
    if factor is None and method in ("ppo", "reward"):
        return None
    return round(steps * team.step_seconds * (factor or 1.0) / 60, 1)


_SAY: Final[Mapping[str, Callable[[Team, Curves], Advice]]] = {
    "rules": _rules,
    "sft": _sft,
    "dpo": _dpo,
    "kto": _kto,
    "ppo": _ppo,
    "joint": _joint,
}
