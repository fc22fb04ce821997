"""The report on alignment as one HTML page: what changed, what raised an alarm, whether the solver alone does as well.

It shows the object of `compare` and computes nothing. Sections are functions from that object to HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Final

from docalign.evaluate.alignment.plots import curve, differences, dots, heat_map, legend
from docalign.evaluate.alignment.sides import side_by_side
from docalign.evaluate.html import html_page, table

__all__ = ["alignment_html"]

Report = Mapping[str, Any]

JUDGES: Final = {
    "human": "people",
    "simulated": "a simulated taste (no person judged)",
    "rule": "rule rewards",
    "judge": "a language model as judge",
    "retrieval": "retrieval",
}
_STYLE: Final = """
:root{--p0:#6b7580;--p1:#2f6fbb;--p2:#c8662b;--p3:#2e8b57;--p4:#7a4fb0;--p5:#1a8a8f;--p6:#b83b7a;
--up:#2f6fbb;--down:#c8662b;--alarm:#fdecea;--fine:#e9f6ee;--start:#dce9f8}
@media(prefers-color-scheme:dark){
:root{--p0:#98a3ae;--p1:#6aa5e8;--p2:#e8935a;--p3:#5fbf8a;--p4:#b08ae0;--p5:#4fc0c5;--p6:#e57fb0;
--up:#6aa5e8;--down:#e8935a;--alarm:#43211d;--fine:#18352a;--start:#22384f}
}
svg.whole{max-width:none}svg.plot{min-width:21rem}svg text{font-size:12px}svg text.in{fill:var(--ink);font-size:10px}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem}.legend i{display:inline-block;width:.8rem;height:.8rem;
border-radius:.2rem;margin-right:.4rem;vertical-align:-.1rem}
.alarm,.fine{border-radius:.5rem;padding:.6rem .9rem;margin:.6rem 0}.alarm{background:var(--alarm)}
.fine{background:var(--fine)}.alarm ul{margin:.3rem 0;padding-left:1.2rem}
figure{display:inline-block;margin:0 1rem 1rem 0;max-width:100%}figcaption{color:var(--soft)}
.sides td,.sides th{white-space:normal;text-align:left;vertical-align:top}.sides td.words{min-width:16rem}
.sides td.cut{background:var(--start);text-align:center;white-space:nowrap;border-top:2px solid var(--bar)}
.sides td.on{text-align:center;color:var(--soft)}.sides tr.differs td.words{font-weight:600}
.better{color:var(--p3);font-weight:600}.worse{color:var(--p2);font-weight:600}
table{margin:.8rem 0}@media(max-width:40rem){td:first-child{white-space:normal}}
.tempting td:first-child{white-space:normal;min-width:14rem}
.wrap td:last-child{white-space:normal;text-align:left;min-width:18rem}
details{margin:.6rem 0}summary{cursor:pointer}
"""


_CURVES: Final = {
    "gold_f1": "Gold F1 (run time)",
    "sample_f1": "F1 of raw samples",
    "reward": "The run's own reward",
}


def alignment_html(report: Report, *, title: str) -> str:
    """The page for the object of `compare`."""
    parts = [
        f"<h1>{escape(title)}</h1>",
        _intro(report),
        _in_short(report),
        _alarms(report),
        _changes(report),
        _ablation(report),
        _gold(report),
        _preferences(report),
        _distance(report),
        _curves(report),
        _loopholes(report),
        _adversaries(report),
        _correlations(report),
        side_by_side(report["disagreements"]),
    ]
    return html_page(title, [part for part in parts if part], style=_STYLE)


def _aligned(report: Report) -> list[tuple[int, Mapping[str, Any]]]:
    return list(enumerate(report["policies"]))[1:]


def _intro(report: Report) -> str:
    data = report["data"]
    judged = ", ".join(f"{n} by {JUDGES[s]}" for s, n in data["preferences"].items()) or "none"
    rows = []
    for policy in report["policies"]:
        taught = ", ".join(f"{n} by {JUDGES.get(s, s)}" for s, n in (policy["taught"] or {}).items())
        origin = {True: "yes", False: "another policy", None: "not known"}[policy["from_baseline"]]
        kept = "" if policy["steps"] is None else f"{policy['best_step']} of {policy['steps']}"
        rows.append([escape(policy["name"]), policy["method"] or "", origin, kept, taught])
    rows[0][2] = ""
    return (
        f'<p class="note">{data["windows"]:,} held-out windows of {data["blocks"]:,} blocks, {data["samples"]} raw '
        f"samples each; {data['gold']:,} gold documents and {data['ood']:,} of other domains, chunked as at run time; "
        f"held-out preference lines: {judged}; rankings by people among them: {data['human_rankings']}. Differences "
        "are aligned minus baseline on the same items, with 95 % paired bootstrap intervals.</p>"
        + table(("policy", "method", "begun with the baseline", "step kept", "preference lines it learnt from"), rows)
    )


def _in_short(report: Report) -> str:
    """The answers most readers come for, a sentence each."""
    items = []
    for _, policy in _aligned(report):
        against = policy["against"]
        solver = against["solver_ablation"]["aligned solver against baseline solver"]
        alone = against["solver_ablation"]["aligned greedy against baseline solver"]
        said = [f"raw samples: reward {_verdict(against['modes']['samples']['reward'])}"]
        said += [
            f"{name} {_verdict(against[key]['boundary_f1'])}"
            for key, name in (("gold", "gold F1"), ("ood", "F1 on other domains"))
            if against[key]
        ]
        said.append(f"against the baseline with the solver: reward {_verdict(solver['reward'])} with the solver too, "
                    f"{_verdict(alone['reward'])} without")  # fmt: skip
        items.append(f"<li><b>{escape(policy['name'])}</b>: {'; '.join(said)}.</li>")
    return f"<h2>In short</h2><ul>{''.join(items)}</ul>"


def _verdict(change: Mapping[str, float]) -> str:
    """Better, worse, or no difference shown: what the interval allows to say of a score where more is better."""
    if change["low"] > 0:
        return f'<span class="better">better by {change["difference"]:.3f}</span>'
    if change["high"] < 0:
        return f'<span class="worse">worse by {-change["difference"]:.3f}</span>'
    return f"no difference shown ({_range(change)})"


def _alarms(report: Report) -> str:
    boxes = []
    for _, policy in _aligned(report):
        name, alarms = escape(policy["name"]), policy["alarms"]
        if not alarms:
            boxes.append(f'<div class="fine">{name}: no alarm.</div>')
            continue
        items = "".join(f"<li><b>{escape(a['name'])}</b> ({_place(a)}): {escape(a['what'])}</li>" for a in alarms)
        boxes.append(f'<div class="alarm">{name}: {len(alarms)} alarms<ul>{items}</ul></div>')
    return "<h2>Alarms</h2>" + "".join(boxes)


def _place(alarm: Mapping[str, Any]) -> str:
    return "in this report" if alarm.get("step") is None else f"in its run, step {alarm['step']}"


def _changes(report: Report) -> str:
    """Reward by part, raw samples, before and after."""
    aligned = _aligned(report)
    first = aligned[0][1]["against"]["modes"]["samples"]
    names = ["reward", *first["parts"]]

    def change(policy: Mapping[str, Any], name: str) -> Mapping[str, float]:
        samples = policy["against"]["modes"]["samples"]
        found: Mapping[str, float] = samples["reward"] if name == "reward" else samples["parts"][name]
        return found

    plot = differences(
        {name: [(i, change(p, name)) for i, p in aligned] for name in names}, "Change of each part of the reward"
    )
    rows = [
        [
            escape(name),
            f"{report['data']['weights'][name]:g}" if name in report["data"]["weights"] else "",
            f"{change(aligned[0][1], name)['before']:.3f}",
            *(_changed(change(p, name)) for _, p in aligned),
        ]
        for name in names
    ]
    return (
        "<h2>Reward by part, raw samples</h2>"
        '<p class="note">What the policy itself has learnt, before the solver: the composite first, then its parts. '
        "Parts judge only the windows that hold something of theirs.</p>"
        + legend([(i, p["name"]) for i, p in aligned])
        + plot
        + table(("part", "weight", "before", *(escape(p["name"]) for _, p in aligned)), rows)
    )


def _ablation(report: Report) -> str:
    """Does alignment beat the baseline with the solver?"""
    policies = list(enumerate(report["policies"]))
    plots = ""
    for key, name in (("boundary_f1", "Boundary F1 against gold"), ("reward", "Composite reward")):
        values = {
            p["name"]: [(i, "open", p["modes"]["greedy"][key]), (i, "full", p["modes"]["solver"][key])]
            for i, p in policies
        }
        lowest = max(0.0, int(10 * min(v for row in values.values() for _, _, v in row)) / 10 - 0.1)
        plots += f"<h3>{name}</h3>" + dots(values, f"{name}, raw and with the solver", lowest=lowest)
    rows = []
    for _, policy in policies:
        for mode, spoken in (("greedy", "raw"), ("solver", "with the solver")):
            facts = policy["modes"][mode]
            broken = facts["broken"]
            rows.append(
                [f"{escape(policy['name'])}, {spoken}", f"{facts['boundary_f1']:.3f}", f"{facts['pk']:.3f}",
                 f"{facts['reward']:.3f}",
                 *(f"{broken[n]:,.0f}" for n in ("chunks", "over_limit", "outside_band", "orphan_headings"))]
            )  # fmt: skip
    asked = [
        [f"{escape(policy['name'])}: {escape(what)}", _changed(change["boundary_f1"]), _changed(change["reward"])]
        for _, policy in _aligned(report)
        for what, change in policy["against"]["solver_ablation"].items()
    ]
    return (
        "<h2>Solver ablation: does alignment beat the baseline with the solver?</h2>"
        '<p class="note">Each policy on the same windows: its most probable chunking (raw, open circles), and what '
        "comes out at run time with the solver, which keeps the limit and the headings (full circles).</p>"
        + plots
        + table(
            ("policy", "F1", "Pk", "reward", "chunks", "over the limit", "outside the band", "orphan headings"), rows
        )
        + table(("compared", "F1", "reward"), asked)
    )


def _gold(report: Report) -> str:
    aligned = _aligned(report)
    rows: dict[str, list[tuple[int, Mapping[str, float]]]] = {}
    for key, name in (("gold", "gold"), ("ood", "other domains")):
        for metric, spoken in (("boundary_f1", "F1"), ("pk", "Pk")):
            marks = [(i, p["against"][key][metric]) for i, p in aligned if p["against"][key]]
            if marks:
                rows[f"{name}, {spoken}"] = marks
    if not rows:
        return ""
    cells = []
    for policy in report["policies"]:
        line = [escape(policy["name"])]
        for key in ("gold", "ood"):
            found = policy[key]
            line += ["–", "–"] if found is None else [_with_interval(found, "boundary_f1"), f"{found['pk']:.3f}"]
        gap = policy["gap"]
        change = policy.get("against", {}).get("gap")
        line.append("–" if gap is None else f"{gap:+.3f}" + (f" ({_range(change)})" if change else ""))
        kept = policy["gold"] or {}
        line.append(f"{sum(kept.get(n, 0) for n in ('over_limit', 'orphan_headings', 'lost_characters'))}")
        cells.append(line)
    return (
        "<h2>Forgetting: gold and other domains, as at run time</h2>"
        '<p class="note">Lower Pk is better. The gap is F1 on gold less F1 on other domains; in brackets how it '
        "changed.</p>"
        + legend([(i, p["name"]) for i, p in aligned])
        + differences(rows, "Change of F1 and Pk")
        + table(("policy", "gold F1", "Pk", "other domains F1", "Pk", "gap", "promises broken"), cells)
    )


def _preferences(report: Report) -> str:
    sources = list(report["data"]["preferences"])
    if not sources:
        return ""
    rows = []
    for policy in report["policies"]:
        changes = policy.get("against", {}).get("preferences", {})
        rows.append([escape(policy["name"]), *(_win_rate(policy["preferences"][s], changes.get(s)) for s in sources)])
    heads = [f"{s}: {report['data']['preferences'][s]} lines by {JUDGES[s]}" for s in sources]
    return (
        "<h2>Win rate on held-out preferences</h2>"
        '<p class="note">The share of pairs whose better chunking the policy finds more probable, by who judged; kinds '
        "of judges are never pooled.</p>" + table(("policy", *heads), rows)
    )


def _win_rate(found: Mapping[str, Any], change: Mapping[str, float] | None) -> str:
    low, high = found["interval"]
    text = f"{found['win_rate']:.3f} ({low:.3f}–{high:.3f})"
    return text + (f"; {change['difference']:+.3f} ({_range(change)})" if change else "")


def _distance(report: Report) -> str:
    rows = [
        [
            escape(p["name"]),
            f"{p['kl_per_block']:.4f}",
            f"{p['entropy_per_block']:.4f}",
            f"{p['distance']:.4f}",
            f"{p['distinct']:.2f} of {report['data']['samples']}",
        ]
        for p in report["policies"]
    ]
    return (
        "<h2>Distance and diversity</h2>"
        '<p class="note">KL to the baseline and entropy are exact, in nats per block of the raw distribution. Distance '
        "is the mean share of blocks at which two samples of a window differ; distinct, how many of its samples (at "
        "temperature 1) are different chunkings.</p>"
        + table(("policy", "KL", "entropy", "boundary distance", "distinct"), rows)
    )


def _curves(report: Report) -> str:
    plots = []
    for key, name in _CURVES.items():
        lines = [
            (i, p["name"], [(look["sqrt_kl"], look[key]) for look in p["looks"] if key in look and "sqrt_kl" in look])
            for i, p in enumerate(report["policies"])
        ]
        lines = [line for line in lines if len(line[2]) > 1]
        if lines:
            plots.append(curve(lines, "√KL per block from the start", name))
    if not plots:
        return ""
    named = [(i, p["name"]) for i, p in _aligned(report) if len(p["looks"]) > 1]
    return (
        "<h2>Over-optimisation: gold against √KL over checkpoints</h2>"
        '<p class="note">One point for each look of the run, on the run\'s own development data. A reward that goes on '
        "rising where gold falls is being optimised beyond what it stands for.</p>"
        + legend(named)
        + "".join(plots)
    )  # fmt: skip


def _loopholes(report: Report) -> str:
    rows = []
    for found in report["loopholes"]:
        fires = found["fires_at"]
        rows.append(
            [
                f"{escape(found['name'])}, {found['on']}",
                "yes" if found["pays_off"] else "no",
                "never" if fires is None else f"{fires:.0%}",
                "–" if found["f1_lost"] is None else f"{found['f1_lost']:+.3f}",
                "<br>".join(escape(a) for a in found["alarms"]),
            ]
        )
    return (
        "<h2>Planted loopholes: would the alarms fire?</h2>"
        '<p class="note">Nothing is trained here: raw samples of the baseline, and packed chunkings of the adversarial '
        "documents, are spoilt the way each loophole invites, and the alarms are asked as in a run that is paid by it. "
        "Given is the share of temptations given in to at which one fires, and the F1 lost by then. Where giving in "
        'does not pay off, the data leaves the loophole nothing to gain.</p><div class="wrap">'
        + table(("loophole", "pays off", "fires at", "F1 lost", "alarms"), rows)
        + "</div>"
    )


def _adversaries(report: Report) -> str:
    policies = report["policies"]
    rows = []
    for number, first in enumerate(policies[0]["adversaries"]):
        cells = [f"<b>{escape(first['name'])}</b>: {escape(first['tempts'])}"]
        for policy in policies:
            found = policy["adversaries"][number]
            raw = f"{found['greedy']['reward']:.2f}" if found["greedy"] else "–"
            broken = found["promises_broken"]
            cells.append(
                f"{raw} → {found['solver']['reward']:.2f}"
                + (f', <span class="bad">{broken} broken</span>' if broken else "")
            )
        rows.append(cells)
    return (
        "<h2>Adversarial documents</h2>"
        '<p class="note">Written to tempt; the composite reward of the raw chunking → with the solver, and promises '
        'broken at run time, if any.</p><div class="tempting">'
        + table(("document", *(escape(p["name"]) for p in policies)), rows)
        + "</div>"
    )


def _correlations(report: Report) -> str:
    maps: list[str] = []
    for policy in report["policies"]:
        found = policy["correlations"]
        if not found["parts"]:
            continue
        plot = heat_map(found["parts"], found["matrix"], f"Correlations of reward parts, {policy['name']}")
        opened = " open" if not maps else ""
        maps.append(f"<details{opened}><summary>{escape(policy['name'])}</summary>{plot}</details>")
    return (
        "<h2>How parts of the reward go together</h2>"
        '<p class="note">Correlations over raw samples of a window, the window\'s mean taken out. Parts that go '
        "against each other (orange) are where the weights decide.</p>" + "".join(maps)
    )


def _with_interval(found: Mapping[str, Any], metric: str) -> str:
    low, high = found["intervals"][metric]
    return f"{found[metric]:.3f} ({low:.3f}–{high:.3f})"


def _changed(change: Mapping[str, float]) -> str:
    """A difference and its interval; coloured where the interval leaves 0 out."""
    kind = "better" if change["low"] > 0 else "worse" if change["high"] < 0 else ""
    return f'<span class="{kind}">{change["difference"]:+.3f}</span> ({_range(change)})'


def _range(change: Mapping[str, float]) -> str:
    return f"{change['low']:+.3f} to {change['high']:+.3f}"
