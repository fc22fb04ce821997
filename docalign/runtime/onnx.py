"""The ONNX Runtime engine: the shipped way to run a model. Needs no torch.

Windows are run one by one on the CPU: without padding there is nothing to waste, and nothing else in a batch can touch
a window's numbers.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from docalign.chunker.context import Window
from docalign.errors import ModelIncompatibleError, ModelMissingError
from docalign.runtime.engine import rounded

if TYPE_CHECKING:
    import onnxruntime as ort

__all__ = ["OnnxEngine"]

_INPUTS: Final = {"input_ids", "slots"}


class OnnxEngine:
    """Runs `model.onnx`: `input_ids` (1, tokens) and `slots` (1, blocks) in, `log_odds` (1, blocks) out."""

    def __init__(self, path: Path, *, threads: int | None = None, name: str = "onnx") -> None:
        """Load the graph.

        Args:
            threads: intra-op threads; None for the number of usable cores.

        Raises:
            ModelMissingError: no such file.
            ModelIncompatibleError: not an ONNX graph of this form.
        """
        if not path.is_file():
            raise ModelMissingError("the model directory has no model.onnx.", source=str(path.parent))
        self.name = name
        self._session = _session(path, threads or len(os.sched_getaffinity(0)))

    def log_odds(self, windows: Sequence[Window]) -> list[npt.NDArray[np.float64]]:
        return [self._run(window) for window in windows]

    def _run(self, window: Window) -> npt.NDArray[np.float64]:
        feeds = {"input_ids": window.ids[None, :], "slots": window.slots[None, :]}
        (values,) = self._session.run(["log_odds"], feeds)
        return rounded(np.asarray(values)[0])


def _session(path: Path, threads: int) -> ort.InferenceSession:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # The arena keeps the largest window's buffers for good: with it memory is flat, without it slower, not smaller.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class but Exception
        raise ModelIncompatibleError(
            f"ONNX Runtime cannot load it ({str(error).splitlines()[0][:200]}).",
            source=str(path),
            remedy="Export the model again with `docalign export`.",
        ) from error
    if {i.name for i in session.get_inputs()} != _INPUTS:
        raise ModelIncompatibleError("its graph does not take input_ids and slots.", source=str(path))
    return session
