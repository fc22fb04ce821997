"""Zero-shot transfer: what a domain loses when the training never saw it.

Four groups of sources (law, health, technical, textbook). The default form is trained once on all of them and once
without each, at the same token budget; the group left out is then chunked by both. The loss is reported by group, with
a paired bootstrap over its documents.

    DOCALIGN_DATA=… python -m benchmarks.train.transfer --tokens 200000 --work runs/transfer --out transfer.json

Killed, it goes on when it is run again. `--gold` and `--dev` take gold files; the sources of their lines say the group.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.train.screen import DEFAULT, dev_lines, run_arm, summary
from docalign import models
from docalign.train.devset import data_directory
from docalign.train.gold import GoldLine, read_gold
from docalign.train.mixture import documents_by_source, draw_lines

GROUPS: Final[Mapping[str, frozenset[str]]] = {
    "law": frozenset({"dc_code", "uslm", "cfpb", "github_site_policy"}),
    "health": frozenset({"medquad"}),
    "technical": frozenset({"peps"}),
    "textbook": frozenset({"openstax"}),
}


def drawn(arguments: argparse.Namespace, without: frozenset[str]) -> list[GoldLine]:
    """Training lines of the four groups, less the sources that are left out: as many for every arm."""
    sources = frozenset().union(*GROUPS.values()) - without
    if arguments.gold:
        lines: Iterable[GoldLine] = (line for path in arguments.gold for line in read_gold(path))
        return [line for line in lines if line.source in sources]
    documents = documents_by_source(data_directory() / "corpora" / "train")
    kept = {name: found for name, found in documents.items() if name in sources}
    return list(draw_lines(kept, max(8, arguments.tokens // 700), seed=arguments.seed))


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=200_000, help="prompt tokens each arm is trained on")
    parser.add_argument("--rate", type=float, default=7e-5)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--base", default=None)
    parser.add_argument("--most-layers", type=int, default=None)
    parser.add_argument("--groups", nargs="*", default=list(GROUPS), choices=list(GROUPS))
    parser.add_argument("--gold", nargs="*")
    parser.add_argument("--dev", nargs="*")
    parser.add_argument("--dev-lines", type=int, default=60, help="development lines of each condition, all sources")
    parser.add_argument("--work", type=Path, default=Path("runs/transfer"))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args(given)
    arguments.base = str(models.pull(arguments.base or models.BASE))
    root, dev = arguments.work, dev_lines(arguments)
    report: dict[str, Any] = {"tokens": arguments.tokens, "seed": arguments.seed}
    for group in arguments.groups:
        lines = [line for line in dev if line.source in GROUPS[group]]
        arguments.work = root / "all"
        inside = run_arm(DEFAULT, drawn(arguments, frozenset()), dev, arguments)
        arguments.work = root / f"without-{group}"
        outside = run_arm(DEFAULT, drawn(arguments, GROUPS[group]), dev, arguments)
        ids = {line.id for line in lines}
        pair = [[s for s in scores if s.id in ids] for scores in (outside, inside)]
        if not lines:
            report[group] = {"documents": 0}
            continue
        report[group] = summary(DEFAULT, *pair, arguments.work / DEFAULT.name) | {
            "in_domain_f1": summary(DEFAULT, pair[1], pair[1], root / "all" / DEFAULT.name)["f1"]
        }
        print(group, json.dumps(report[group]), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
