"""`docalign data …`: the arguments of the commands about gold; what they do is in `commands/data.py`."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["data_app"]

data_app = typer.Typer(
    help="Gold chunkings: make them from structured files, look at them, check them.",
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Gold = Annotated[list[str], typer.Argument(metavar="GOLD...", help="Files of docalign.gold/1 lines (.jsonl, .xz).")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar and no notes; errors are still printed.")]


@data_app.command("build")
def build(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Files or folders whose formats mark headings: Markdown, HTML, DOCX, EPUB, RST, JATS, TEI, PDFs with "
            "bookmarks, or corpora (.jsonl, .xz).",
        ),
    ],
    out: Annotated[str, typer.Option("--out", "-o", metavar="FILE", help="The gold to write (.jsonl or .jsonl.xz).")],
    policy: Annotated[
        str,
        typer.Option(
            "--policy",
            metavar="reference|tree",
            help="Where gold chunks start: reference joins sections to the target; tree also respects parents, lists, "
            "tables and captions.",
        ),
    ] = "reference",
    number: Annotated[
        int | None, typer.Option("--number", metavar="N", help="Lines to make. [default: one pass over all documents]")
    ] = None,
    targets: Annotated[
        str, typer.Option("--targets", metavar="MIN:MAX", help="Target sizes to draw from, in words × 1.35.")
    ] = "90:700",
    forms: Annotated[
        str | None,
        typer.Option(
            "--forms",
            metavar="NAME=W,…",
            help="Shares of native (as ingested), plain (blocks only), pdf and scan (rendered; needs the extra train). "
            "[default: native=1,plain=1]",
        ),
    ] = None,
    conditions: Annotated[
        str | None,
        typer.Option(
            "--conditions",
            metavar="NAME=W,…",
            help="Shares of marked, bare (heading lines unmarked) and headless (heading lines gone) copies. "
            "[default: marked=0.25,bare=0.4,headless=0.35]",
        ),
    ] = None,
    domain: Annotated[
        str | None, typer.Option("--domain", metavar="NAME", help="The domain of documents that name none.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seeds everything random.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Make gold chunkings of structured files.

    Near-duplicates are left out. One document in twenty is held out by the hash of its id and goes to FILE with .dev in
    its name. A killed build goes on when the command is repeated.
    """
    from docalign.commands.data import parse_sizes, parse_weights, run_build

    options = {
        "policy": policy,
        "number": number,
        "targets": parse_sizes(targets),
        "forms": parse_weights(forms, "form"),
        "conditions": parse_weights(conditions, "condition"),
        "domain": domain,
        "seed": seed,
    }
    run_build(sources, out=out, options=options, quiet=quiet)


@data_app.command("check")
def check(gold: Gold, quiet: Quiet = False) -> None:
    """Look at every line of gold and say what is wrong where."""
    from docalign.commands.data import run_check

    run_check(gold, quiet=quiet)


@data_app.command("stats")
def stats(
    gold: Gold,
    format: Annotated[str, typer.Option("--format", "-f", metavar="text|json", help="What to print.")] = "text",  # noqa: A002
) -> None:
    """Count lines, blocks and chunks, their lengths and the balance of labels."""
    from docalign.commands.data import run_stats

    run_stats(gold, format=format)


@data_app.command("view")
def view(
    gold: Annotated[str, typer.Argument(metavar="GOLD", help="A file of docalign.gold/1 lines (.jsonl, .xz).")],
    line: Annotated[
        str | None, typer.Option("--line", metavar="N|ID", help="Which line, by number or id. [default: the first]")
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="PATH", help="Where to write; '-' is standard output.")
    ] = None,
) -> None:
    """Show a gold line as an HTML page, with its chunks drawn in."""
    from docalign.commands.data import run_view

    run_view(gold, line=line, out=out)
