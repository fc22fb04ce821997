"""A whole run: data, peers, every section, one JSON object.

It prints nothing and writes nothing; `say` hears what is being done.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from docalign import __version__
from docalign.bench.ask import Cut, Peer, Setup, SizeChoice
from docalign.bench.boundaries import by_condition, choose_sizes, error_curve, kept_in_all
from docalign.bench.cost import measure_cost
from docalign.bench.data import CONDITIONS, BenchData, load_data
from docalign.bench.guarantees import stress
from docalign.bench.profiles import FULL, QUICK, Profile
from docalign.bench.registry import OURS, PEERS, Loaded, chosen, load_all, policy_peer, version_of
from docalign.bench.retrieval import measure_retrieval
from docalign.bench.verdicts import verdicts
from docalign.errors import DocalignError, UsageError

__all__ = ["SCHEMA", "SECTIONS", "Order", "not_run", "run_bench"]

SCHEMA: Final = "docalign.bench/1"
SECTIONS: Final = ("boundaries", "curve", "retrieval", "guarantees", "cost")

_Say = Callable[[str], None]
_Keep = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What to measure: names of peers (None: all) and sections, and how much."""

    peers: tuple[str, ...] | None = None
    sections: tuple[str, ...] = SECTIONS
    quick: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        unknown = [s for s in self.sections if s not in SECTIONS]
        if unknown:
            raise UsageError(f"there is no section {unknown[0]!r}.", remedy=f"Choose from {', '.join(SECTIONS)}.")

    @property
    def profile(self) -> Profile:
        return QUICK if self.quick else FULL


def run_bench(
    order: Order, setup: Setup, *, profile: Profile | None = None, data: BenchData | None = None,
    say: _Say = lambda _: None, keep: _Keep = lambda _: None,
) -> dict[str, Any]:  # fmt: skip
    """Measure, and return the `docalign.bench/1` object. `profile` and `data` stand in for the usual ones.

    `keep` gets the report so far after every section, so that a run that is cut short leaves what it has.

    Raises:
        UsageError: no such peer.
        DocalignError: docalign's own model, or anything to measure on, is missing.
    """
    begun = time.perf_counter()
    profile = profile or order.profile
    peers = chosen(order.peers, [*PEERS, *(policy_peer(name) for name in setup.policies)])
    loaded = load_all(peers, setup, say=say)
    data = data or load_data(profile, seed=order.seed, say=say)
    tune = data.gold.get("digital") or data.gold["marked"]
    say("choosing sizes")
    sizes = choose_sizes(tune, loaded.cuts)
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "docalign": __version__,
        "profile": profile.name,
        "seed": order.seed,
        "machine": machine(),
        "model": _model_name(setup),
        "data": _described(data),
        "peers": _peers(loaded, sizes),
    }
    for part in _measured(order, profile, setup, loaded.cuts, data, sizes, say):
        report |= part
        report["verdicts"] = verdicts(report)
        report["minutes"] = round((time.perf_counter() - begun) / 60, 1)
        keep(report)
    return report


def _measured(
    order: Order, profile: Profile, setup: Setup, cuts: Mapping[Peer, Cut], data: BenchData,
    sizes: Mapping[str, SizeChoice], say: _Say,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Section by section; the generative arm answers for boundaries only, or the run would take hours."""
    wanted = order.sections
    kept: dict[str, Any] = {}
    usual = {peer: cut for peer, cut in cuts.items() if not peer.generative}
    if "boundaries" in wanted:
        found, rows = by_condition(data.gold, cuts, sizes, profile.generative, say)
        kept = {name: total.to_json() for name, total in kept_in_all(rows).items()}
        yield {"boundaries": found}
    if "guarantees" in wanted:
        yield {"guarantees": {"gold": kept, "nasty": stress(usual, sizes, say)}}
    if "curve" in wanted:
        yield {"curve": error_curve(data.curve, cuts, sizes, say)}
    if "retrieval" in wanted:
        try:
            yield {
                "retrieval": measure_retrieval(
                    data.questions, usual, sizes, setup, budget=profile.budget_tokens, say=say
                )
            }
        except DocalignError as error:
            yield {"retrieval": {"not_run": f"{error.what} {error.remedy}"}}
    if "cost" in wanted:
        measured = [p for p in usual if not p.ours or p.name == OURS]
        yield {"cost": measure_cost(measured, sizes, profile, setup.model, say=say)}


def machine() -> dict[str, Any]:
    """Facts a number is worthless without. `load_1min` above the number of cores: other work ran beside."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "system": platform.platform(),
        "cpu": _processor(),
        "cores": cores,
        "threads": os.environ.get("OMP_NUM_THREADS", "not set"),
        "python": platform.python_version(),
        "load_1min": round(os.getloadavg()[0], 1),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - no file of ours
            return next((s.partition(":")[2].strip() for s in file if s.startswith("model name")), platform.machine())
    except OSError:
        return platform.processor() or platform.machine()


def _model_name(setup: Setup) -> str:
    from docalign.bench.peers.ours import loaded

    scorer = loaded().get(str(setup.model and os.path.realpath(setup.model)))
    return scorer.chunker.model_name if scorer else str(setup.model)


def _described(data: BenchData) -> dict[str, Any]:
    return {
        "origin": data.origin,
        "conditions": {
            name: {
                "about": CONDITIONS.get(name, ""),
                "windows": len(lines),
                "documents": len({line.document.source for line in lines}),
                "blocks": sum(len(line.document.blocks) for line in lines),
            }
            for name, lines in data.gold.items()
        },
        "questions": {"about": data.questions_origin, "documents": len(data.questions)},
        "notes": list(data.notes),
    }


def _peers(loaded: Loaded, sizes: Mapping[str, SizeChoice]) -> dict[str, Any]:
    ran = {peer.name: _peer(peer) | {"ran": True, "size": sizes.get(peer.name)} for peer in loaded.cuts}
    return ran | {peer.name: _peer(peer) | {"ran": False, "reason": why} for peer, why in loaded.missing.items()}


def _peer(peer: Peer) -> dict[str, Any]:
    return {
        "package": peer.package,
        "version": version_of(peer),
        "sees": peer.sees,
        "about": peer.about,
        "ours": peer.ours,
    }


def not_run(report: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Peers that did not run, and why."""
    return [(name, p["reason"]) for name, p in report["peers"].items() if not p["ran"]]
