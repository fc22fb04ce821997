"""`docalign rank`: its arguments; what it does is in `commands/rank.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from docalign.commands.flags import ReadFlags, given, takes

__all__ = ["rank"]


@takes(reading=ReadFlags)
def rank(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE...", help="Files or directories to judge; none: what the store holds already."),
    ] = None,
    *,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="FILE|URL",
            help="Where judgements are kept: a file, or postgresql://… [default: [feedback] store, else "
            "[serve] database, else docalign-rankings.db]",
        ),
    ] = None,
    annotator: Annotated[
        str | None, typer.Option("--annotator", metavar="NAME", help="Who judges. [default: the page asks]")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="PATH", help="A model folder or name. [default: the shipped model]")
    ] = None,
    previous_model: Annotated[
        str | None, typer.Option("--previous-model", metavar="PATH", help="An older model to compare with.")
    ] = None,
    reward_model: Annotated[
        Path | None,
        typer.Option("--reward-model", metavar="DIR", help="Ask what this model of preferences is least sure of."),
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", metavar="N", help="No chunk has more tokens. [default: 512]")
    ] = None,
    target_tokens: Annotated[
        int | None,
        typer.Option("--target-tokens", metavar="N", help="The size chunks lean towards. [default: 0.7 × the maximum]"),
    ] = None,
    candidates: Annotated[
        int, typer.Option("--candidates", metavar="N", help="How many chunkings are compared at once, 2 to 4.")
    ] = 2,
    overlap: Annotated[
        int | None, typer.Option("--overlap", metavar="N", help="How many annotators judge each task. [default: 1]")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seeds candidates, pairs and orders.")] = 0,
    host: Annotated[
        str,
        typer.Option("--host", metavar="NAME", help="Where to listen; beyond this machine the page asks for a token."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="N", help="0: any that is free.")] = 8570,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
    prepare_only: Annotated[
        bool,
        typer.Option("--prepare-only", help="Only put tasks into the store, for the page of `docalign serve`."),
    ] = False,
    reading: ReadFlags,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="The docalign.toml to read instead of the nearest one upward."),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress bar and no notes; errors are still printed.")
    ] = False,
) -> None:
    """Judge chunkings on a local page (needs the extra `rank`).

    Shows different chunkings of one or two pages side by side, blind and in random order, and keeps what you say of
    them: a ranking, a tie, all bad, or a correction.
    """
    from docalign.commands.rank import Options, run_rank
    from docalign.config import load_settings

    chosen = Options(
        annotator=annotator, previous_model=previous_model, reward_model=reward_model, candidates=candidates,
        seed=seed, host=host, port=port, browser=browser, prepare_only=prepare_only,
    )  # fmt: skip
    sizes = {"max_tokens": max_tokens, "target_tokens": target_tokens}
    kept = {"store": store, "overlap": overlap}
    sections = {"chunk": sizes, "ingest": given(reading), "model": {"path": model}, "feedback": kept}
    settings = load_settings(flags=sections, config=config)
    run_rank(files or [], options=chosen, settings=settings, quiet=quiet)
