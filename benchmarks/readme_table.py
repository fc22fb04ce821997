"""Write the README's comparison from the committed run of `docalign bench`, between its two marks.

    python benchmarks/readme_table.py [--check] [--json benchmarks/card/bench.json] [--readme README.md]

Nothing in that part of the README is typed; `--check` only says whether it is what the JSON gives (exit code 1: not).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
BEGIN: Final = "<!-- from benchmarks/card/bench.json, by benchmarks/readme_table.py -->"
NOTHING: Final = "No run is committed yet; `make bench-card` makes one, with `DOCALIGN_DATA`."
END: Final = "<!-- end of that part -->"
OURS: Final = "docalign"
QUICK: Final = "**So few windows say that everything works, not who is better.**"
BROKEN: Final = ("over_limit", "orphaned", "lost", "altered", "wrong_offsets", "failures")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; say whether the README is up to date")
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks" / "card" / "bench.json")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    arguments = parser.parse_args()
    text = arguments.readme.read_text("utf-8")
    made = replaced(text, json.loads(arguments.json.read_text("utf-8")) if arguments.json.is_file() else None)
    if arguments.check:
        print("up to date" if made == text else "the README is not what the JSON gives: run this without --check")
        return int(made != text)
    arguments.readme.write_text(made, "utf-8")
    return 0


def replaced(readme: str, report: Mapping[str, Any] | None) -> str:
    """The README with the part between the marks made anew; None: no run is committed."""
    before, rest = readme.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return f"{before}{BEGIN}\n{part(report) if report else NOTHING}\n{END}{after}"


def part(report: Mapping[str, Any]) -> str:
    machine = report["machine"]
    busy = ", other work beside" if machine["load_1min"] > machine["cores"] else ""
    windows = ", ".join(f"{name} {c['windows']}" for name, c in report["data"]["conditions"].items())
    intro = (
        f"Measured on {report['data']['origin']} with model `{report['model']}`, profile {report['profile']}, seed "
        f"{report['seed']} ({machine['cores']} cores of {machine['cpu']}{busy}; windows: {windows}); more in "
        "[its card](benchmarks/card/index.html)."
    )
    few = "" if report["profile"] == "full" else f" {QUICK}"
    return "\n".join([intro + few, "", *table(report), "", *(f"- {said(v)}" for v in report["verdicts"])])


def said(verdict: Mapping[str, Any]) -> str:
    mark = {True: "holds: ", False: "**does not hold:** ", None: ""}[verdict["holds"]]
    return mark + verdict["says"]


def table(report: Mapping[str, Any]) -> Iterator[str]:
    yield "| Chunker | F1 digital | F1 OCR | F1 headless | recall | IoU | promises broken | pages per CPU-s |"
    yield "|---|---|---|---|---|---|---|---|"
    names = [n for n, p in report["peers"].items() if p["ran"] and (not p["ours"] or n == OURS)]
    for name in names:
        cells = [
            *(
                score(report.get("boundaries", {}).get(c, {}), name, "boundary_f1")
                for c in ("digital", "ocr", "headless")
            ),
            *(score(report.get("retrieval", {}), name, key) for key in ("recall", "iou")),
            broken(report, name),
            speed(report, name),
        ]
        yield f"| {f'**{name}**' if name == OURS else name} | {' | '.join(cells)} |"
    for name, peer in report["peers"].items():
        if not peer["ran"]:
            yield f"| {name} | not run: {peer['reason']} |" + " |" * 6


def score(section: Mapping[str, Any], name: str, key: str) -> str:
    arm = section.get("arms", {}).get(name)
    if arm is None:
        return "–"
    few = f" ({arm['windows']} windows)" if arm.get("windows", section.get("windows")) != section.get("windows") else ""
    return f"{arm[key]:.3f}{few}"


def broken(report: Mapping[str, Any], name: str) -> str:
    found = report.get("guarantees", {})
    totals = [found.get("gold", {}).get(name), found.get("nasty", {}).get(name, {}).get("total")]
    if not any(totals):
        return "–"
    counts = {key: sum(t[key] for t in totals if t) for key in BROKEN}
    names = {"over_limit": "over limit", "orphaned": "orphans", "wrong_offsets": "wrong offsets"}
    return ", ".join(f"{n:,} {names.get(key, key)}" for key, n in counts.items() if n) or "0"


def speed(report: Mapping[str, Any], name: str) -> str:
    lengths = report.get("cost", {}).get("arms", {}).get(name, {}).get("lengths")
    return f"{lengths[-1]['pages_per_cpu_s']:,.0f}" if lengths else "–"


if __name__ == "__main__":
    sys.exit(main())
