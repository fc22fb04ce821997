"""The report on rankings as one HTML page: tables and SVG plots, no script, nothing fetched.

It shows the object of `report.report` and computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from docalign.feedback.report import AGREEMENT, BIAS

__all__ = ["report_html"]

_COUNTS: Final = (
    ("documents", "documents"),
    ("tasks", "tasks"),
    ("judgements", "judgements that stand"),
    ("ranking", "rankings"),
    ("all_bad", "all bad"),
    ("correction", "corrections without a ranking"),
    ("skip", "skips"),
    ("corrected", "corrected chunkings"),
    ("repeats", "repeats"),
    ("undone", "undone"),
    ("feedback", "feedback of users"),
    ("thumbs_up", "thumbs up"),
    ("thumbs_down", "thumbs down"),
)
_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#5b6570;--line:#d8dde3;--paper:#fff;--bar:#2f6fbb;--band:#9cc0ea}
@media(prefers-color-scheme:dark){
:root{--ink:#e8ebee;--soft:#9aa5b1;--line:#39424c;--paper:#15181c;--bar:#6aa5e8;--band:#2c4a6b}
}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);
max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .8rem .25rem 0;text-align:right;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{text-align:left}th{color:var(--soft);font-weight:500}
svg{max-width:100%;height:auto}svg text{fill:var(--soft);font-size:11px}
p.note{color:var(--soft);max-width:44rem}
"""
_AGREEMENT_NOTE: Final = (
    "α is 1 for full agreement and 0 for what chance gives; the others are shares of pairs of candidates. "
    "Intervals are over questions."
)
_BIAS_NOTE: Final = (
    "Both are 0.5 where neither the number of chunks nor the place on the screen passes as quality. "
    "Intervals are over documents."
)
_STRENGTH_NOTE: Final = (
    "The chance that a generator’s candidate is preferred to one of an average generator (Bradley–Terry, a tie is half "
    "a win). Intervals are over documents."
)
_LEFT, _WIDE, _ROW = 330, 420, 26
_MOST_CHARS: Final = 54
"""Of a name, so that it fits `_LEFT`: a generator and a model with its hash do."""

Estimates = Mapping[str, Mapping[str, Any]]


def report_html(report: Mapping[str, Any], *, title: str) -> str:
    """The page."""
    agreement = {name: report["agreement"][key] for key, name in AGREEMENT.items()}
    bias = {f"decided pairs {name}": report["bias"][key] for key, name in BIAS.items()}
    parts = [
        f"<h1>{escape(title)}</h1>",
        _note("Bands are 95 % bootstrap intervals; a value without one rests on too little to claim one."),
        f"<h2>What there is</h2>{_counts(report['counts'])}",
        "<h2>Agreement</h2>",
        _note(_AGREEMENT_NOTE),
        _bars(agreement, "Agreement"),
        "<h2>Length and place</h2>",
        _note(_BIAS_NOTE),
        _bars(bias, "Length and place"),
    ]
    if report["generators"]:
        parts += [
            "<h2>Generators</h2>",
            _note(_STRENGTH_NOTE),
            _bars(report["generators"], "Generators", middle=0.5),
        ]
    if report["annotators"]:
        parts.append(f"<h2>Annotators</h2>{_annotators(report['annotators'])}{_times(report['annotators'])}")
    if report["skip_reasons"]:
        rows = [(reason, f"{n:,}") for reason, n in report["skip_reasons"].items()]
        parts.append(f"<h2>Reasons to skip</h2>{_table(('reason', 'times'), rows)}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _counts(counts: Mapping[str, int]) -> str:
    return _table(("", "number"), [(name, f"{counts[key]:,}") for key, name in _COUNTS])


def _annotators(annotators: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for name, a in annotators.items():
        own = a["self_consistency"]
        again = "–" if own["value"] is None else f"{own['value']:.2f}{_ends(own)}"
        time = f"{a['ms_quartiles'][1] / 1000:.1f} s" if a["ms_quartiles"] else "–"
        kind = "a program" if a["simulated"] else "a person"
        rows.append((name, kind, f"{a['judged']:,}", f"{a['skipped']:,}", time, again))
    return _table(("annotator", "is", "judged", "skipped", "time on task", "self-consistency"), rows)


def _ends(e: Mapping[str, Any]) -> str:
    return "" if e["low"] is None else f" ({e['low']:.2f}–{e['high']:.2f})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _bars(estimates: Estimates, label: str, *, middle: float | None = None) -> str:
    """Each value on a line from 0 to 1 (from below, where α is negative), with its interval."""
    lows = [end for e in estimates.values() for end in (e["low"], e["value"]) if end is not None]
    least = min(0.0, *lows) if lows else 0.0

    def x(value: float) -> float:
        return _LEFT + (value - least) / (1 - least) * _WIDE

    marks = []
    for index, (name, e) in enumerate(estimates.items()):
        y = 6 + index * _ROW
        marks.append(f'<text x="{_LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(name[:_MOST_CHARS])}</text>')
        if e["value"] is None:
            marks.append(f'<text x="{_LEFT + 6}" y="{y + 12}">nothing to measure</text>')
            continue
        marks.append(
            (_band(y, x(e["low"]), x(e["high"])) if e["low"] is not None else "")
            + _mark(y, x(e["value"]))
            + f'<text x="{x(1.0) + 8:.1f}" y="{y + 12}">{e["value"]:.2f}</text>'
        )
    height = 6 + len(estimates) * _ROW + 20
    ticks = sorted({least, 0.0, 0.25, 0.5, 0.75, 1.0})
    axis = "".join(
        f'<line x1="{x(t):.1f}" y1="0" x2="{x(t):.1f}" y2="{height - 18}" stroke="var(--line)" '
        f'stroke-width="{2 if t == middle else 1}"/>'
        f'<text x="{x(t):.1f}" y="{height - 4}" text-anchor="middle">{t:.2g}</text>'
        for t in ticks
    )
    return _svg(height, label, axis + "".join(marks))


def _times(annotators: Mapping[str, Mapping[str, Any]]) -> str:
    """The middle half of everybody's times on task, and the median."""
    timed = {name: a["ms_quartiles"] for name, a in annotators.items() if a["ms_quartiles"]}
    if not timed:
        return ""
    most = max(q[2] for q in timed.values()) or 1
    marks = []
    for index, (name, (low, middle, high)) in enumerate(timed.items()):
        y, at = 6 + index * _ROW, [_LEFT + q / most * _WIDE for q in (low, middle, high)]
        marks.append(
            f'<text x="{_LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(name[:_MOST_CHARS])}</text>'
            + _band(y, at[0], at[2])
            + _mark(y, at[1])
            + f'<text x="{_LEFT + _WIDE + 8}" y="{y + 12}">{middle / 1000:.1f} s</text>'
        )
    note = _note("Time on task: the middle half of each annotator’s tasks, and the median.")
    return note + _svg(6 + len(timed) * _ROW, "Time on task", "".join(marks))


def _band(y: int, low: float, high: float) -> str:
    width = max(1.0, high - low)
    return f'<rect x="{low:.1f}" y="{y}" width="{width:.1f}" height="16" rx="3" fill="var(--band)"/>'


def _mark(y: int, value: float) -> str:
    return f'<rect x="{value - 1.5:.1f}" y="{y - 1}" width="3" height="18" fill="var(--bar)"/>'


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def _svg(height: int, label: str, inside: str) -> str:
    width = _LEFT + _WIDE + 60
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{escape(label)}">{inside}</svg>'
