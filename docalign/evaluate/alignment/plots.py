"""The plots of the report on alignment, as SVG text. Colours are variables of the page's style, by policy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

__all__ = ["colour", "curve", "differences", "dots", "heat_map", "legend"]

_POLICIES: Final = 7
_ROW, _LEFT, _WIDE = 20, 136, 320


def colour(index: int) -> str:
    """The colour of the policy at `index`; the baseline's is 0."""
    return f"var(--p{index if index < _POLICIES else 1 + (index - 1) % (_POLICIES - 1)})"


def legend(names: Sequence[tuple[int, str]]) -> str:
    items = (f'<span><i style="background:{colour(i)}"></i>{escape(name)}</span>' for i, name in names)
    return f'<p class="legend">{"".join(items)}</p>'


def differences(rows: Mapping[str, Sequence[tuple[int, Mapping[str, float]]]], label: str) -> str:
    """Differences with their intervals: a band of rows for each name, one mark for each policy (index, change)."""
    ends = [abs(c[k]) for marks in rows.values() for _, c in marks for k in ("low", "high")]
    reach = _nice(max([*ends, 0.01]))
    middle, half = _LEFT + _WIDE / 2, _WIDE / 2
    marks, y = [], 6.0
    for name, changes in rows.items():
        height = _ROW if len(changes) == 1 else 13 * len(changes) + 7
        marks.append(_text(_LEFT - 8, y + height / 2 + 4, name[:22], "end"))
        for k, (index, change) in enumerate(changes):
            at = y + (height / 2 if len(changes) == 1 else 10 + 13 * k)
            low, high, x = (middle + half * change[key] / reach for key in ("low", "high", "difference"))
            spoken = f"{change['difference']:+.3f} ({change['low']:+.3f} to {change['high']:+.3f})"
            marks.append(
                f'<g><title>{escape(name)}: {spoken}</title><line x1="{low:.1f}" y1="{at:.1f}" x2="{high:.1f}" '
                f'y2="{at:.1f}" stroke="{colour(index)}" stroke-width="2"/>'
                f'<circle cx="{x:.1f}" cy="{at:.1f}" r="4" fill="{colour(index)}"/></g>'
            )
        y += height
        marks.append(_line(8, y, _LEFT + _WIDE, y, "var(--line)", 0.5))
    axis = "".join(
        _line(middle + half * t, 0, middle + half * t, y, "var(--soft)" if t == 0 else "var(--line)")
        + _text(middle + half * t, y + 14, f"{t * reach:+g}" if t else "0", "middle")
        for t in (-1, -0.5, 0, 0.5, 1)
    )
    return _svg(_LEFT + _WIDE + 30, y + 22, label, axis + "".join(marks))


def dots(rows: Mapping[str, Sequence[tuple[int, str, float]]], label: str, *, lowest: float = 0.0) -> str:
    """Values between `lowest` and 1: for each name marks of (policy, `open` or `full`, value) on one line."""
    marks, y = [], 4.0
    for name, values in rows.items():
        marks.append(_text(_LEFT - 8, y + 14, name[:22], "end"))
        xs = [_LEFT + _WIDE * (max(lowest, v) - lowest) / (1 - lowest) for _, _, v in values]
        marks.append(_line(min(xs), y + 10, max(xs), y + 10, "var(--line)", 3))
        for x, (index, kind, value) in zip(xs, values, strict=True):
            fill = colour(index) if kind == "full" else "var(--paper)"
            marks.append(
                f'<circle cx="{x:.1f}" cy="{y + 10:.1f}" r="5" fill="{fill}" stroke="{colour(index)}" '
                f'stroke-width="2"><title>{escape(name)}: {value:.3f}</title></circle>'
            )
        y += _ROW + 4
    ticks = [lowest + (1 - lowest) * t / 4 for t in range(5)]
    axis = "".join(
        _line(x := _LEFT + _WIDE * k / 4, 0, x, y, "var(--line)") + _text(x, y + 14, f"{t:.3g}", "middle")
        for k, t in enumerate(ticks)
    )
    return _svg(_LEFT + _WIDE + 30, y + 22, label, axis + "".join(marks))


def curve(lines: Sequence[tuple[int, str, Sequence[tuple[float, float]]]], x_name: str, y_name: str) -> str:
    """One line for each policy (index, name, points); a point for each look."""
    points = [p for _, _, line in lines for p in line]
    right = _nice(max([x for x, _ in points] + [1e-3]))
    low, high = min(y for _, y in points), max(y for _, y in points)
    pad = max(0.005, (high - low) * 0.1)
    low, high = low - pad, high + pad
    left, wide, tall = 52, 300, 190

    def place(x: float, y: float) -> tuple[float, float]:
        return left + wide * x / right, 8 + tall * (high - y) / (high - low)

    marks = []
    for index, name, line in lines:
        at = [place(x, y) for x, y in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        marks.append(f'<polyline points="{path}" fill="none" stroke="{colour(index)}" stroke-width="2"/>')
        marks += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour(index)}"><title>{escape(name)}, look {n}: '
            f"{vx:.3f}, {vy:.3f}</title></circle>"
            for n, ((x, y), (vx, vy)) in enumerate(zip(at, line, strict=True))
        ]
    axis = f'<rect x="{left}" y="8" width="{wide}" height="{tall}" fill="none" stroke="var(--line)"/>'
    for t in range(5):
        x, value = left + wide * t / 4, low + (high - low) * t / 4
        axis += _text(x, tall + 24, f"{right * t / 4:.3g}", "middle")
        axis += _text(left - 6, 12 + tall * (4 - t) / 4, f"{value:.3f}", "end")
    axis += _text(left + wide / 2, tall + 40, x_name, "middle")
    plot = _svg(left + wide + 16, tall + 46, y_name, axis + "".join(marks))
    return f"<figure><figcaption>{escape(y_name)}</figcaption>{plot}</figure>"


def heat_map(names: Sequence[str], matrix: Sequence[Sequence[float | None]], label: str) -> str:
    """Correlations between −1 and 1; empty where there is none."""
    cell, left, top = 34, 150, 110
    marks = []
    for row, name in enumerate(names):
        y = top + row * cell
        marks.append(_text(left - 6, y + 21, name, "end"))
        x = left + row * cell + cell / 2
        marks.append(f'<text transform="translate({x + 4:.0f} {top - 6}) rotate(-45)">{escape(name)}</text>')
        for column, value in enumerate(matrix[row]):
            box = f'<rect x="{left + column * cell}" y="{y}" width="{cell - 2}" height="{cell - 2}" rx="3"'
            if value is None:
                marks.append(f'{box} fill="none" stroke="var(--line)"/>')
                continue
            fill = "var(--up)" if value >= 0 else "var(--down)"
            title = f"<title>{escape(name)} and {escape(names[column])}: {value:+.2f}</title>"
            marks.append(f'{box} fill="{fill}" fill-opacity="{min(1.0, 0.06 + 0.7 * abs(value)):.2f}">{title}</rect>')
            shown = f"{value:+.2f}".replace("0.", ".")
            marks.append(
                f'<text class="in" x="{left + column * cell + (cell - 2) / 2}" y="{y + 20}" '
                f'text-anchor="middle">{shown}</text>'
            )
    side = len(names) * cell
    return _svg(left + side + 90, top + side + 4, label, "".join(marks), kind="whole")


def _svg(wide: float, tall: float, label: str, inside: str, *, kind: str = "plot") -> str:
    """A plot, which narrow screens make smaller; kind `whole`: which they scroll."""
    size = f'viewBox="0 0 {wide:.0f} {tall:.0f}" width="{wide:.0f}" height="{tall:.0f}"'
    return (
        f'<div class="scroll"><svg class="{kind}" {size} role="img" aria-label="{escape(label)}">{inside}</svg></div>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, stroke: str, width: float = 1) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" stroke-width="{width:g}"/>'


def _nice(value: float) -> float:
    """The next of 1, 2, 5 × 10ⁿ that is not below `value`."""
    power = 10.0 ** math.floor(math.log10(value))
    return float(f"{next(m * power for m in (1, 2, 5, 10) if m * power >= value * 0.999):.6g}")
