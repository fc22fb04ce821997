"""`docalign bench`: its arguments; what it does is in `commands/bench.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["bench"]


def bench(
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="DIR", help="Where index.html and bench.json go.")
    ] = "report",
    quick: Annotated[bool, typer.Option("--quick", help="A few windows of everything: minutes, not an hour.")] = False,
    peer: Annotated[
        list[str] | None, typer.Option("--peer", metavar="NAME", help="Measure this peer only; repeat for more.")
    ] = None,
    section: Annotated[
        list[str] | None,
        typer.Option("--section", metavar="boundaries|curve|retrieval|guarantees|cost", help="This one only."),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option("--policy", metavar="NAME=DIR", help="A trained policy as one more arm (extra `train`)."),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option("--base", metavar="DIR", help="A base LLM for the (slow) generative arm; see `models pull`."),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="PATH", help="A model folder or name. [default: the shipped model]")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Draws the windows.")] = 0,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="The docalign.toml to read instead of the nearest one upward."),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no notes; errors are still printed.")
    ] = False,
) -> None:
    """Measure docalign beside other chunkers and write a report card (extra `bench`).

    Boundaries against gold, retrieval at an equal budget, promises, cost, and docalign with each part taken away, in
    one run, offline. It measures on DOCALIGN_DATA where that is set, else on what the repository holds. A peer that
    cannot run here is listed with the reason.
    """
    from docalign.commands.bench import run_bench_command
    from docalign.config import load_settings

    run_bench_command(
        out,
        quick=quick,
        peers=peer or [],
        sections=section or [],
        policies=policy or [],
        base=base,
        seed=seed,
        settings=load_settings(flags={"model": {"path": model}}, config=config),
        quiet=quiet,
    )
