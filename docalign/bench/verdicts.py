"""What the numbers say, in sentences that come from the numbers: where docalign leads, where it does not, by how much.

The goals are the project's own: boundaries clearly better than every peer's on digital and scanned pages, recall no
worse and IoU better than the best peer's, no promise broken. Arms of docalign that beat the whole are named too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from docalign.bench.registry import OURS

__all__ = ["verdicts"]

_ENOUGH_WINDOWS: Final = 8
_ENOUGH_DOCUMENTS: Final = 5
"""With fewer nothing is decided: an interval over two or three means little."""
_PROMISES: Final = {
    "over_limit": "chunks over the limit",
    "orphaned": "orphaned headings",
    "lost": "characters lost",
    "altered": "chunks altered",
    "wrong_offsets": "offsets wrong",
}


def verdicts(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each with `holds` (True, False, or None for a remark) and `says`."""
    found = [*_boundaries(report), *_retrieval(report), *_promises(report)]
    return [{"holds": holds, "says": says} for holds, says in found]


def _boundaries(report: Mapping[str, Any]) -> Iterator[tuple[bool | None, str]]:
    for condition, part in report.get("boundaries", {}).items():
        arms = part["arms"]
        ours = arms[OURS]["boundary_f1"]
        whole = {n: a for n, a in arms.items() if a["windows"] == part["windows"]}
        peers = {n: a for n, a in whole.items() if not report["peers"][n]["ours"]}
        if peers:
            closest = min(peers, key=lambda n: peers[n]["docalign_ahead"]["f1"])
            yield _lead(condition, closest, ours, peers[closest], part["windows"])
        for name, arm in arms.items():
            ahead = arm["docalign_ahead"]
            if name != OURS and report["peers"][name]["ours"] and ahead["f1"] < 0:
                sure = "" if ahead["high"] < 0 else ", within chance"
                sure += "" if part["windows"] >= _ENOUGH_WINDOWS else f", {part['windows']} windows"
                yield (
                    None,
                    (
                        f"{condition}: the arm “{name}” beats docalign, F1 {arm['boundary_f1']:.3f} to {ours:.3f} "
                        f"({ahead['f1']:+.3f}, {ahead['low']:+.3f} to {ahead['high']:+.3f}{sure})."
                    ),
                )


def _lead(condition: str, closest: str, ours: float, arm: Mapping[str, Any], windows: int) -> tuple[bool | None, str]:
    ahead = arm["docalign_ahead"]
    numbers = f"{ahead['f1']:+.3f}, 95 % interval {ahead['low']:+.3f} to {ahead['high']:+.3f}"
    said = f"{condition}: F1 {ours:.3f}; the closest peer is {closest} with {arm['boundary_f1']:.3f} ({numbers})."
    if windows < _ENOUGH_WINDOWS:
        return None, f"{said} {windows} window{'' if windows == 1 else 's'}: too few to say."
    goal = condition in ("digital", "ocr")
    holds = ahead["low"] > 0
    return (holds if goal or not holds else None), said


def _retrieval(report: Mapping[str, Any]) -> Iterator[tuple[bool | None, str]]:
    arms = report.get("retrieval", {}).get("arms", {})
    peers = {n: a for n, a in arms.items() if not report["peers"][n]["ours"]}
    if OURS not in arms or not peers:
        return
    for name, title, equal_will_do in (("recall", "recall", True), ("iou", "IoU", False)):
        best = max(peers, key=lambda n: peers[n][name])
        ours, theirs, ahead = arms[OURS][name], peers[best][name], peers[best][f"docalign_ahead_{name}"]
        said = (
            f"retrieval at equal budget: {title} {ours:.3f}; the best peer is {best} with {theirs:.3f} "
            f"({ahead['mean']:+.3f}, 95 % interval {ahead['low']:+.3f} to {ahead['high']:+.3f})."
        )
        documents = report["retrieval"]["documents"]
        if documents < _ENOUGH_DOCUMENTS:
            yield None, f"{said} {documents} documents: too few to say."
        else:
            yield (ours >= theirs if equal_will_do else ours > theirs), said


def _promises(report: Mapping[str, Any]) -> Iterator[tuple[bool | None, str]]:
    found = report.get("guarantees")
    if not found:
        return
    totals = [found["gold"].get(OURS), found["nasty"].get(OURS, {}).get("total")]
    broken = {key: sum(t[key] for t in totals if t) for key in (*_PROMISES, "failures")}
    listed = ", ".join(f"{n} {_PROMISES.get(key, key)}" for key, n in broken.items() if n)
    yield not listed, f"promises: {listed or 'none broken, on gold and on documents made to hurt'}."
    cut = sum(t["tables_cut"] for t in totals if t)
    if cut:
        yield None, f"tables: {cut} cut although they would have fitted (not among the promises)."
