"""`docalign advise`: count what a team has, measure what its model makes of it, and say which method fits."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from docalign.commands.evaluate import our_chunker
from docalign.commands.messages import note, warn
from docalign.commands.results import out_path, write_result
from docalign.errors import DocalignError, UsageError
from docalign.output.jsonout import dump

if TYPE_CHECKING:
    from docalign.config import Settings
    from docalign.train.advise import Advice, Team
    from docalign.train.gold import GoldLine

__all__ = ["AdviseFiles", "run_advise"]

_FORMATS: Final = ("text", "json")
_MEASURED_LINES: Final = 20
_PROBED_WINDOWS: Final = 4
_SHOWN: Final = 3
_COUNTS: Final = {
    "gold": "--gold-documents",
    "rankings": "--rankings",
    "pairless": "--marks",
    "documents": "--documents",
}
"""Fields of `Team` that count something → their options."""


@dataclass(frozen=True, slots=True)
class AdviseFiles:
    """Files to look into: gold, preference lines, and learning curves in place of those that come with docalign."""

    gold: tuple[str, ...] = ()
    prefs: tuple[str, ...] = ()
    curves: Path | None = None


def run_advise(
    files: AdviseFiles,
    *,
    told: Mapping[str, Any],
    probe: bool,
    format: str,  # noqa: A002 - the flag's name
    out: str | None,
    settings: Settings,
    quiet: bool,
) -> None:
    """Write the advice for a team.

    Args:
        told: fields of `Team` that the command line states; what is None is looked up in the files.
        probe: time a training step of the model on this machine.

    Raises:
        UsageError: no such format, the training extra is missing for --probe, or a number makes no sense.
        DocalignError: a file cannot be read, or there is no such model.
    """
    from docalign import models
    from docalign.train.advise import advise
    from docalign.train.curves import Curves

    if format not in _FORMATS:
        raise UsageError(f"there is no advice format {format!r}.", remedy=f"Choose one of {', '.join(_FORMATS)}.")
    place = out_path(out, [*files.gold, *files.prefs, files.curves])
    _check(told)
    if settings.model.path is not None:
        models.resolve(settings.model.path)
    curves = Curves.load(files.curves)
    team = _team(files, told, settings=settings, probe=probe, quiet=quiet)
    advices = advise(team, curves)
    if format == "json":
        data = dump(_as_json(team, advices, curves.told()), indent=2) + b"\n"
    else:
        data = _as_text(team, advices, curves.told()).encode("utf-8")
    write_result(data, place)


def _team(files: AdviseFiles, told: Mapping[str, Any], *, settings: Settings, probe: bool, quiet: bool) -> Team:
    from docalign.train.advise import Team
    from docalign.train.gold import read_gold

    stated = {name: value for name, value in told.items() if value is not None}
    lines = [line for path in files.gold for line in read_gold(path)]
    found: dict[str, Any] = {}
    if lines:
        found = {"gold": len({line.document.text for line in lines}), "gold_agreement": _agreement(lines)}
        if not quiet:
            note(f"chunking {min(len(lines), _MEASURED_LINES)} gold documents with the model you have")
        found |= _served(lines[:: max(1, len(lines) // _MEASURED_LINES)][:_MEASURED_LINES], settings)
    if files.prefs:
        found |= {"rankings": _rankings(files.prefs)}
    if probe:
        found |= {"step_seconds": _step_seconds(lines, settings)}
    team = Team(**found | stated)
    if team.pairless > team.judged:
        raise UsageError(
            f"--marks is {team.pairless}, but people made {team.judged} rankings.",
            remedy="Marks are some of the rankings: give --rankings, all of them, too.",
        )
    return team


def _check(told: Mapping[str, Any]) -> None:
    """
    Raises:
        UsageError: a number that the command line states makes no sense; its option is named.
    """
    human = (told["rankings"] or {}).get("human")
    for name, option in _COUNTS.items():
        value = human if name == "rankings" else told[name]
        if value is not None and value < 0:
            raise UsageError(f"{option} is {value}.", remedy="Give a whole number from 0.")
    minutes, agreement = told["minutes"], told["gold_agreement"]
    if minutes is not None and not 0 <= minutes < math.inf:
        raise UsageError(f"--minutes is {minutes}.", remedy="Give a number from 0.")
    if agreement is not None and not 0 <= agreement <= 1:
        raise UsageError(f"--gold-agreement is {agreement}.", remedy="A boundary F1 is from 0 to 1.")


def _agreement(lines: Sequence[GoldLine]) -> float | None:
    """Mean boundary F1 between lines of the same document; None where every document has one."""
    from docalign.evaluate.boundaries import boundary_f1

    same: dict[tuple[Any, ...], list[GoldLine]] = defaultdict(list)
    for line in lines:
        same[line.document.text, line.target_tokens, line.max_tokens].append(line)
    pairs = [boundary_f1(list(a.starts), list(b.starts)) for group in same.values() for a, b in combinations(group, 2)]
    return fmean(pairs) if pairs else None


def _served(lines: Iterable[GoldLine], settings: Settings) -> dict[str, float | None]:
    from docalign.evaluate.run import evaluate

    report = evaluate(lines, our_chunker(settings))
    calibration = report.get("calibration")
    error = None if calibration is None else float(calibration["expected_calibration_error"])
    return {"served_f1": float(report["boundary_f1"]), "calibration_error": error}


def _rankings(paths: Sequence[str]) -> dict[str, int]:
    """Rankings by source; a line of several candidates is one. Lines that cannot be used are told and not counted."""
    from docalign.preference import read_preferences

    refused: list[DocalignError] = []
    lines = [line for path in paths for line in read_preferences(path, quarantine=refused.append)]
    for error in refused[:_SHOWN]:
        warn(str(error))
    if len(refused) > _SHOWN:
        warn(f"{len(refused) - _SHOWN} more preference lines cannot be used")
    return dict(sorted(Counter(line.source for line in lines).items()))


def _step_seconds(lines: Sequence[GoldLine], settings: Settings) -> float:
    from docalign import models
    from docalign.commands.train import need_extra

    need_extra("train", "torch", "transformers", "trl")
    from docalign.train.probe import step_seconds

    return step_seconds(models.resolve(settings.model.path), lines, windows=_PROBED_WINDOWS)


def _as_json(team: Team, advices: Sequence[Advice], told: Sequence[str]) -> dict[str, Any]:
    from docalign.train.advise import SCHEMA

    fields = {name: getattr(team, name) for name in team.__slots__}
    fields["rankings"] = dict(team.rankings)
    return {"schema": SCHEMA, "team": fields, "advice": [a.to_json() for a in advices], "evidence": list(told)}


def _as_text(team: Team, advices: Sequence[Advice], told: Sequence[str]) -> str:
    rankings = ", ".join(f"{n} {source}" for source, n in sorted(team.rankings.items())) or "none"
    lines = [f"You have {team.gold} gold documents; rankings: {rankings}; {team.documents} documents without either."]
    if team.gold_agreement is not None:
        lines.append(f"Annotators of the same gold document agree at boundary F1 {team.gold_agreement:.3f}.")
    if team.served_f1 is not None:
        error = "" if team.calibration_error is None else f", calibration error {team.calibration_error:.3f}"
        lines.append(f"The model you have reaches boundary F1 {team.served_f1:.3f} on your gold{error}.")
    by = "a probe of this machine" if team.step_seconds is not None else "the rates of the machine of the measurement"
    for advice in advices:
        lines += ["", f"{advice.method}: {advice.verdict}", f"  {advice.reason}", f"  evidence: {advice.measured}"]
        if advice.method != "rules":
            cost = "not measured" if advice.minutes is None else f"about {advice.minutes:g} minutes, by {by}"
            lines.append(f"  cost: {cost}")
        lines.append(f"  {advice.command}")
    return "\n".join([*lines, "", *told]) + "\n"
