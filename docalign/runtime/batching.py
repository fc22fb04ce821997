"""The engine of the service: all windows it is given in one run, on the device that `choose_device` finds.

On a CPU several threads may run at a time, each on a core of its own, and numbers are those of `OnnxEngine` bit for bit
(`packed.py` says why): the engine goes by the same name there, and chunks keep their ids. On a CUDA device the graph is
float16 (`half.py`), and the engine is called so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, Protocol, cast

import numpy as np
import numpy.typing as npt

from docalign.chunker.context import Window
from docalign.errors import ModelIncompatibleError, ModelMissingError, UsageError
from docalign.runtime.engine import Engine, rounded
from docalign.runtime.onnx import OnnxEngine, open_session
from docalign.runtime.packed import pack, packed_graph

__all__ = ["Device", "PackedEngine", "Runtime", "choose_device", "load_engine"]

Device = Literal["cpu", "cuda"]

_CUDA: Final = "CUDAExecutionProvider"
_MADE_HALF: Final = ("int8", "fp32")
"""Precisions that run in float16 on a GPU; others were exported for what they run on."""


class Runtime(Protocol):
    """What is asked of onnxruntime about the machine."""

    def get_available_providers(self) -> list[str]: ...


def choose_device(wanted: str = "auto", runtime: Runtime | None = None, *, has_gpu: bool | None = None) -> Device:
    """`cuda` where this onnxruntime can use a GPU and there is one, else `cpu`; `wanted` may insist on either.

    Raises:
        UsageError: no such device, or `cuda` is insisted on and cannot be had.
    """
    if wanted not in ("auto", "cpu", "cuda"):
        raise UsageError(f"device is {wanted!r}.", remedy="Use auto, cpu or cuda.")
    if wanted == "cpu":
        return "cpu"
    if runtime is None:
        import onnxruntime

        runtime = cast("Runtime", onnxruntime)
    built = _CUDA in runtime.get_available_providers()
    if built and (_has_gpu() if has_gpu is None else has_gpu):
        return "cuda"
    if wanted == "cuda":
        what = "no GPU answers" if built else "this onnxruntime has no CUDA in it"
        raise UsageError(
            f"device is cuda, but {what}.",
            remedy="Run pip install '.[gpu]' in the docalign folder, install the card's driver, or use cpu.",
        )
    return "cpu"


def _has_gpu() -> bool:
    """Whether the driver shows a device; asking it loads no library and needs no permission."""
    return any(Path("/proc/driver/nvidia/gpus").glob("*")) or any(Path("/dev").glob("nvidia[0-9]*"))


def load_engine(graph: Path, precision: str, device: Device) -> Engine:
    """The best engine there is for a model's graph on a device; windows run one at a time where it cannot be packed.

    Raises:
        ModelError: the graph cannot be loaded.
    """
    if not graph.is_file():
        raise ModelMissingError("the model directory has no model.onnx.", source=str(graph.parent))
    packed = packed_graph(graph, half=device == "cuda" and precision in _MADE_HALF)
    if packed is not None:
        name = f"onnx-{precision}" if device == "cpu" else "onnx-cuda-fp16"
        return PackedEngine(packed, source=str(graph), name=name, device=device)
    return OnnxEngine(graph, threads=1, name=f"onnx-{precision}")


class PackedEngine:
    """Runs a packed graph. Threads may share it."""

    def __init__(self, graph: bytes, *, source: str, name: str, device: Device = "cpu") -> None:
        """Load the graph.

        Raises:
            ModelIncompatibleError: onnxruntime cannot load it.
        """
        self.name = name
        providers = ["CPUExecutionProvider"] if device == "cpu" else [_CUDA, "CPUExecutionProvider"]
        self._session = open_session(graph, source, providers)
        if device == "cuda" and _CUDA not in self._session.get_providers():
            raise ModelIncompatibleError("onnxruntime did not take the GPU.", source=source, remedy="Check its driver.")

    def log_odds(self, windows: Sequence[Window]) -> list[npt.NDArray[np.float64]]:
        packed = pack(windows)
        (values,) = self._session.run(["log_odds"], packed.feeds)
        scores = np.asarray(values)[0]
        if not np.isfinite(scores).all():
            raise ModelIncompatibleError(
                "the model gives numbers that are not finite.", source=self.name, remedy="Export the model again."
            )
        return [rounded(part) for part in np.split(scores, packed.edges)]
