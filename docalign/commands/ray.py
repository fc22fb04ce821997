"""`docalign chunk --engine ray`: a corpus on a Ray cluster, into Parquet that can be completed by running again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from docalign.commands.chunk import Pipeline, name_passed_over
from docalign.commands.inputs import STDIN, expand
from docalign.commands.messages import describe_crash, error, note
from docalign.commands.reading import check_languages, known_suffixes
from docalign.commands.results import out_path
from docalign.errors import DocalignError, SomeFilesFailedError, UsageError
from docalign.output.journal import fingerprint

if TYPE_CHECKING:
    from docalign.config import Settings
    from docalign.integrations.ray.places import Place

__all__ = ["run_chunk_on_ray"]

_SHOWN: Final = 20


def run_chunk_on_ray(arguments: Sequence[str], *, out: str | None, settings: Settings, quiet: bool) -> None:
    """Chunk what `arguments` name (files, folders, or one address) on the cluster of RAY_ADDRESS, or on this machine.

    Raises:
        UsageError: options that make no sense together. SomeFilesFailedError: after the last file.
        DocalignError: what would fail for every file.
    """
    if out is None or out_path(out) is None:
        raise UsageError("--engine ray writes a folder.", remedy="Name it with --out.")
    if settings.client.server is not None:
        raise UsageError("--engine ray and --server exclude each other.", remedy="Leave one of them out.")
    if settings.chunk.format != "parquet":
        raise UsageError(f"--engine ray writes parquet, not {settings.chunk.format}.", remedy="Leave --format out.")
    from docalign.integrations.ray.run import chunk_corpus
    from docalign.integrations.ray.work import Job

    with Pipeline(settings) as pipeline:
        places = _places(arguments, out, settings, pipeline, quiet=quiet)
        job = Job(
            replace(pipeline.ingest_options, workers=1), pipeline.chunk_options, settings.model.path, describe_crash
        )
        failed = chunk_corpus(
            places,
            out,
            job,
            fingerprint=lambda found: fingerprint(pipeline.fingerprint(found)),
            note=_nothing if quiet else note,
            progress=not quiet and sys.stderr.isatty(),
        )
    for failure in failed[:_SHOWN]:
        error(DocalignError(failure["what"], source=failure["doc"], remedy=failure["remedy"]))
    if failed:
        raise SomeFilesFailedError(f"{len(failed)} of {len(places)} inputs failed; see the files in {out}/files.")


def _places(
    arguments: Sequence[str], out: str, settings: Settings, pipeline: Pipeline, *, quiet: bool
) -> Sequence[Place]:
    from docalign.integrations.ray.places import Place, is_address, listed

    addresses = [argument for argument in arguments if is_address(argument)]
    if addresses:
        if len(arguments) > 1:
            raise UsageError("an address cannot be read beside other inputs.", remedy="Give it alone.")
        return listed(addresses[0], known_suffixes())
    if STDIN in arguments:
        raise UsageError("--engine ray cannot read standard input.", remedy="Name files or folders.")
    inputs = expand(arguments, suffixes=known_suffixes(), out=None if is_address(out) else out_path(out))
    check_languages(inputs.jobs, settings.ingest, pipeline.ingest_options)
    if not quiet:
        name_passed_over(inputs.passed_over)
    return [Place(job.name, str(job.path.absolute())) for job in inputs.jobs if job.path is not None]


def _nothing(_: str) -> None:
    """Say nothing."""
