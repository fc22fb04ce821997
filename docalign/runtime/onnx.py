"""The ONNX Runtime engine: the shipped way to run a model. Needs no torch.

Every window is a run of its own, one per core at a time: without padding there is nothing to waste, and nothing else in
a batch can touch a window's numbers. Two windows on two cores are faster than one window on both.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from docalign.chunker.context import Window
from docalign.errors import ModelIncompatibleError, ModelMissingError
from docalign.runtime.engine import rounded
from docalign.runtime.unsigned import clips_int8, with_unsigned_weights

if TYPE_CHECKING:
    import onnxruntime as ort

__all__ = ["OnnxEngine", "open_session"]

_INPUTS: Final = {"input_ids", "slots"}


class OnnxEngine:
    """Runs `model.onnx`: `input_ids` (1, tokens) and `slots` (1, blocks) in, `log_odds` (1, blocks) out."""

    def __init__(self, path: Path, *, threads: int | None = None, name: str = "onnx", device: str = "cpu") -> None:
        """Load the graph.

        Args:
            device: `cuda` for a graph that was exported for a card; where ONNX Runtime has none, the processor runs it.
            threads: windows run at a time; None for the number of usable cores.

        Raises:
            ModelMissingError: no such file.
            ModelIncompatibleError: not an ONNX graph of this form.
        """
        if not path.is_file():
            raise ModelMissingError("the model directory has no model.onnx.", source=str(path.parent))
        self.name = name
        self._session = _session(path, device)
        self._threads = threads or _usable_cores()
        self._pool: ThreadPoolExecutor | None = None

    def log_odds(self, windows: Sequence[Window]) -> list[npt.NDArray[np.float64]]:
        if self._threads == 1 or len(windows) < 2:
            return [self._run(window) for window in windows]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="docalign-onnx")
        return list(self._pool.map(self._run, windows))

    def _run(self, window: Window) -> npt.NDArray[np.float64]:
        feeds = {"input_ids": window.ids[None, :], "slots": window.slots[None, :]}
        (values,) = self._session.run(["log_odds"], feeds)
        scores = np.asarray(values)[0]
        if not np.isfinite(scores).all():
            raise ModelIncompatibleError(
                "the model gives numbers that are not finite.", source=self.name, remedy="Export the model again."
            )
        return rounded(scores)


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _session(path: Path, device: str) -> ort.InferenceSession:
    import onnxruntime as ort

    wanted = ["CUDAExecutionProvider"] if device == "cuda" else []
    providers = [p for p in wanted if p in ort.get_available_providers()]
    session = open_session(str(path), str(path), [*providers, "CPUExecutionProvider"])
    if {i.name for i in session.get_inputs()} != _INPUTS:
        raise ModelIncompatibleError("its graph does not take input_ids and slots.", source=str(path))
    return session


def open_session(graph: str | bytes, source: str, providers: Sequence[str]) -> ort.InferenceSession:
    """A session of one thread for a graph file, or the bytes of one, called `source`.

    On a processor that clips int8 products the weights are given another form, so that the numbers are the same.

    Raises:
        ModelIncompatibleError: ONNX Runtime cannot load it.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        if list(providers) == ["CPUExecutionProvider"] and clips_int8():
            graph = with_unsigned_weights(graph if isinstance(graph, bytes) else Path(graph).read_bytes())
        return ort.InferenceSession(graph, options, providers=list(providers))
    except Exception as error:  # onnxruntime's errors share no base class but Exception
        raise ModelIncompatibleError(
            f"ONNX Runtime cannot load it ({str(error).splitlines()[0][:200]}).",
            source=source,
            remedy="Export the model again with `docalign export`.",
        ) from error
