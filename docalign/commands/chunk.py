"""`docalign chunk`: files become chunks, one file to a place, many to a folder or a stream.

The model is loaded once. In a batch a bad file is reported and the others go on; whatever would fail for every file
(no model, a full disk, a setting that makes no sense) ends the run at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from docalign.commands.batch import run_batch_to_folder, run_batch_to_stdout
from docalign.commands.inputs import Input, PassedOver, expand
from docalign.commands.messages import note, warn
from docalign.commands.progress import Bar, progress_bar
from docalign.commands.reading import Read, check_languages, ingest_options, known_suffixes, read_document
from docalign.commands.results import keep_inputs, out_path, write_result
from docalign.errors import UsageError
from docalign.output import check_format, render

if TYPE_CHECKING:
    from docalign.chunk import Chunk
    from docalign.chunker import Chunker
    from docalign.commands.remote import RemotePipeline
    from docalign.config import Settings
    from docalign.document import Document

__all__ = ["ENGINES", "Pipeline", "name_passed_over", "run_chunk"]

ENGINES: Final = ("local", "ray")
"""What does the work: this process, or a Ray cluster (`ray.py`)."""


class Pipeline:
    """From one input to its rendered chunks, with the settings of the command line."""

    def __init__(self, settings: Settings) -> None:
        from docalign.chunker import ChunkOptions
        from docalign.ingest import WorkerPool

        chunk = settings.chunk
        self.format = check_format(chunk.format)
        self.ingest_options = ingest_options(settings.ingest)
        self.chunk_options = ChunkOptions(
            max_tokens=chunk.max_tokens,
            target_tokens=chunk.target_tokens,
            tokenizer=chunk.tokenizer,
            embed_text=chunk.embed_text,
            overlap=chunk.overlap,
        )
        self._settings = settings
        self._pool = WorkerPool(self.ingest_options.workers)
        self.readers = self._pool.workers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    @cached_property
    def chunker(self) -> Chunker:
        """The model, loaded on first use: a bad input is refused sooner without it."""
        from docalign.chunker import Chunker

        return Chunker.load(self._settings.model.path)

    def prepare(self) -> None:
        """Load the model and what counts tokens.

        Raises:
            ModelError: no model. UsageError: no such tokenizer.
        """
        from docalign.counting import counter

        counter(self.chunk_options.tokenizer or self.chunker.tokenizer)

    def run(self, job: Input, bar: Bar) -> bytes:
        """Read, chunk and render one input.

        Raises:
            DocalignError: the input cannot be read, or the model not loaded.
        """
        bar.file(job.name)
        return self.finish(job, read_document(job, self.ingest_options, bar, self._pool), bar)

    def read(self, job: Input) -> Read:
        """Read one input and show nothing of it. Several threads may call this at a time."""
        return read_document(job, self.ingest_options, Bar(None, 0), self._pool)

    def finish(self, job: Input, read: Read, bar: Bar) -> bytes:
        """Chunk and render what was read of one input.

        Raises:
            EmptyInputError: there is no text in it.
        """
        from docalign.ingest import refuse_empty

        refuse_empty(read.document)
        chunks = self.chunker.chunk(read.document, self.chunk_options, progress=bar.stage("chunking"))
        for warning in read.document.warnings:
            warn(f"{job.name}: {warning}")
        if self.format == "html":
            return self._html(job, read.data, read.document, chunks)
        return render(self.format, read.document, chunks)

    def fingerprint(self, model: dict[str, Any] | None = None) -> dict[str, Any]:
        """Everything besides the input and its name that decides the bytes of a result.

        Args:
            model: the identity of the model where it is not this process that runs it.
        """
        from docalign import __version__
        from docalign.commands.identity import library_versions, ocr_identity
        from docalign.counting import counter_identity

        model = self.chunker.identity() if model is None else model
        named = self.chunk_options.tokenizer
        chunk, ingest = asdict(self._settings.chunk), asdict(self._settings.ingest)
        for decides_nothing in ("workers", "password", "use_cache", "cache_dir", "cache_mib"):
            ingest.pop(decides_nothing, None)
        return {
            "version": __version__,
            "libraries": library_versions(),
            "model": model,
            "counter": counter_identity(named) if named else model["tokenizer"],
            "ocr": ocr_identity(self.ingest_options),
            "chunk": chunk,
            "ingest": ingest,
        }

    def _html(self, job: Input, data: bytes | None, document: Document, chunks: Sequence[Chunk]) -> bytes:
        from docalign.view import page_images

        source = data if job.path is None else job.path
        assert source is not None, "standard input is kept as bytes"
        pictures = page_images(source, document, password=self.ingest_options.password)
        return render("html", document, chunks, page_images=pictures)


def run_chunk(
    arguments: Sequence[str],
    *,
    out: str | None,
    settings: Settings,
    quiet: bool,
    stdin_name: str | None = None,
    engine: str = "local",
) -> None:
    """Chunk what `arguments` name.

    Args:
        out: a file or `-` for one input, a folder or `-` for a batch; None is `-`.
        stdin_name: what standard input is called; its suffix tells the format.
        engine: `local`, or `ray` for a cluster.

    Raises:
        DocalignError: with one input, whatever is wrong with it; with several, SomeFilesFailedError after the last.
        ReaderGoneError: the reader of standard output has gone.
    """
    if engine not in ENGINES:
        raise UsageError(f"there is no engine {engine!r}.", remedy=f"Choose one of {', '.join(ENGINES)}.")
    if engine == "ray":
        from docalign.commands.ray import run_chunk_on_ray

        run_chunk_on_ray(arguments, out=out, settings=settings, quiet=quiet)
        return
    place = out_path(out)
    with _pipeline(settings) as pipeline:
        inputs = expand(arguments, suffixes=known_suffixes(), out=place, stdin_name=stdin_name)
        if isinstance(pipeline, Pipeline):
            check_languages(inputs.jobs, settings.ingest, pipeline.ingest_options)
        if not quiet:
            name_passed_over(inputs.passed_over)
        if inputs.is_batch:
            _run_batch(pipeline, inputs.jobs, place, quiet=quiet)
        else:
            _run_one(pipeline, inputs.jobs[0], place, quiet=quiet)


def _pipeline(settings: Settings) -> Pipeline | RemotePipeline:
    if settings.client.server is None:
        return Pipeline(settings)
    from docalign.commands.remote import RemotePipeline

    return RemotePipeline(settings)


def _run_one(pipeline: Pipeline | RemotePipeline, job: Input, out: Path | None, *, quiet: bool) -> None:
    if out is not None and out.is_dir():
        raise UsageError("is a directory.", source=str(out), remedy="With one input, --out names a file.")
    if out is not None:
        keep_inputs([out], [job.path])
    with progress_bar(1, quiet=quiet) as bar:
        data = pipeline.run(job, bar)
    write_result(data, out)


def _run_batch(pipeline: Pipeline | RemotePipeline, jobs: Sequence[Input], folder: Path | None, *, quiet: bool) -> None:
    if folder is None:
        if pipeline.format != "jsonl":
            raise UsageError(
                f"several results of format {pipeline.format!r} cannot share one stream.",
                remedy="Name a folder with --out, or use --format jsonl.",
            )
        run_batch_to_stdout(pipeline, jobs, quiet=quiet)
        return
    if folder.exists() and not folder.is_dir():
        raise UsageError("is not a directory.", source=str(folder), remedy="With several inputs, --out names a folder.")
    run_batch_to_folder(pipeline, jobs, folder, quiet=quiet)


def name_passed_over(files: Sequence[PassedOver]) -> None:
    """One note for each reason, with the first few names."""
    reasons: dict[str, list[str]] = {}
    for file in files:
        reasons.setdefault(file.why, []).append(file.path.name)
    for why, names in reasons.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        note(f"passed over files {why}: {', '.join(names[:3])}{more}")
