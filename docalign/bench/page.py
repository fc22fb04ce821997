"""The report card as one HTML page: verdicts first, then every section with its picture and its table.

One file, nothing fetched and no script. It shows the `docalign.bench/1` object and computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from docalign.bench.plots import Bar, bars, lines
from docalign.bench.registry import OURS

__all__ = ["page"]

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#5b6570;--line:#dfe4ea;--paper:#fff;--ours:#2f6fbb;--peer:#9aa7b4;
--arm:#b9d2ee;--good:#2e7d32;--bad:#c0392b}
@media(prefers-color-scheme:dark){
:root{--ink:#e8ebee;--soft:#9aa5b1;--line:#39424c;--paper:#15181c;--ours:#6aa5e8;--peer:#5d6b79;--arm:#2c4a6b;
--good:#7cc47f;--bad:#ef7b6c}
}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);
max-width:66rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.2rem;margin-top:2.4rem;border-top:1px solid var(--line);
padding-top:1.2rem}h3{font-size:1rem;margin:1.4rem 0 .3rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem}
th,td{padding:.22rem .7rem .22rem 0;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{color:var(--soft);font-weight:500}.words{white-space:normal;
text-align:left;min-width:16rem}tr.ours td{font-weight:600}tr.arm td{color:var(--soft)}
svg{max-width:100%;height:auto}svg text{fill:var(--soft);font-size:11px}svg .value{fill:var(--ink)}
.axis{stroke:var(--line)}.whisker{stroke:var(--ink);stroke-width:1.4}.peer .bar{fill:var(--peer)}
.arm .bar{fill:var(--arm)}.ours .bar{fill:var(--ours)}.ours text{fill:var(--ink);font-weight:600}
p.note{color:var(--soft);max-width:48rem}ul.verdicts{list-style:none;padding:0}
ul.verdicts li{padding:.2rem 0 .2rem 1.6rem;text-indent:-1.6rem}.yes{color:var(--good)}.no{color:var(--bad)}
.mark{display:inline-block;width:1.6rem;text-indent:0;font-weight:700}
"""
_MARKS: Final = {True: ("yes", "✓"), False: ("no", "✗"), None: ("", "·")}

Report = Mapping[str, Any]


def page(report: Report) -> str:
    """The page."""
    parts = [_head(report), _verdicts(report)]
    for key, section in _SECTIONS.items():
        if report.get(key):
            parts.append(section(report))
        if key == "boundaries" and report.get(key):
            parts.append(_ablations(report))
    parts.append(_peers(report))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>docalign bench</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _head(report: Report) -> str:
    machine, data = report["machine"], report["data"]
    busy = " Other work ran beside." if machine["load_1min"] > machine["cores"] else ""
    notes = " ".join(data["notes"])
    return (
        "<h1>docalign beside other chunkers</h1>"
        + _note(
            f"docalign {report['docalign']}, model {report['model']}; profile {report['profile']}, seed "
            f"{report['seed']}, {report.get('minutes', '?')} minutes on {machine['cores']} cores of "
            f"{machine['cpu']}, load {machine['load_1min']} at the end.{busy} Measured on: {data['origin']}. {notes}"
        )
        + _note(
            "Every chunker got the same documents, sizes and counter in this one run. Who takes one size got the "
            "target or the limit, whichever gave it the better F1 on the digital windows. Intervals are 95 % bootstrap "
            "intervals over windows or documents; “ahead” is docalign minus the other on the same ones (paired). "
            "Chunkers that run a model over every sentence sit out where they saw the same text already."
        )
    )


def _verdicts(report: Report) -> str:
    items = []
    for verdict in report["verdicts"]:
        kind, mark = _MARKS[verdict["holds"]]
        items.append(f'<li><span class="mark {kind}">{mark}</span>{escape(verdict["says"])}</li>')
    return f'<h2>What it says</h2><ul class="verdicts">{"".join(items)}</ul>'


def _boundaries(report: Report) -> str:
    parts = ["<h2>Boundaries</h2>"]
    for condition, part in report["boundaries"].items():
        about = report["data"]["conditions"][condition]["about"]
        rows = []
        for name, arm in _sorted(part["arms"], "boundary_f1"):
            low, high = arm["boundary_f1_interval"]
            ahead = arm["docalign_ahead"]
            difference = "" if name == OURS else f"{ahead['f1']:+.3f} ({ahead['low']:+.3f} to {ahead['high']:+.3f})"
            rows.append(
                (name + ("" if arm["windows"] == part["windows"] else f" ({arm['windows']} windows)"),
                 f"{arm['boundary_f1']:.3f}", f"{low:.3f}–{high:.3f}", difference, f"{arm['pk']:.3f}",
                 f"{arm['windowdiff']:.3f}", f"{arm['boundary_similarity']:.3f}", str(arm["failures"] or ""))
            )  # fmt: skip
        head = ("", "F1", "95 %", "docalign ahead", "Pk ↓", "WindowDiff ↓", "similarity", "failures")
        drawn = _bars(report, part["arms"], "boundary_f1", f"Boundary F1, {condition}")
        parts += [
            f"<h3>{escape(condition)}</h3>",
            _note(f"{_counted(part['windows'], 'window')}; {about}."),
            drawn,
            _table(report, head, rows),
        ]
    return "\n".join(parts)


def _ablations(report: Report) -> str:
    """Our own arms side by side: what each part of docalign is worth, by condition."""
    conditions = report["boundaries"]
    rows = []
    for name, peer in report["peers"].items():
        if not peer["ours"] or not peer["ran"]:
            continue
        cells = []
        for part in conditions.values():
            arm = part["arms"].get(name)
            if arm is None:
                cells.append("–")
                continue
            ahead = arm["docalign_ahead"]
            sure = "*" if ahead["low"] > 0 or ahead["high"] < 0 else ""
            cells.append(f"{arm['boundary_f1']:.3f}" + ("" if name == OURS else f" ({0 - ahead['f1']:+.3f}{sure})"))
        rows.append((name, *cells))
    return (
        "<h2>What each part is worth</h2>"
        + _note(
            "Boundary F1 of docalign and of docalign with one part taken away or exchanged; in brackets the difference "
            "to the whole, * where its interval is clear of zero. A positive number is an arm that beats the whole."
        )
        + _table(report, ("", *conditions), rows)
    )


def _curve(report: Report) -> str:
    points = report["curve"]
    series = {n: [(p["error_rate"], p["arms"][n]["f1"]) for p in points] for n in points[0]["arms"]}
    head = ("", *(f"{p['error_rate']:.0%}" for p in points))
    rows = [(n, *(f"{y:.3f}" for _, y in row)) for n, row in series.items()]
    return (
        "<h2>F1 against misread characters</h2>"
        + _note(
            f"{points[0]['windows']} bare windows whose characters were exchanged, dropped and split as OCR does, at "
            "chosen rates; blocks stay as they are. Chunkers that embed every sentence are left out."
        )
        + lines(series, label="F1 against misread characters", x_label="characters misread", y_label="boundary F1",
                first=OURS, percent=True)
        + _table(report, head, rows)
    )  # fmt: skip


def _retrieval(report: Report) -> str:
    part = report["retrieval"]
    if "not_run" in part:
        return f"<h2>Retrieval</h2>{_note('Not run: ' + part['not_run'])}"
    rows = []
    for name, arm in _sorted(part["arms"], "recall"):
        low, high = arm["recall_interval"]
        ahead = arm["docalign_ahead_recall"]
        difference = "" if name == OURS else f"{ahead['mean']:+.3f} ({ahead['low']:+.3f} to {ahead['high']:+.3f})"
        rows.append(
            (name, f"{arm['recall']:.3f}", f"{low:.3f}–{high:.3f}", difference, f"{arm['precision']:.3f}",
             f"{arm['iou']:.3f}", f"{arm['p_omega']:.3f}", f"{arm['mean_tokens']:.0f}")
        )  # fmt: skip
    head = ("", "recall", "95 %", "docalign ahead", "precision", "IoU", "PΩ", "tokens a chunk")
    return (
        "<h2>Retrieval at an equal budget</h2>"
        + _note(
            f"{part['questions']} questions on {part['documents']} documents ({report['data']['questions']['about']}), "
            f"all chunks in one index, MiniLM, {part['budget_tokens']} retrieved tokens a question, in characters by "
            "true offsets. PΩ is the precision there would be at perfect recall; it loves small chunks."
        )
        + _bars(report, part["arms"], "recall", "Recall at equal budget")
        + _table(report, head, rows)
    )


_PROMISES: Final = (
    ("over_limit", "over limit", "chunks"),
    ("orphaned", "headings orphaned", "headings"),
    ("tables_cut", "tables cut", "tables"),
    ("lost", "characters lost", "characters"),
    ("altered", "altered", "chunks"),
    ("wrong_offsets", "offsets wrong", "offsets_stated"),
)


def _guarantees(report: Report) -> str:
    found = report["guarantees"]
    head = ("", "chunks", *(title for _, title, _ in _PROMISES), "failures")
    parts = [
        "<h2>Promises</h2>",
        _note(
            "Chunks over the limit; headings left at the end of a chunk although there was room for what follows; "
            "tables cut that would have fitted; characters (not white space) no chunk holds; chunks that are no "
            "stretch of the document; stated offsets that do not give the chunk (none: states none)."
        ),
    ]
    if found["gold"]:
        rows = [(name, *_promise_cells(kept)) for name, kept in found["gold"].items()]
        parts += ["<h3>On all gold windows</h3>", _table(report, head, rows)]
    rows = [(name, *_promise_cells(f["total"])) for name, f in found["nasty"].items()]
    parts += ["<h3>On documents made to hurt, limit 60</h3>", _table(report, head, rows)]
    broke = [
        (name, "; ".join(f"{document}: {what}" for document, what in f["broke"].items()) or "nothing")
        for name, f in found["nasty"].items()
    ]
    parts.append(_table(report, ("", "what broke"), broke, words=True))
    return "\n".join(parts)


def _promise_cells(kept: Mapping[str, int]) -> Iterable[str]:
    yield f"{kept['chunks']:,}"
    for key, _, whole in _PROMISES:
        if key == "wrong_offsets" and not kept["offsets_stated"]:
            yield "none"
        else:
            share = f" ({kept[key] / kept[whole]:.1%})" if kept[key] and kept[whole] else ""
            yield f"{kept[key]:,}{share}"
    yield str(kept["failures"] or "")


def _cost(report: Report) -> str:
    part = report["cost"]
    rows, speed = [], {}
    for name, arm in part["arms"].items():
        if "error" in arm:
            rows.append((name, arm["error"], *[""] * 5))
            continue
        longest = arm["lengths"][-1]
        speed[name] = [(r["pages"], max(r["cpu_s"], 1e-4)) for r in arm["lengths"]]
        share = longest.get("llm_share")
        rows.append(
            (name, f"{longest['pages']:,}", f"{longest['pages_per_cpu_s']:,}",
             f"{longest['peak_mib']:,} ({arm['base_mib']:,} before)", f"{arm['startup_s']:.1f}",
             "–" if arm["growth"] is None else f"{arm['growth']:.2f}", "" if share is None else f"{share:.0%}")
        )  # fmt: skip
    head = ("", "longest, pages", "pages per CPU-s", "peak MiB", "start-up, s", "growth", "LLM share")
    read = part.get("ingestion", {})
    ingested = ", ".join(f"{name} {speed} pages/s" for name, speed in read.items())
    return (
        "<h2>Cost</h2>"
        + _note(
            "Generated documents of 1 to 1,000 pages (about 400 words each), each chunker in a process of its own; "
            "chunking alone, by CPU time. Growth is the exponent of time over pages from 10 pages on: 1 is linear. A "
            "length that would have taken too long was not begun. Start-up is imports, model and the first page. "
            f"Reading comes before any chunker: {ingested}."
        )
        + lines(speed, label="CPU seconds by pages", x_label="pages", y_label="CPU seconds", first=OURS, log=True)
        + _table(report, head, rows)
    )


def _peers(report: Report) -> str:
    rows = []
    for name, peer in report["peers"].items():
        package = f"{peer['package']} {peer['version'] or ''}".strip() if peer["package"] else "here"
        state = "ran" if peer["ran"] else f"not run: {peer['reason']}"
        size = f", given the {peer['size']}" if peer.get("size") else ""
        rows.append((name, package, f"sees {peer['sees']}; {peer['about']}{size}. {state}"))
    return f"<h2>Who took part</h2>{_table(report, ('', 'package', ''), rows, words=True)}"


_SECTIONS: Final = {
    "boundaries": _boundaries,
    "curve": _curve,
    "retrieval": _retrieval,
    "guarantees": _guarantees,
    "cost": _cost,
}


def _sorted(arms: Mapping[str, Mapping[str, Any]], key: str) -> list[tuple[str, Mapping[str, Any]]]:
    return sorted(arms.items(), key=lambda item: -item[1][key])


def _bars(report: Report, arms: Mapping[str, Mapping[str, Any]], key: str, label: str) -> str:
    rows = [
        Bar(
            name,
            value=arm[key],
            low=arm[f"{key}_interval"][0],
            high=arm[f"{key}_interval"][1],
            ours=name == OURS,
            arm=report["peers"][name]["ours"],
        )
        for name, arm in _sorted(arms, key)
    ]
    return bars(rows, label=label)


def _table(report: Report, head: Sequence[str], rows: Iterable[Sequence[str]], *, words: bool = False) -> str:
    top = "".join(
        f"<th{' class=words' if words and i == len(head) - 1 else ''}>{escape(name)}</th>"
        for i, name in enumerate(head)
    )
    body = []
    for row in rows:
        name = row[0].partition(" (")[0]
        kind = "ours" if name == OURS else "arm" if report["peers"].get(name, {}).get("ours") else ""
        last = len(row) - 1
        cells = "".join(
            f"<td{' class=words' if words and i == last else ''}>{escape(cell)}</td>" for i, cell in enumerate(row)
        )
        body.append(f'<tr class="{kind}">{cells}</tr>')
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'
