"""`docalign eval`: its arguments; what it does is in `commands/evaluate.py` and `commands/alignment.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from docalign.errors import UsageError

__all__ = ["evaluate"]

Many = list[str] | None


def evaluate(
    gold: Annotated[list[str], typer.Argument(metavar="GOLD...", help="Files of docalign.gold/1 lines (.jsonl, .xz).")],
    chunker: Annotated[
        str, typer.Option("--chunker", metavar="NAME", help="docalign, or the name of a rule baseline.")
    ] = "docalign",
    format: Annotated[  # noqa: A002 - the flag's name
        str | None,
        typer.Option("--format", "-f", metavar="text|json|html", help="[default: text; with --alignment html]"),
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="PATH", help="Where to write; '-' is standard output.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="PATH", help="A model folder or name. [default: the shipped model]")
    ] = None,
    alignment: Annotated[
        bool, typer.Option("--alignment", help="Report on what alignment did to a policy (needs the extra `train`).")
    ] = False,
    aligned: Annotated[
        Many,
        typer.Option("--aligned", metavar="[NAME=]RUN", help="A training run, a policy or a model; repeat it."),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", metavar="[NAME=]RUN", help="What they were before. [default: the shipped model]"),
    ] = None,
    ood: Annotated[Many, typer.Option("--ood", metavar="GOLD", help="Gold of other domains; repeat it.")] = None,
    held_out_prefs: Annotated[
        Many,
        typer.Option("--held-out-prefs", metavar="FILE", help="Preference lines nobody learnt from; repeat it."),
    ] = None,
    windows: Annotated[int, typer.Option("--windows", metavar="N", help="Gold lines whose windows are sampled.")] = 60,
    samples: Annotated[int, typer.Option("--samples", metavar="K", help="Raw samples of each window.")] = 8,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seeds the samples.")] = 7,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="The docalign.toml to read instead of the nearest one upward."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notes; errors are still printed.")] = False,
) -> None:
    """Measure a chunker on gold lines.

    Reports boundary scores, rule rewards, broken promises and speed, over all documents and by kind,
    domain, source, form and size, with intervals, and how well the boundary probabilities are calibrated.

    With --alignment, sets policies before and after alignment side by side: the reward by part, gold and other domains,
    held-out preferences by who judged, distance and diversity, alarms for reward hacking, adversarial documents, each
    policy raw and with the solver, and pages where they disagree. One HTML page; with --out PAGE.html the same numbers
    are in PAGE.json.
    """
    from docalign.config import load_settings

    settings = load_settings(flags={"model": {"path": model}}, config=config)
    if not alignment:
        if aligned or baseline or ood or held_out_prefs:
            raise UsageError("policies are compared by --alignment.", remedy="Add --alignment.")
        from docalign.commands.evaluate import run_eval

        run_eval(gold, chunker=chunker, format="text" if format is None else format, out=out, settings=settings)
        return
    from docalign.commands.alignment import AlignmentFiles, run_alignment

    run_alignment(
        AlignmentFiles(baseline, tuple(aligned or ()), tuple(gold), tuple(ood or ()), tuple(held_out_prefs or ())),
        windows=windows,
        samples=samples,
        seed=seed,
        format="html" if format is None else format,
        out=out,
        settings=settings,
        quiet=quiet,
    )
