"""The card's pictures as SVG: bars with intervals, and lines. They draw what they are given and compute nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

__all__ = ["Bar", "bars", "lines"]

_ROW: Final = 23
_LEFT: Final = 196
_WIDE: Final = 400
_RIGHT: Final = 64
_COLOURS: Final = ("#2f6fbb", "#c2571a", "#3d8b40", "#8a4fa3", "#a8862a", "#2b9aa0", "#c23b6a", "#6b7280", "#5566d6",
                   "#94613c", "#4f8f6f", "#b04fbf", "#7a8a1c", "#d0703a")  # fmt: skip
_DASHES: Final = ("", "6 3", "2 3", "8 3 2 3")


@dataclass(frozen=True, slots=True)
class Bar:
    """A value with the ends of its interval, 0–1; `ours` is drawn in the accent, `arm` hollow."""

    name: str
    value: float
    low: float
    high: float
    ours: bool = False
    arm: bool = False


def bars(rows: Sequence[Bar], *, label: str) -> str:
    """Values with intervals, one row each, in the order given."""
    marks = []
    for index, row in enumerate(rows):
        y = 8 + index * _ROW
        kind = "ours" if row.ours else "arm" if row.arm else "peer"
        low, high, value_at = (_LEFT + v * _WIDE for v in (row.low, row.high, row.value))
        marks.append(
            f'<g class="{kind}"><title>{escape(row.name)}: {row.value:.3f} ({row.low:.3f}–{row.high:.3f})</title>'
            f'<text x="{_LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(row.name[:30])}</text>'
            f'<rect class="bar" x="{_LEFT}" y="{y + 2}" width="{max(1.0, value_at - _LEFT):.1f}" height="12" rx="2"/>'
            f'<line class="whisker" x1="{low:.1f}" x2="{high:.1f}" y1="{y + 8}" y2="{y + 8}"/>'
            f'<text class="value" x="{max(high, value_at) + 6:.1f}" y="{y + 12}">{row.value:.3f}</text>'
            "</g>"
        )
    height = 8 + len(rows) * _ROW + 20
    axis = "".join(
        f'<line class="axis" x1="{_LEFT + t * _WIDE / 4}" y1="2" x2="{_LEFT + t * _WIDE / 4}" y2="{height - 18}"/>'
        f'<text x="{_LEFT + t * _WIDE / 4}" y="{height - 4}" text-anchor="middle">{t / 4:g}</text>'
        for t in range(5)
    )
    return _svg(_LEFT + _WIDE + _RIGHT, height, label, axis + "".join(marks))


def lines(
    series: Mapping[str, Sequence[tuple[float, float]]], *, label: str, x_label: str, y_label: str, first: str,
    log: bool = False, percent: bool = False,
) -> str:  # fmt: skip
    """Points joined by name; `first` is drawn thick. With `log` both axes are logarithmic."""
    points = [p for row in series.values() for p in row]
    if not points:
        return ""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    x_axis = _Axis(min(xs), max(xs), 60, 480, log=log)
    y_axis = _Axis(min(ys), max(ys), 290, 16, log=True) if log else _Axis(0.0, 1.0, 290, 16)
    drawn: list[str] = []
    for index, (name, row) in enumerate(series.items()):
        colour, dash = _COLOURS[index % len(_COLOURS)], _DASHES[index // len(_COLOURS) % len(_DASHES)]
        width = 3 if name == first else 1.4
        path = " ".join(f"{x_axis.at(x):.1f},{y_axis.at(y):.1f}" for x, y in row)
        dots = "".join(
            f'<circle cx="{x_axis.at(x):.1f}" cy="{y_axis.at(y):.1f}" r="{width + 0.8}" fill="{colour}">'
            f"<title>{escape(name)}: {y:.4g} at {x:.4g}</title></circle>"
            for x, y in row
        )
        y = 20 + index * 17
        drawn.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" '
            f'stroke-dasharray="{dash}"/>{dots}'
            f'<line x1="500" x2="524" y1="{y - 4}" y2="{y - 4}" stroke="{colour}" stroke-width="{width}" '
            f'stroke-dasharray="{dash}"/><text x="530" y="{y}">{escape(name[:32])}</text>'
        )
    ticks = "".join(
        f'<line class="axis" x1="{x_axis.at(v):.1f}" x2="{x_axis.at(v):.1f}" y1="16" y2="290"/>'
        f'<text x="{x_axis.at(v):.1f}" y="306" text-anchor="middle">{_number(v, percent=percent)}</text>'
        for v in (x_axis.ticks() if log else sorted(set(xs)))
    ) + "".join(
        f'<line class="axis" x1="60" x2="480" y1="{y_axis.at(v):.1f}" y2="{y_axis.at(v):.1f}"/>'
        f'<text x="54" y="{y_axis.at(v) + 4:.1f}" text-anchor="end">{_number(v)}</text>'
        for v in y_axis.ticks()
    )
    names = (
        f'<text x="270" y="324" text-anchor="middle">{escape(x_label)}</text>'
        f'<text x="14" y="153" text-anchor="middle" transform="rotate(-90 14 153)">{escape(y_label)}</text>'
    )
    return _svg(740, max(332, 28 + 17 * len(series)), label, ticks + names + "".join(reversed(drawn)))


@dataclass(frozen=True, slots=True)
class _Axis:
    low: float
    high: float
    begin: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        low, high, v = (math.log10(max(x, 1e-6)) if self.log else x for x in (self.low, self.high, value))
        return self.begin + (self.end - self.begin) * ((v - low) / (high - low) if high > low else 0.5)

    def ticks(self) -> list[float]:
        if not self.log:
            return [self.low + (self.high - self.low) * t / 4 for t in range(5)]
        first, last = math.ceil(math.log10(max(self.low, 1e-6)) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        return [10.0**n for n in range(first, last + 1)]


def _number(value: float, *, percent: bool = False) -> str:
    return f"{value:.0%}" if percent else f"{value:g}"


def _svg(width: float, height: float, label: str, inside: str) -> str:
    return (
        f'<div class="scroll"><svg viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'aria-label="{escape(label)}">{inside}</svg></div>'
    )
