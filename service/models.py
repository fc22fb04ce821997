"""The model at work, and how another takes its place while requests run.

A new model is loaded beside the old one and warmed up; only then do new requests get it. Requests under way end with
the model they began with. If anything fails, the old one stays.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from docalign.chunker.chunker import Chunker
from docalign.chunker.context import WINDOW_TOKENS, Window
from docalign.errors import DocalignError, NotFoundError, NotReadyError
from docalign.models import info, installed, resolve
from docalign.runtime.batching import choose_device, load_engine

from .batcher import Batcher, Run, TicketEngine
from .ticket import Ticket

if TYPE_CHECKING:
    from docalign.config import ServeSettings

__all__ = ["Loaded", "Models"]

_WARM_UP_TOKENS: Final = (8, 64, WINDOW_TOKENS)
_CUDA_BUCKET: Final = 64


@dataclass(eq=False)
class Loaded:
    """A model with its batcher; `users` are requests and jobs that began with it."""

    chunker: Chunker
    batcher: Batcher
    users: int = 0
    retired: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def version(self) -> str:
        return self.chunker.model_name

    def for_ticket(self, ticket: Ticket) -> Chunker:
        return self.chunker.with_engine(TicketEngine(self.batcher, ticket))


class Models:
    """Holds the current model; `load` is called once before anything is served."""

    def __init__(self, settings: ServeSettings, path: str | None, watch: Callable[[Run], None] | None = None) -> None:
        self.device = choose_device(settings.device)
        self._settings, self._path, self._watch = settings, path, watch
        self._current: Loaded | None = None
        self._switching = threading.Lock()

    @property
    def current(self) -> Loaded | None:
        return self._current

    @property
    def version(self) -> str:
        return self._current.version if self._current is not None else "none"

    def load(self) -> None:
        """Load the model of the settings.

        Raises:
            ModelError: it cannot be loaded or does not work.
        """
        with self._switching:
            self._current = self._made(self._path)

    def switch(self, name: str | None) -> str:
        """Put another installed model in the place of the current one (None: the one of the settings, read again).

        Raises:
            NotFoundError: none is installed under that name. ModelError: it cannot be loaded; the old one stays.
            NotReadyError: another switch is under way.
        """
        if name is not None and name not in {model.name for model in installed()}:
            raise NotFoundError(f"there is no model {name!r}.", remedy="GET /v1/models lists those installed.")
        if not self._switching.acquire(blocking=False):
            raise NotReadyError("another model is being loaded.", remedy="Try again when that is done.")
        try:
            new = self._made(name if name is not None else self._path)
            old, self._current = self._current, new
        finally:
            self._switching.release()
        if old is not None:
            self._retire(old)
        return new.version

    def begin(self) -> Loaded:
        """The model for a request or job that begins now; `end` it afterwards.

        Raises:
            NotReadyError: there is none, or its engine failed.
        """
        while (loaded := self._current) is not None:
            with loaded.lock:
                if loaded.retired:
                    continue
                if not loaded.batcher.revive():
                    raise NotReadyError("the model's engine has failed.", remedy="Try again later.")
                loaded.users += 1
                return loaded
        raise NotReadyError("the model is not loaded yet.", remedy="Try again in some seconds.")

    def end(self, loaded: Loaded) -> None:
        with loaded.lock:
            loaded.users -= 1
            last = loaded.retired and loaded.users == 0
        if last:
            loaded.batcher.close()

    def close(self) -> None:
        if self._current is not None:
            self._current.batcher.close()

    def listed(self) -> list[dict[str, Any]]:
        """The installed models, and which is at work."""
        current = self._current
        made: list[dict[str, Any]] = []
        for model in installed():
            version = f"{model.name}@{str(model.config.get('sha256', 'unknown'))[:12]}"
            made.append(
                {
                    "name": model.name,
                    "version": version,
                    "precision": model.config.get("precision"),
                    "current": current is not None and current.version == version,
                }
            )
        if current is not None and not any(m["current"] for m in made):
            name = current.version.partition("@")[0]
            made.append({"name": name, "version": current.version, "precision": None, "current": True})
        return made

    def _retire(self, old: Loaded) -> None:
        with old.lock:
            old.retired = True
            idle = old.users == 0
        if idle:
            old.batcher.close()

    def _made(self, path: str | None) -> Loaded:
        # Requests run side by side already. The tokenizer's own threads would only make each of its calls wait for a
        # core twice: some milliseconds a request when all are busy.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        info(resolve(path))
        chunker = Chunker.load(path, make_engine=lambda graph, precision: load_engine(graph, precision, self.device))
        _warm_up(chunker)
        on_gpu = self.device == "cuda"
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        batcher = Batcher(
            chunker.engine,
            budget=self._settings.batch_tokens,
            runners=self._settings.runners or (1 if on_gpu else cores),
            ahead=1 if on_gpu else 0,
            bucket=_CUDA_BUCKET if on_gpu else 1,
            watch=self._watch,
        )
        return Loaded(chunker, batcher)


def _warm_up(chunker: Chunker) -> None:
    """Run windows of several lengths once: what is allocated and compiled is so before the first request.

    Raises:
        ModelError: the model does not work.
    """
    for tokens in _WARM_UP_TOKENS:
        ids = np.full(tokens, chunker.renderer.slot_id, dtype=np.int64)
        windows: Sequence[Window] = [Window(ids, np.array([tokens - 1], dtype=np.int64), (0,))] * 2
        try:
            chunker.engine.log_odds(windows)
        except DocalignError:
            raise
        except Exception as error:
            from docalign.errors import ModelIncompatibleError

            raise ModelIncompatibleError(
                f"it fails on its first window ({type(error).__name__}).", source=chunker.model_name
            ) from error
