"""The command line: declares arguments, loads settings, turns errors into messages and exit codes.

Everything a command does is in `commands/` and imported when it runs, so that `docalign --help` starts fast.
Results alone go to standard output; progress and messages go to standard error.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from docalign import __version__
from docalign.cli_bench import bench
from docalign.cli_data import data_app
from docalign.cli_eval import evaluate
from docalign.cli_feedback import feedback_app
from docalign.cli_rank import rank
from docalign.cli_rewards import judge, score
from docalign.cli_train import advise, prefs_app, train
from docalign.commands.flags import ChunkFlags, ReadFlags, SizeFlags, given, takes
from docalign.errors import DocalignError, UsageError

if TYPE_CHECKING:
    from docalign.config import Settings

__all__ = ["app", "main", "run"]

_INTERRUPTED: Final = 130

_PLAIN: dict[str, Any] = {
    "rich_markup_mode": None,  # plain help: rich takes longer to import than everything else together
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}
app = typer.Typer(help="Turn PDFs and scans into chunks, with a chunker people can teach.", **_PLAIN)
models_app = typer.Typer(help="Chunker models and the base LLMs they are trained from.", add_completion=False, **_PLAIN)
app.add_typer(models_app, name="models")
app.add_typer(data_app, name="data")
app.add_typer(feedback_app, name="feedback")
app.command()(rank)
app.add_typer(prefs_app, name="prefs")

Out = Annotated[str | None, typer.Option("--out", "-o", metavar="PATH", help="Where to write; '-' is standard output.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The docalign.toml to read instead of the nearest one upward."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar and no notes; errors are still printed.")]
StdinName = Annotated[
    str | None,
    typer.Option("--stdin-name", metavar="NAME", help="What standard input is called; its suffix tells the format."),
]
Model = Annotated[
    str | None, typer.Option("--model", metavar="PATH", help="A model folder or name. [default: the shipped model]")
]


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        typer.echo(f"docalign {__version__}")
        raise typer.Exit


@app.command()
@takes(reading=ReadFlags)
def ingest(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file, or '-' for standard input.")],
    *,
    format: Annotated[  # noqa: A002 - the flag's name
        str, typer.Option("--format", "-f", metavar="json|html", help="What to write.")
    ] = "json",
    out: Out = None,
    report: Annotated[
        str | None,
        typer.Option(
            "--report",
            metavar="[=PATH]",
            help="Say page by page what was found and how long it took: a table on standard error; "
            "with =PATH, JSON there ('-': standard output, in place of the Document).",
        ),
    ] = None,
    reading: ReadFlags,
    stdin_name: StdinName = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Read a file into a Document.

    Prints one JSON object: the text, its blocks, the pages and boxes they come from; or, as html, a page that shows
    blocks and reading order on the pictures of the pages.
    """
    from docalign.commands.ingest import run_ingest

    settings = _settings(config, ingest=given(reading))
    run_ingest(file, out=out, format=format, report=report, stdin_name=stdin_name, settings=settings, quiet=quiet)


@app.command()
@takes(chunking=ChunkFlags, reading=ReadFlags)
def chunk(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files, directories, or '-' (standard input).")],
    *,
    format: Annotated[  # noqa: A002 - the flag's name
        str | None,
        typer.Option(
            "--format", "-f", metavar="jsonl|json|md|html|preview|parquet", help="What to write. [default: jsonl]"
        ),
    ] = None,
    out: Out = None,
    chunking: ChunkFlags,
    model: Model = None,
    reading: ReadFlags,
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="URL", help="Have a service do the work (extra `client`); same results."),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            "--engine", metavar="local|ray", help="What does the work: this process, or a Ray cluster (extra `ray`)."
        ),
    ] = "local",
    stdin_name: StdinName = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Cut files into chunks.

    With one FILE, --out names a file. With several, or a directory, --out names a folder that mirrors their paths and
    can be completed by running again; without --out, only jsonl can be written.

    With --engine ray, FILE may be an address (s3://…), and --out names a folder or an address that gets Parquet:
    chunks/, and files/, which says what became of each file. RAY_ADDRESS names the cluster, else it is this machine.
    """
    from docalign.commands.chunk import run_chunk

    flags = given(chunking) | {"format": "parquet" if format is None and engine == "ray" else format}
    settings = _settings(config, chunk=flags, ingest=given(reading), model={"path": model}, client={"server": server})
    run_chunk(files, out=out, stdin_name=stdin_name, settings=settings, quiet=quiet, engine=engine)


@app.command()
@takes(chunking=SizeFlags, reading=ReadFlags)
def explain(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file, or '-' for standard input.")],
    *,
    format: Annotated[str, typer.Option("--format", "-f", metavar="text|json", help="What to write.")] = "text",  # noqa: A002
    out: Out = None,
    chunking: SizeFlags,
    model: Model = None,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="PATH", help="Another model: would it cut there too, and where else?"),
    ] = None,
    reading: ReadFlags,
    stdin_name: StdinName = None,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Say why every chunk of a file starts where it does.

    For each start: s, the model's log-odds; φ, what the length prior says of the chunk; p, the probability of a start
    here; the margin by which the chunking beats the best one without this cut; whether the limit or a heading forces it
    (* marks a cut inside a block); and which rule rewards it serves.
    """
    from docalign.commands.explain import run_explain

    settings = _settings(config, chunk=given(chunking), ingest=given(reading), model={"path": model})
    run_explain(file, out=out, format=format, against=against, stdin_name=stdin_name, settings=settings, quiet=quiet)


@app.command()
def serve(
    host: Annotated[
        str | None, typer.Option("--host", metavar="ADDRESS", help="Where to listen. [default: 127.0.0.1]")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", metavar="N", help="0 takes a free one. [default: 8000]")] = None,
    model: Model = None,
    tokens_file: Annotated[
        str | None,
        typer.Option("--tokens-file", metavar="FILE", help="Who may ask; needed to listen beyond this machine."),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            metavar="URL",
            help="Where jobs are kept, and rankings and feedback unless [feedback] store is set. [default: for jobs "
            "service.sqlite in the cache folder, for the others docalign-rankings.db]",
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", metavar="auto|cpu|cuda", help="What runs the model. [default: auto]")
    ] = None,
    new_token: Annotated[
        str | None, typer.Option("--new-token", metavar="TENANT", help="Print a token for the tokens file, and exit.")
    ] = None,
    config: Config = None,
) -> None:
    """Answer over HTTP (needs the extra `serve`).

    The page is at /, the API's description at /docs. [serve] in docalign.toml has the limits.
    """
    from docalign.commands.serve import run_serve

    flags = {"host": host, "port": port, "tokens_file": tokens_file, "database": database, "device": device}
    run_serve(_settings(config, serve=flags, model={"path": model}), new_token=new_token)


@app.command()
@takes(reading=ReadFlags)
def mcp(
    *,
    root: Annotated[
        Path, typer.Option("--root", metavar="DIR", help="The folder whose files may be read. [default: this one]")
    ] = Path(),
    model: Model = None,
    reading: ReadFlags,
    config: Config = None,
) -> None:
    """Answer programs that speak MCP, on standard input and output (needs the extra `mcp`).

    Tools: outline, chunk_file, chunk_text. Sizes are those of [chunk] in docalign.toml where the caller names none.
    """
    from docalign.commands.mcp import run_mcp

    run_mcp(_settings(config, ingest=given(reading), model={"path": model}), root=root)


app.command()(score)
app.command()(judge)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON (docalign.doctor/1).")] = False,
    config: Config = None,
) -> None:
    """Say what is installed, what is missing and the command that adds it.

    Looks at the libraries, the model, OCR, the settings, LibreOffice, the card and every extra. Ends with 1 if anything
    that plain `docalign chunk` needs is missing or broken.
    """
    from docalign.commands.doctor import run_doctor

    run_doctor(as_json=as_json, config=config)


@models_app.command("list")
def models_list(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List the installed chunker models."""
    from docalign.commands.models import run_list

    run_list(as_json=as_json)


@models_app.command("pull")
def models_pull(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A hub id or a folder. [default: the base docalign starts from]"),
    ] = None,
) -> None:
    """Fetch a base LLM to train from and print its folder."""
    from docalign.commands.models import run_pull

    run_pull(name)


@models_app.command("info")
def models_info(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME|PATH", help="A model's name or folder. [default: the shipped model]")
    ] = None,
) -> None:
    """Print what a chunker model says of itself, as JSON."""
    from docalign.commands.models import run_info

    run_info(name)


app.command("eval")(evaluate)
app.command()(train)
app.command()(advise)
app.command()(bench)


@app.command()
def export(
    checkpoint: Annotated[str, typer.Argument(metavar="CHECKPOINT", help="A folder that `docalign train` wrote.")],
    out: Annotated[str, typer.Option("--out", "-o", metavar="DIR", help="The model folder to write.")],
    compare: Annotated[
        list[str] | None,
        typer.Option(
            "--compare", metavar="GOLD", help="Measure fp32, fp16, int8 and int4 on this gold and choose by that."
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            "--precision",
            metavar="fp32|fp16|int8|int4",
            help="How weights are kept. [default: as --compare finds; else int8 where the architecture allows]",
        ),
    ] = None,
    device: Annotated[
        str, typer.Option("--device", metavar="cpu|cuda", help="What will run it; cuda: a graph in fp16.")
    ] = "cpu",
    quiet: Quiet = False,
) -> None:
    """Export a checkpoint to run without torch (needs the extra `train`).

    Writes the graph, the tokenizer and a card made from the run's own records.
    """
    from docalign.commands.export import run_export

    run_export(checkpoint, out=out, precision=precision, device=device, compare=compare or [], quiet=quiet)


def _settings(config: Path | None, **flags: dict[str, Any]) -> Settings:
    from docalign.config import load_settings

    return load_settings(flags=flags, config=config)


def _attached(arguments: list[str]) -> list[str]:
    """`--report` alone as `--report=`: its value is optional, so it must be attached, or it would eat the input."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return [f"{a}=" if a == "--report" and i < end else a for i, a in enumerate(arguments)]


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; every error is already said on standard error."""
    from docalign.commands import messages
    from docalign.commands.results import ReaderGoneError

    try:
        code = typer.main.get_command(app).main(
            _attached(arguments) or ["--help"], prog_name="docalign", standalone_mode=False
        )
    except typer.TyperException as problem:  # the command line itself: unknown option, missing argument
        failure: DocalignError = UsageError(
            problem.format_message(), remedy="`docalign COMMAND --help` lists what there is."
        )
    except DocalignError as problem:
        failure = problem
    except ReaderGoneError:
        return 0
    except Exception as problem:  # noqa: BLE001 - the last resort: a short message instead of a traceback
        failure = messages.describe_crash(problem)
    else:
        if code == _INTERRUPTED:  # typer's answer to Ctrl-C
            messages.note("interrupted")
        return code if isinstance(code, int) else 0
    messages.error(failure)
    return failure.exit_code


def main() -> None:
    """The `docalign` script."""
    if sys.argv[1:2] == ["train"]:
        from docalign.commands.train import keep_memory

        keep_memory()
    sys.exit(run(sys.argv[1:]))
