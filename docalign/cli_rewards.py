"""`docalign score` and `docalign judge`: their arguments; what they do is in `commands/`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from docalign.commands.flags import SizeFlags, given, takes

__all__ = ["judge", "score"]

Out = Annotated[str | None, typer.Option("--out", "-o", metavar="PATH", help="Where to write; '-' is standard output.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The docalign.toml to read instead of the nearest one upward."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar and no notes; errors are still printed.")]


@takes(chunking=SizeFlags)
def score(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Chunks as docalign chunk writes them (.jsonl).")],
    *,
    document: Annotated[
        str | None,
        typer.Option("--document", metavar="DOC", help="The Document they were made of (json), or the file itself."),
    ] = None,
    format: Annotated[str, typer.Option("--format", "-f", metavar="text|json|html", help="What to write.")] = "text",  # noqa: A002
    out: Out = None,
    chunking: SizeFlags,
    config: Config = None,
) -> None:
    """Explain a chunking chunk by chunk.

    Prints each part of the reward ([rewards] in docalign.toml) with its weight, and for each chunk, with its pages,
    what it loses and why. Without --document, only what the chunks alone can tell.
    """
    from docalign.commands.score import run_score
    from docalign.config import load_settings

    settings = load_settings(config=config, flags={"chunk": given(chunking)})
    run_score(file, document=document, format=format, out=out, settings=settings)


def judge(
    preferences: Annotated[
        list[str],
        typer.Argument(
            metavar="PREFS...", help="Files of docalign.preference/1 lines (.jsonl, .xz); rankings are redone."
        ),
    ],
    out: Annotated[str, typer.Option("--out", "-o", metavar="FILE", help="The preference lines to write.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would cost, and ask nothing.")] = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Let a language model rank candidate chunkings.

    The model is that of [judge] in docalign.toml: any OpenAI-compatible endpoint, or a local folder. The number of
    calls and tokens is said first. Every pair is asked in both orders, which measures the judge's liking for a
    position.
    """
    from docalign.commands.judge import run_judge
    from docalign.config import load_settings

    run_judge(preferences, out=out, dry_run=dry_run, settings=load_settings(config=config), quiet=quiet)
