"""`docalign feedback …`: the arguments of the commands about rankings; what they do is in `commands/feedback.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["feedback_app"]

feedback_app = typer.Typer(
    help="Rankings and feedback: export them to train on, import others, report on them, delete (extra `rank`).",
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="FILE|URL",
        help="The store: a file, or postgresql://… [default: [feedback] store, else [serve] database, else "
        "docalign-rankings.db]",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The docalign.toml to read instead of the nearest one upward."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notes; errors are still printed.")]
Out = Annotated[str | None, typer.Option("--out", "-o", metavar="PATH", help="Where to write; '-' is standard output.")]


@feedback_app.command("export")
def export(
    *,
    view: Annotated[
        str,
        typer.Option(
            "--view",
            metavar="preferences|gold|pairs|labels",
            help="preferences: docalign.preference/1 lines; gold: corrected chunkings; pairs (prompt, chosen, "
            "rejected) and labels (prompt, completion, label): what TRL reads.",
        ),
    ] = "preferences",
    out: Out = None,
    redact: Annotated[
        bool,
        typer.Option(
            "--redact", help="Mask emails, phone numbers and ids in the documents; Presidio too where it is installed."
        ),
    ] = False,
    repeats: Annotated[bool, typer.Option("--repeats", help="Repeated questions too, which measure a judge.")] = False,
    store: Store = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Write rankings and corrections as lines to train on.

    Ties stay in preference lines and make no pair. One document in twenty is held out and goes to PATH with .dev in its
    name; standard output gets both. A correction with a chunk over the limit is no gold; it stays a preference.
    """
    from docalign.commands.feedback import run_export
    from docalign.config import load_settings

    settings = load_settings(flags={"feedback": {"store": store}}, config=config)
    run_export(settings=settings, view=view, out=out, redact=redact, repeats=repeats, quiet=quiet)


@feedback_app.command("import")
def import_(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Preference lines (.jsonl, .xz), or JSON of Argilla or Label Studio."),
    ],
    *,
    format: Annotated[  # noqa: A002 - the flag's name
        str,
        typer.Option("--format", "-f", metavar="auto|preferences|argilla|label-studio", help="What the files are."),
    ] = "auto",
    store: Store = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Store rankings that were made elsewhere.

    Records of other tools carry the document (docalign.document/1) as `document` and the starts of each candidate as
    `candidates`. Importing a file again changes nothing. A record that cannot be used is named with its place and left
    out; a time on task over a day is kept as a day, and said.
    """
    from docalign.commands.feedback import run_import
    from docalign.config import load_settings

    settings = load_settings(flags={"feedback": {"store": store}}, config=config)
    run_import(files, settings=settings, format=format, quiet=quiet)


@feedback_app.command("report")
def report(
    *,
    format: Annotated[str, typer.Option("--format", "-f", metavar="text|json|html", help="What to write.")] = "text",  # noqa: A002
    out: Out = None,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", min=0, help="Seeds the resampling behind the intervals.")
    ] = 0,
    store: Store = None,
    config: Config = None,
) -> None:
    """Say how far annotators agree, which generators they prefer, and who did what.

    Krippendorff's α, pairwise agreement, self-consistency and Bradley–Terry strengths, each with its interval (–, in
    JSON null, where fewer than five questions or documents, or answers that are all alike, cannot give one); whether
    more chunks or the first place pass as quality; counts and times by annotator.
    """
    from docalign.commands.feedback import run_report
    from docalign.config import load_settings

    settings = load_settings(flags={"feedback": {"store": store}}, config=config)
    run_report(settings=settings, format=format, out=out, seed=seed)


@feedback_app.command("delete")
def delete(
    documents: Annotated[
        list[str], typer.Argument(metavar="DOCUMENT...", help="The sha256 of a file, or the file itself.")
    ],
    *,
    store: Store = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Delete documents and all that came from them: pictures, candidates, judgements, feedback."""
    from docalign.commands.feedback import run_delete
    from docalign.config import load_settings

    settings = load_settings(flags={"feedback": {"store": store}}, config=config)
    run_delete(documents, settings=settings, quiet=quiet)
