"""The HTML report of an evaluation: scores with intervals by group, rewards, broken promises, and calibration.

One file, nothing fetched and no script: plots are SVG. It shows the object that `docalign eval --format json` prints
and computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from docalign.evaluate.html import html_page
from docalign.wording import counted

__all__ = ["report_html"]

_SECTIONS: Final = (
    ("groups", "By kind"),
    ("domains", "By domain"),
    ("sources", "By source"),
    ("forms", "By form"),
    ("sizes", "By size asked for"),
)
_COLUMNS: Final = (
    ("documents", "documents"),
    ("boundary_f1", "boundary F1"),
    ("precision", "precision"),
    ("recall", "recall"),
    ("pk", "Pk"),
    ("windowdiff", "WindowDiff"),
    ("boundary_similarity", "similarity"),
)
_BROKEN: Final = (
    ("over_limit", "chunks over the limit"),
    ("orphan_headings", "orphan headings"),
    ("lost_characters", "lost characters"),
)


def report_html(report: Mapping[str, Any], *, title: str) -> str:
    """The page for the object of `evaluate.run.summarise`."""
    whats = {"documents": "gold document", "blocks": "block", "chunks": "chunk"}
    sums = ", ".join(counted(report[name], what) for name, what in whats.items())
    intro = (
        f'<p class="note">{sums}, {report["blocks_per_s"]:,} blocks a second. Scores are means over documents; '
        "intervals are 95 % bootstrap intervals over documents.</p>"
    )
    parts = [
        f"<h1>{escape(title)}</h1>",
        intro,
        _promises(report),
        f"<h2>In all</h2>{_table({'all': report})}",
    ]
    for key, heading in _SECTIONS:
        if len(report.get(key, {})) > 1:
            parts.append(f"<h2>{heading}</h2>{_bars(report[key])}{_table(report[key])}")
    parts.append(f"<h2>Rule rewards</h2>{_rewards(report['rewards'])}")
    if "calibration" in report:
        parts.append(_calibration(report["calibration"]))
    return html_page(title, parts)


def _promises(report: Mapping[str, Any]) -> str:
    items = [f'<span class="{"bad" if report[key] else "good"}">{report[key]:,} {name}</span>' for key, name in _BROKEN]
    return f"<p>Promises: {', '.join(items)}.</p>"


def _table(parts: Mapping[str, Mapping[str, Any]]) -> str:
    head = "".join(f"<th>{name}</th>" for _, name in (("", ""), *_COLUMNS))
    rows = []
    for name, part in parts.items():
        low, high = part["intervals"]["boundary_f1"]
        cells = []
        for key, _ in _COLUMNS:
            value = part[key]
            text = f"{value:.3f}" if isinstance(value, float) else f"{value:,}"
            cells.append(f"<td>{text}{f' ({low:.3f}–{high:.3f})' if key == 'boundary_f1' else ''}</td>")
        rows.append(f"<tr><td>{escape(name)}</td>{''.join(cells)}</tr>")
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _bars(parts: Mapping[str, Mapping[str, Any]]) -> str:
    """Boundary F1 by group, each with its interval."""
    row, left, wide = 22, 150, 420
    marks = []
    for index, (name, part) in enumerate(parts.items()):
        y = 8 + index * row
        value = part["boundary_f1"]
        low, high = part["intervals"]["boundary_f1"]
        marks.append(
            f'<text x="{left - 8}" y="{y + 11}" text-anchor="end">{escape(name[:24])}</text>'
            f'<rect x="{left + low * wide:.1f}" y="{y}" width="{max(1.0, (high - low) * wide):.1f}" height="14" '
            'rx="3" fill="var(--band)"/>'
            f'<rect x="{left + value * wide - 1.5:.1f}" y="{y - 1}" width="3" height="16" fill="var(--bar)"/>'
            f'<text x="{left + high * wide + 6:.1f}" y="{y + 11}">{value:.3f}</text>'
        )
    height = 8 + len(parts) * row + 18
    axis = "".join(
        f'<line x1="{left + t * wide / 4}" y1="0" x2="{left + t * wide / 4}" y2="{height - 16}" stroke="var(--line)"/>'
        f'<text x="{left + t * wide / 4}" y="{height - 3}" text-anchor="middle">{t / 4:g}</text>'
        for t in range(5)
    )
    return (
        f'<svg viewBox="0 0 {left + wide + 60} {height}" width="{left + wide + 60}" role="img" '
        f'aria-label="Boundary F1 by group">{axis}{"".join(marks)}</svg>'
    )


def _rewards(rewards: Mapping[str, float]) -> str:
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{value:.3f}</td></tr>" for name, value in rewards.items())
    return f'<div class="scroll"><table><tbody>{rows}</tbody></table></div>'


def _calibration(calibration: Mapping[str, Any]) -> str:
    error, brier = calibration["expected_calibration_error"], calibration["brier"]
    return (
        "<h2>Calibration of the boundary probability</h2>"
        f'<p class="note">Expected calibration error {error:.4f}, Brier score {brier:.4f}, over '
        f"{calibration['blocks']:,} blocks. A point on the diagonal: of the blocks given that probability, that share "
        "starts a chunk. The area of a point grows with the number of blocks.</p>"
        + _reliability(calibration["bins"], calibration["blocks"])
    )


def _reliability(bins: Sequence[Mapping[str, Any]], blocks: int) -> str:
    side, margin = 280, 36
    marks = [
        f'<circle cx="{margin + b["probability"] * side:.1f}" cy="{10 + (1 - b["starts"]) * side:.1f}" '
        f'r="{3 + 14 * (b["blocks"] / blocks) ** 0.5:.1f}" fill="var(--bar)" fill-opacity=".55">'
        f"<title>{b['blocks']:,} blocks at {b['probability']:.2f}: {b['starts']:.2f} start a chunk</title></circle>"
        for b in bins
        if b["blocks"]
    ]
    ticks = "".join(
        f'<text x="{margin + t * side / 4}" y="{side + 26}" text-anchor="middle">{t / 4:g}</text>'
        f'<text x="{margin - 6}" y="{14 + (4 - t) * side / 4}" text-anchor="end">{t / 4:g}</text>'
        for t in range(5)
    )
    return (
        f'<svg viewBox="0 0 {side + margin + 20} {side + 50}" width="{side + margin + 20}" role="img" '
        'aria-label="Reliability of the boundary probability">'
        f'<rect x="{margin}" y="10" width="{side}" height="{side}" fill="none" stroke="var(--line)"/>'
        f'<line x1="{margin}" y1="{10 + side}" x2="{margin + side}" y2="10" stroke="var(--line)"/>'
        f'{"".join(marks)}{ticks}<text x="{margin + side / 2}" y="{side + 44}" text-anchor="middle">'
        "probability given</text></svg>"
    )
