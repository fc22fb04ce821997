"""The dataflow on Ray Data, and how it is told what a cluster has.

Readers, actors and writers ask for parts of a core, so that whichever has more to do gets the cores, and that none is
starved when machines are lost: actors, at most one a core (or one a card), can never hold more than a quarter of what
was there. Since they ask for different parts, Ray Data keeps reading and chunking in processes of their own, and actors
on cards do not wait for pages to be read.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from docalign.errors import DocalignError, UsageError
from docalign.integrations.ray.parts import Done, Parts
from docalign.integrations.ray.places import Place, sha256_of
from docalign.integrations.ray.work import ChunkDocuments, Job, identity, read_files
from docalign.output.parquet import arrow

if TYPE_CHECKING:
    from types import ModuleType

    import pyarrow as pa

__all__ = ["chunk_corpus"]

_READ_CPUS: Final = 0.75
_CHUNK_CPUS: Final = 0.25
_WRITE_CPUS: Final = 0.1
_FILES_A_TASK: Final = 4
_LEAST_FILES_A_PART, _MOST_FILES_A_PART, _PARTS = 16, 1024, 1000


def chunk_corpus(
    places: Sequence[Place],
    out: str,
    job: Job,
    *,
    fingerprint: Callable[[dict[str, Any]], str],
    note: Callable[[str], None],
    progress: bool = False,
) -> list[dict[str, Any]]:
    """Chunk what is not finished yet, and give the errors of all files that failed, by name.

    Args:
        out: a folder that every machine sees, or an address.
        fingerprint: the model's identity on the cluster → a hash of all that decides the bytes of a result.
        progress: whether Ray may draw its progress bars.

    Raises:
        DocalignError: what would fail for every file, or the cluster itself.
    """
    ray = _connected()
    ray.data.DataContext.get_current().enable_progress_bars = progress
    try:
        parts = Parts(out)
        gpus = bool(ray.cluster_resources().get("GPU"))
        found = ray.get(ray.remote(identity).options(num_cpus=_CHUNK_CPUS, num_gpus=int(gpus)).remote(job.model))
        settings = fingerprint(found)
        todo = _todo(places, parts, settings)
        note(f"{len(todo)} of {len(places)} files to chunk on {_cluster(ray)}")
        if todo:
            _run(todo, out, job, json.dumps(found, sort_keys=True), settings)
        parts.bring_in_order(lambda _: True)
        asked = {place.name for place in places}
        return [failure for failure in parts.failures() if failure["doc"] in asked]
    except ray.exceptions.RayError as error:
        raise _said(error) from error


def _connected() -> ModuleType:
    """Ray, connected to the cluster that RAY_ADDRESS names, or to one of this machine's cores.

    Raises:
        UsageError: Ray is not installed. DocalignError: no cluster answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    # A busy machine is slow to start, which is no failure.
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "300")
    os.environ.setdefault("RAY_agent_register_timeout_ms", "300000")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise UsageError(
            "--engine ray needs Ray, which is not installed.", remedy="Run: pip install '.[ray]' in the docalign folder"
        ) from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    if not ray.is_initialized():
        ours = {} if os.environ.get("RAY_ADDRESS") else {"address": "local", "include_dashboard": False}
        try:
            ray.init(log_to_driver=False, logging_level="ERROR", configure_logging=True, **ours)
        except Exception as error:  # Ray raises ConnectionError, RuntimeError, ValueError and bare Exception
            text = str(error).strip().splitlines() or [type(error).__name__]
            raise DocalignError(
                f"the Ray cluster cannot be reached or started ({text[0][:200]}).",
                source=os.environ.get("RAY_ADDRESS"),
                remedy="Set RAY_ADDRESS to its address, or leave it unset to use this machine's cores.",
            ) from error
    return ray  # type: ignore[no-any-return]


def _todo(places: Sequence[Place], parts: Parts, settings: str) -> list[Place]:
    """The files that are not finished with these settings and bytes; what else there was of them is removed. What the
    output has of other files stays."""
    before = {done.doc: done for done in parts.done() if done.settings == settings and not done.failed}
    again = [place for place in places if place.name in before]
    same = {name for name, sha256 in _hashes(again) if sha256 and before[name].sha256 == sha256}

    asked = {place.name for place in places}

    def keep(done: Done) -> bool:
        return done.doc not in asked or (done.doc in same and done.settings == settings and not done.failed)

    parts.bring_in_order(keep)
    return [place for place in places if place.name not in same]


def _hashes(places: Sequence[Place]) -> Iterable[tuple[str, str]]:
    if not places:
        return []
    hashed = _dataset(places).map_batches(
        _hash_files, batch_format="pyarrow", batch_size=None, zero_copy_batch=True, num_cpus=_READ_CPUS
    )
    return [(row["name"], row["sha256"]) for row in hashed.iter_rows()]


def _hash_files(files: pa.Table) -> pa.Table:
    rows = [{"name": row["name"], "sha256": sha256_of(row["where"]) or ""} for row in files.to_pylist()]
    return arrow().Table.from_pylist(rows)


def _run(todo: Sequence[Place], out: str, job: Job, expected: str, settings: str) -> None:
    import ray
    from ray.data import ActorPoolStrategy

    from docalign.integrations.ray.sink import PartsSink

    resources = ray.cluster_resources()
    gpus, cpus = int(resources.get("GPU", 0)), int(resources.get("CPU", 1))
    most = max(1, min(gpus or cpus, len(todo)))
    pyarrow_batches: dict[str, Any] = {"batch_format": "pyarrow", "batch_size": None, "zero_copy_batch": True}
    documents = _dataset(todo).map_batches(read_files, fn_kwargs={"job": job}, num_cpus=_READ_CPUS, **pyarrow_batches)
    rows = documents.map_batches(
        ChunkDocuments,
        fn_constructor_kwargs={"job": job, "expected": expected},
        compute=ActorPoolStrategy(min_size=1, max_size=most),
        num_cpus=_CHUNK_CPUS,
        num_gpus=1 if gpus else 0,
        **pyarrow_batches,
    )
    rows.write_datasink(PartsSink(out, settings, _files_a_part(len(todo))), ray_remote_args={"num_cpus": _WRITE_CPUS})


def _dataset(places: Sequence[Place]) -> Any:
    import ray

    table = arrow().table({"name": [p.name for p in places], "where": [p.where for p in places]})
    return ray.data.from_arrow(table, override_num_blocks=-(-len(places) // _FILES_A_TASK))


def _files_a_part(files: int) -> int:
    """About a thousand parts: few enough to list, small enough that a killed run loses little."""
    return max(_LEAST_FILES_A_PART, min(_MOST_FILES_A_PART, files // _PARTS))


def _cluster(ray: ModuleType) -> str:
    found = ray.cluster_resources()
    nodes = sum(1 for node in ray.nodes() if node["Alive"])
    cards = f", {found['GPU']:g} cards" if found.get("GPU") else ""
    return f"{nodes} machine{'s' * (nodes != 1)}, {found.get('CPU', 0):g} cores{cards}"


def _said(error: BaseException) -> DocalignError:
    """The error that a task raised, where it is one of ours; else what Ray says."""
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, DocalignError):
            return at
        at = getattr(at, "cause", None) or at.__cause__
    text = str(error).strip().splitlines()
    return DocalignError(
        f"the Ray cluster failed ({type(error).__name__}{': ' + text[-1][:200] if text else ''}).",
        remedy="Run again: what is finished is kept.",
    )
