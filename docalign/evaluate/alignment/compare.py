"""Measures of several policies side by side: the object that `docalign eval --alignment` writes as JSON.

Differences are aligned minus baseline on the same windows, documents or preference lines, with 95 % paired bootstrap
intervals. Preferences are told apart by who judged them (people, a simulation, rules, a judge, retrieval) and never
pooled. It computes from measures alone and reads no model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from docalign.evaluate.alignment.alarms import alarms_of
from docalign.evaluate.alignment.disagree import disagreements
from docalign.evaluate.alignment.loopholes import loopholes
from docalign.evaluate.alignment.measure import MODES, Held, Measured, WindowFacts
from docalign.evaluate.alignment.policies import Subject
from docalign.evaluate.boundaries import bootstrap_interval
from docalign.evaluate.run import DocumentResult, summarise
from docalign.train.methods.scoring import CompositeScorer

__all__ = ["SCHEMA", "compare", "paired"]

SCHEMA: Final = "docalign.alignment/1"
_GOLD: Final = ("boundary_f1", "pk")
_SPREAD: Final = ("kl_per_block", "entropy_per_block", "distance", "distinct")
_BROKEN: Final = ("over_limit", "orphan_headings", "lost_characters")
_LOOK: Final = ("reward", "gold_f1", "sample_f1", "raw_f1", "entropy_per_block")


def compare(subjects: Sequence[Subject], measured: Sequence[Measured], held: Held) -> dict[str, Any]:
    """The whole report; the first policy is the baseline."""
    baseline = measured[0]
    pays = sorted(CompositeScorer("composite", held.rewards).pays)
    policies = []
    for subject, found in zip(subjects, measured, strict=True):
        policy = _policy(subject, found, pays)
        if found is not baseline:
            policy["against"] = _against(baseline, found)
            policy["alarms"] = alarms_of(subject, policy, pays)
        policies.append(policy)
    return {
        "schema": SCHEMA,
        "baseline": baseline.name,
        "data": _data(baseline, held),
        "policies": policies,
        "loopholes": loopholes(baseline.windows),
        "disagreements": disagreements(measured),
    }


def _data(baseline: Measured, held: Held) -> dict[str, Any]:
    return {
        "windows": len(baseline.windows),
        "blocks": sum(len(w.line.document.blocks) for w in baseline.windows),
        "gold": len(baseline.gold),
        "ood": len(baseline.ood),
        "preferences": _by_source(baseline, lambda facts: len(facts)),
        "human_rankings": sum(p.source == "human" for p in baseline.preferences),
        "samples": held.samples,
        "window_tokens": held.window_tokens,
        "seed": held.seed,
        "weights": {p.name: p.weight for p in held.rewards.parts},
    }


def _policy(subject: Subject, found: Measured, pays: Sequence[str]) -> dict[str, Any]:
    """What is so of a policy alone."""
    record = subject.record or {}
    return {
        "name": subject.name,
        "method": record.get("method"),
        "from_baseline": subject.from_baseline,
        "steps": record.get("steps"),
        "best_step": record.get("best_step"),
        "stopped": record.get("stopped"),
        "pays": record.get("pays", pays if record else None),
        "taught": record.get("preferences"),
        "modes": {mode: _mode(found.windows, mode) for mode in MODES},
        **{name: _mean(getattr(w, name) for w in found.windows) for name in _SPREAD},
        "gold": _documents(found.gold),
        "ood": _documents(found.ood),
        "gap": _gap(found),
        "preferences": _by_source(found, _agreement),
        "adversaries": [
            {
                "name": a.name,
                "tempts": a.tempts,
                "promises_broken": a.promises_broken,
                "chunks": a.chunks,
                "greedy": dict(a.greedy),
                "solver": dict(a.solver),
            }
            for a in found.adversaries
        ],
        "correlations": _correlations(found.windows),
        "looks": [_look(look) for look in subject.looks],
    }


def _mode(windows: Sequence[WindowFacts], mode: str) -> dict[str, Any]:
    facts = [w.modes[mode] for w in windows]
    names = sorted({name for f in facts for name in f.parts})
    broken = {n: round(sum(f.broken[n] for f in facts), 3) for n in facts[0].broken}
    return {
        "reward": _mean(f.reward for f in facts),
        "parts": {n: _mean(f.parts[n] for f in facts if n in f.parts) for n in names},
        "boundary_f1": _mean(f.boundary_f1 for f in facts),
        "pk": _mean(f.pk for f in facts),
        "broken": broken,
    }


def _documents(results: Sequence[DocumentResult]) -> dict[str, Any] | None:
    if not results:
        return None
    report = summarise(results)
    kept = ("documents", *_GOLD, "windowdiff", "boundary_similarity", *_BROKEN)
    sources = {name: {m: part[m] for m in ("documents", *_GOLD)} for name, part in report["sources"].items()}
    return {name: report[name] for name in kept} | {"intervals": report["intervals"], "sources": sources}


def _gap(found: Measured) -> float | None:
    """Gold F1 less F1 out of domain."""
    if not found.gold or not found.ood:
        return None
    return _mean(r.scores.boundary_f1 for r in found.gold) - _mean(r.scores.boundary_f1 for r in found.ood)


def _by_source(found: Measured, of: Callable[[list[float]], Any]) -> dict[str, Any]:
    sources = sorted({p.source for p in found.preferences})
    return {s: of([p.agreed for p in found.preferences if p.source == s]) for s in sources}


def _agreement(agreed: Sequence[float]) -> dict[str, Any]:
    low, high = bootstrap_interval(agreed)
    return {"lines": len(agreed), "win_rate": _mean(agreed), "interval": [low, high]}


def _against(baseline: Measured, aligned: Measured) -> dict[str, Any]:
    """Every paired difference of an aligned policy and the baseline."""
    both = list(zip(baseline.windows, aligned.windows, strict=True))
    rewards = {}
    for mode in MODES:
        pairs = [(b.modes[mode], a.modes[mode]) for b, a in both]
        names = sorted({n for b, _ in pairs for n in b.parts})
        rewards[mode] = {
            "reward": paired([(b.reward, a.reward) for b, a in pairs]),
            "boundary_f1": paired([(b.boundary_f1, a.boundary_f1) for b, a in pairs]),
            "pk": paired([(b.pk, a.pk) for b, a in pairs]),
            "parts": {n: paired([(b.parts[n], a.parts[n]) for b, a in pairs if n in b.parts]) for n in names},
        }
    return {
        "modes": rewards,
        "chunks": {
            "before": sum(b.modes["samples"].broken["chunks"] for b, _ in both),
            "after": sum(a.modes["samples"].broken["chunks"] for _, a in both),
            "gold": sum(len(b.line.starts) for b, _ in both),
        },
        **{n: paired([(getattr(b, n), getattr(a, n)) for b, a in both]) for n in _SPREAD if n != "kl_per_block"},
        "gold": _paired_documents(baseline.gold, aligned.gold),
        "ood": _paired_documents(baseline.ood, aligned.ood),
        "gap": _gap_change(baseline, aligned),
        "preferences": {
            source: paired(
                [
                    (b.agreed, a.agreed)
                    for b, a in zip(baseline.preferences, aligned.preferences, strict=True)
                    if b.source == source
                ]
            )
            for source in sorted({p.source for p in baseline.preferences})
        },
        "solver_ablation": {
            f"aligned {ours} against baseline {theirs}": {
                "reward": paired([(b.modes[theirs].reward, a.modes[ours].reward) for b, a in both]),
                "boundary_f1": paired([(b.modes[theirs].boundary_f1, a.modes[ours].boundary_f1) for b, a in both]),
            }
            for ours, theirs in (("greedy", "greedy"), ("greedy", "solver"), ("solver", "solver"))
        },
    }


def paired(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Means before and after, the mean difference, and its 95 % bootstrap interval over the pairs."""
    differences = [after - before for before, after in pairs]
    low, high = bootstrap_interval(differences)
    before, after = _mean(b for b, _ in pairs), _mean(a for _, a in pairs)
    return {
        "before": before,
        "after": after,
        "difference": _mean(differences),
        "low": round(low, 6),
        "high": round(high, 6),
        "pairs": len(pairs),
    }


def _paired_documents(before: Sequence[DocumentResult], after: Sequence[DocumentResult]) -> dict[str, Any] | None:
    if not before:
        return None
    both = list(zip(before, after, strict=True))
    return {m: paired([(getattr(b.scores, m), getattr(a.scores, m)) for b, a in both]) for m in _GOLD}


def _gap_change(baseline: Measured, aligned: Measured) -> dict[str, float] | None:
    """How much wider the gap between gold and other domains has become, in F1; the two are resampled apart."""
    if not baseline.gold or not baseline.ood:
        return None

    def lost(before: Sequence[DocumentResult], after: Sequence[DocumentResult]) -> list[float]:
        return [a.scores.boundary_f1 - b.scores.boundary_f1 for b, a in zip(before, after, strict=True)]

    home, away = np.array(lost(baseline.gold, aligned.gold)), np.array(lost(baseline.ood, aligned.ood))
    rng = np.random.default_rng(0)
    drawn = [rng.choice(home, len(home)).mean() - rng.choice(away, len(away)).mean() for _ in range(1000)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {
        "difference": round(float(home.mean() - away.mean()), 6),
        "low": round(float(low), 6),
        "high": round(float(high), 6),
    }


def _correlations(windows: Sequence[WindowFacts]) -> dict[str, Any]:
    """Pearson correlations of reward parts over samples, windows' means taken out; null where a part never varies or
    two parts never judge the same window."""
    names = sorted({n for w in windows for n in w.scatter})

    def between(a: str, b: str) -> float | None:
        both = [(w.scatter[a], w.scatter[b]) for w in windows if a in w.scatter and b in w.scatter]
        if not both:
            return None
        x, y = (np.concatenate(values) for values in zip(*both, strict=True))
        scale = math.sqrt(float(x @ x) * float(y @ y))
        return round(float(x @ y) / scale, 4) if scale > 1e-12 else None

    return {"parts": names, "matrix": [[between(a, b) for b in names] for a in names]}


def _look(look: Mapping[str, float]) -> dict[str, float]:
    """What the curve over checkpoints needs of a look."""
    found = {"step": look.get("step", 0.0)} | {n: look[n] for n in _LOOK if n in look}
    if "kl_per_block" in look:
        # The exact KL is never below 0; rounding may be.
        found["sqrt_kl"] = math.sqrt(max(0.0, look["kl_per_block"]))
    return found


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return round(sum(found) / len(found), 6)
