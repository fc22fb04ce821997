"""`docalign bench`: a run in, a report card and its JSON out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docalign.commands.messages import note
from docalign.errors import OutputError, UsageError
from docalign.output.jsonout import dump

if TYPE_CHECKING:
    from docalign.config import Settings

__all__ = ["parse_policies", "run_bench_command"]


def parse_policies(given: Sequence[str]) -> dict[str, Path]:
    """`NAME=DIR` of each.

    Raises:
        UsageError: one is not of this form, or there is no policy in the folder.
    """
    found = {}
    for text in given:
        name, _, folder = text.partition("=")
        if not name or not (Path(folder) / "docalign.json").is_file():
            raise UsageError(
                f"{text!r} names no policy.",
                remedy="Write NAME=DIR with the folder DIR/policy of a training, such as 'SFT+DPO=runs/dpo/policy'.",
            )
        found[name] = Path(folder)
    return found


def run_bench_command(
    out: str,
    *,
    quick: bool,
    peers: Sequence[str],
    sections: Sequence[str],
    policies: Sequence[str],
    base: str | None,
    seed: int,
    settings: Settings,
    quiet: bool,
) -> None:
    """Measure, then write `bench.json` and `index.html` into the folder `out`.

    Raises:
        UsageError: no such peer, section or policy. OutputError: the folder cannot be written.
        DocalignError: docalign's own model, or anything to measure on, is missing.
    """
    from docalign.bench.ask import Setup
    from docalign.bench.page import page
    from docalign.bench.run import SECTIONS, Order, not_run, run_bench
    from docalign.output.atomic import write_atomic

    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder cannot be made ({error.strerror}).", source=out) from error
    order = Order(tuple(peers) or None, tuple(sections) or SECTIONS, quick=quick, seed=seed)
    setup = Setup(settings.model.path, parse_policies(policies), None if base is None else Path(base))

    def keep(report: dict[str, Any]) -> None:
        write_atomic(folder / "bench.json", dump(report, indent=2) + b"\n")
        write_atomic(folder / "index.html", page(report).encode("utf-8", "replace"))

    report = run_bench(order, setup, say=(lambda _: None) if quiet else note, keep=keep)
    if not quiet:
        for name, why in not_run(report):
            note(f"not run: {name}: {why}")
        for verdict in report["verdicts"]:
            note(verdict["says"])
        note(f"wrote {folder / 'index.html'} and {folder / 'bench.json'}")
