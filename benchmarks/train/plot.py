"""Quality against speed, as one SVG: every arm of a screening report at its boundary F1 and its lines a second."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Final

__all__ = ["quality_against_speed"]

_WIDE, _HIGH, _LEFT, _TOP = 640, 380, 60, 20
_COLOURS: Final = ("#2f6fbb", "#c0562b", "#3d8b4f", "#8a4fb0", "#b08a1e", "#2a8f96", "#b03a6b", "#5b6570")


def quality_against_speed(report: Mapping[str, Any]) -> str:
    """The SVG; vertical bars are 95 % intervals over documents, the ring is the default form."""
    arms = [("default", report["default"])]
    arms += [(factor, arm) for factor, rows in report.items() if isinstance(rows, list) for arm in rows]
    speeds = [arm["run_lines_per_s"] for _, arm in arms]
    ends = [end for _, arm in arms for end in arm["interval"]]
    x = _scale(min(speeds), max(speeds), _LEFT, _WIDE - 150)
    y = _scale(min(ends), max(ends), _HIGH - 40, _TOP)
    factors = list(dict.fromkeys(factor for factor, _ in arms))
    marks = [_axes(x, y, (min(speeds), max(speeds)), (min(ends), max(ends)))]
    for factor, arm in arms:
        colour = _COLOURS[factors.index(factor) % len(_COLOURS)]
        cx, cy = x(arm["run_lines_per_s"]), y(arm["f1"])
        low, high = (y(end) for end in arm["interval"])
        ring = ' fill="none" stroke-width="2"' if factor == "default" else f' fill="{colour}"'
        marks.append(
            f'<line x1="{cx:.1f}" y1="{low:.1f}" x2="{cx:.1f}" y2="{high:.1f}" stroke="{colour}" stroke-opacity=".35"/>'
            f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="5" stroke="{colour}"{ring}/>'
            f'<text x="{cx + 8:.1f}" y="{cy + 4:.1f}" fill="{colour}">{escape(arm["arm"])}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH}" font-family="sans-serif" '
        f'font-size="11" role="img"><title>Boundary F1 against speed</title>{"".join(marks)}</svg>\n'
    )


def _scale(low: float, high: float, first: float, last: float) -> Any:
    span = (high - low) or 1.0
    return lambda value: first + (value - low) / span * (last - first)


def _axes(x: Any, y: Any, speeds: tuple[float, float], ends: tuple[float, float]) -> str:
    ticks = []
    for step in range(5):
        speed = speeds[0] + (speeds[1] - speeds[0]) * step / 4
        f1 = ends[0] + (ends[1] - ends[0]) * step / 4
        ticks.append(
            f'<text x="{x(speed):.1f}" y="{_HIGH - 22}" text-anchor="middle" fill="#5b6570">{speed:.2f}</text>'
            f'<text x="{_LEFT - 8}" y="{y(f1) + 4:.1f}" text-anchor="end" fill="#5b6570">{f1:.3f}</text>'
            f'<line x1="{_LEFT}" y1="{y(f1):.1f}" x2="{_WIDE - 20}" y2="{y(f1):.1f}" stroke="#d8dde3"/>'
        )
    return (
        "".join(ticks)
        + f'<text x="{_WIDE / 2}" y="{_HIGH - 6}" text-anchor="middle" fill="#5b6570">development lines a second '
        + "(the LLM alone)</text>"
        + f'<text x="12" y="{_TOP - 6}" fill="#5b6570">boundary F1</text>'
    )
