"""`docalign rank`: files become tasks, and a local page shows them to whoever judges.

The first file is read before the page opens, the others while people judge. The page is bound to this machine unless
another host is asked for; then it has a token. With `--prepare-only` files become tasks and nothing is served: the
page of `docalign serve` shows what is in the store, which is the same one.
"""

from __future__ import annotations

import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from docalign.commands.inputs import Input, expand
from docalign.commands.messages import note, warn
from docalign.commands.progress import Bar, progress_bar
from docalign.commands.reading import check_languages, ingest_options, known_suffixes, read_document
from docalign.commands.train import need_extra
from docalign.errors import DocalignError, UsageError

if TYPE_CHECKING:
    from docalign.config import Settings
    from docalign.feedback.prepare import Preparer
    from docalign.feedback.web import Desk
    from docalign.ingest import IngestOptions, WorkerPool

__all__ = ["Options", "Preparing", "run_rank"]

_LOCAL: Final = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True)
class Options:
    """The flags of `docalign rank` beside those of reading and chunking."""

    annotator: str | None = None
    previous_model: str | None = None
    reward_model: Path | None = None
    candidates: int = 2
    seed: int = 0
    host: str = "127.0.0.1"
    port: int = 8570
    browser: bool = True
    prepare_only: bool = False


def run_rank(files: Sequence[str], *, options: Options, settings: Settings, quiet: bool) -> None:
    """Prepare what `files` name and serve the page until interrupted; without files, what the store already holds.

    Raises:
        UsageError: the extra is missing, an option makes no sense, or the port is taken.
        DocalignError: the model cannot be loaded, the store not opened, or no file be read.
    """
    need_extra("rank", "fastapi", "jinja2", "sqlalchemy", "alembic", "uvicorn")
    from docalign.chunker import Chunker, ChunkOptions
    from docalign.feedback.prepare import Preparation, Preparer
    from docalign.feedback.reward_scores import RewardScores
    from docalign.feedback.store import add_annotator, open_store
    from docalign.feedback.web import Desk
    from docalign.ingest import WorkerPool
    from docalign.rewards.human import HumanReward

    overlap = settings.feedback.overlap
    if overlap < 1:
        raise UsageError(f"--overlap is {overlap}.", remedy="Let 1 or more annotators judge each task.")
    if options.prepare_only and not files:
        raise UsageError("--prepare-only has nothing to prepare.", remedy="Name files.")
    chunk, reading = settings.chunk, ingest_options(settings.ingest)
    asked = Preparation(
        ChunkOptions(max_tokens=chunk.max_tokens, target_tokens=chunk.target_tokens, tokenizer=chunk.tokenizer),
        width=options.candidates,
        seed=options.seed,
    )
    jobs = expand(files, suffixes=known_suffixes()).jobs if files else ()
    check_languages(jobs, settings.ingest, reading)
    reward = None if options.reward_model is None else HumanReward.load(options.reward_model)
    listening: AbstractContextManager[socket.socket | None] = (
        nullcontext() if options.prepare_only else _listen(options.host, options.port)
    )
    with listening as ear, open_store(settings.rankings) as database, WorkerPool(reading.workers) as pool:
        preparing = Preparing(jobs)
        desk = Desk(
            database,
            overlap=overlap,
            annotator=None if options.annotator is None else add_annotator(database, options.annotator),
            seed=options.seed,
            preparing=preparing.is_on,
            scores=None if reward is None else RewardScores(database, reward),
        )
        if jobs:
            chunker = Chunker.load(settings.model.path)
            previous = None if options.previous_model is None else Chunker.load(options.previous_model)
            preparer = Preparer(database, chunker, previous=previous, asked=asked)
            preparing.start(_Reader(preparer, desk, reading, pool).add, quiet=quiet)
        if ear is None:
            preparing.finish()
            return
        try:
            _serve(desk, ear, options, settings.rankings)
        finally:
            preparing.stop()


@dataclass(slots=True)
class Preparing:
    """Files on their way to become tasks: up to the first that gives some at once, the others in a thread."""

    jobs: Sequence[Input]
    _thread: threading.Thread | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)

    def is_on(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self, add: Callable[[Input, Bar], int], *, quiet: bool) -> None:
        """Raises:
        DocalignError: the only file cannot be read."""
        waiting = list(self.jobs)
        with progress_bar(len(waiting), quiet=quiet) as bar:
            while waiting:
                if _added(add, waiting.pop(0), bar, alone=len(self.jobs) == 1):
                    break
            else:
                _say_nothing_new()
        self._thread = threading.Thread(target=self._go_on, args=(waiting, add), name="docalign-prepare", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the file at hand be finished, and no other begun."""
        self._stopped.set()
        self.finish()

    def finish(self) -> None:
        """Wait until all files are prepared."""
        if self._thread is not None:
            self._thread.join()

    def _go_on(self, waiting: Sequence[Input], add: Callable[[Input, Bar], int]) -> None:
        for job in waiting:
            if self._stopped.is_set():
                return
            _added(add, job, Bar(None, 0), alone=False)


def _added(add: Callable[[Input, Bar], int], job: Input, bar: Bar, *, alone: bool) -> int:
    try:
        number = add(job, bar)
    except DocalignError as error:
        if alone:
            raise error.with_source(job.name) from error
        warn(str(error.with_source(job.name)))
        return 0
    note(f"{job.name}: {number} new task{'' if number == 1 else 's'}")
    return number


def _say_nothing_new() -> None:
    note("no new task: the files are in the store already, or too short for two chunkings that differ.")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads a file, draws its pages and hands both to the preparer."""

    preparer: Preparer
    desk: Desk
    options: IngestOptions
    pool: WorkerPool

    def add(self, job: Input, bar: Bar) -> int:
        from docalign.view import page_images

        bar.file(job.name)
        read = read_document(job, self.options, bar, self.pool)
        for warning in read.document.warnings:
            warn(f"{job.name}: {warning}")
        source = read.data if job.path is None else job.path
        assert source is not None, "standard input is kept as bytes"
        pictures = page_images(source, read.document, password=self.options.password, max_bytes=self.options.max_bytes)
        number = self.preparer.add(read.document, pictures)
        self.desk.order_tasks()
        return number


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket, so that a port that is taken is said before any work.

    Raises:
        UsageError: nothing can listen there.
    """
    if not host:  # the socket library would take every address of the machine
        raise UsageError("--host is empty.", remedy="Name an address, or leave it out.")
    if not 0 <= port < 65536:
        raise UsageError(f"--port is {port}.", remedy="Ports are 1 to 65535, or 0 for any that is free.")
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(
            f"nothing can listen at {host}, port {port} ({reason}).", remedy="Give another --port, or 0 for any."
        ) from error


def _serve(desk: Desk, listening: socket.socket, options: Options, store: str) -> None:
    import uvicorn

    from docalign.feedback.web import create_app

    token = None if options.host in _LOCAL else secrets.token_urlsafe(18)
    shown = socket.gethostname() if options.host in ("0.0.0.0", "::") else options.host  # noqa: S104 - compared only
    if ":" in shown:
        shown = f"[{shown}]"
    address = f"http://{shown}:{listening.getsockname()[1]}/" + (f"?token={token}" if token else "")
    note(f"judge at {address} (Ctrl-C ends; every judgement is kept in {store})")
    if options.browser:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    server = uvicorn.Server(uvicorn.Config(create_app(desk, token=token), log_level="warning", lifespan="off"))
    server.run(sockets=[listening])
