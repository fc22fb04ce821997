"""The packed graph: many windows in one run, made from a model's own graph, with its own weights.

Tokens of all windows stand one after the other, `(1, tokens)`, so that every matrix product sees real tokens only.
Attention alone must keep windows apart: before it, `rows` spreads the tokens over `(windows, longest)`; behind it,
`back` puts them into one row again. Padding stands behind the tokens of its window, where causal attention never looks,
so what a window's numbers are does not depend on what else is in the run.

It rewrites graphs that `train/graph.py` built; of any other it gives None. Needs `onnx` (extra `serve`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from docalign.runtime.half import to_half

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx

    from docalign.chunker.context import Window

__all__ = ["Packed", "pack", "packed_graph"]

_ATTENTION: Final = "GroupQueryAttention"
_GRAPH: Final = "docalign_policy"
_OF_ONE_WINDOW: Final = frozenset({"shape", "tokens", "total", "before", "lengths"})
"""What the graph derives from the length of its one window."""


@dataclass(frozen=True, slots=True)
class Packed:
    """The feeds of one run, and how its answer is divided.

    `ids` (1, tokens); `slots` (1, slots), positions in `ids`; `rows` (windows, longest), positions in `ids`; `back`
    (tokens, 2), row and column in `rows`; `lengths` (windows, 1), the last column used. `edges` are where each
    window's slots begin in the answer, without the first.
    """

    ids: npt.NDArray[np.int64]
    slots: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    back: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int32]
    edges: tuple[int, ...]

    @property
    def feeds(self) -> dict[str, npt.NDArray[Any]]:
        return {
            "input_ids": self.ids,
            "slots": self.slots,
            "rows": self.rows,
            "back": self.back,
            "lengths": self.lengths,
        }


def pack(windows: Sequence[Window], *, least_width: int = 0) -> Packed:
    """The feeds for these windows; attention's rows are at least `least_width` long (for fixed shapes)."""
    sizes = np.array([len(w.ids) for w in windows])
    starts = np.cumsum(sizes) - sizes
    width = max(least_width, int(sizes.max()))
    columns = np.arange(width)
    rows = np.where(columns < sizes[:, None], starts[:, None] + columns, 0)
    window = np.repeat(np.arange(len(windows)), sizes)
    position = np.arange(int(sizes.sum())) - starts[window]
    slots = [w.slots + start for w, start in zip(windows, starts, strict=True)]
    return Packed(
        ids=np.concatenate([w.ids for w in windows])[None, :],
        slots=np.concatenate(slots)[None, :],
        rows=rows,
        back=np.stack([window, position], axis=1),
        lengths=(sizes - 1).astype(np.int32)[:, None],
        edges=tuple(np.cumsum([len(s) for s in slots])[:-1].tolist()),
    )


def packed_graph(path: Path, *, half: bool = False) -> bytes | None:
    """The packed form of the graph in `path`, serialised; None where the graph is of another make.

    Args:
        half: in float16, for devices on which int8 is slow (`half.py`).

    Raises:
        ImportError: `onnx` is missing.
    """
    import onnx

    model = onnx.load(str(path))
    graph = model.graph
    if graph.name != _GRAPH or not any(node.op_type == _ATTENTION for node in graph.node):
        return None
    _rewrite(graph)
    if half:
        to_half(graph)
    data: bytes = model.SerializeToString()
    return data


def _rewrite(graph: onnx.GraphProto) -> None:
    from onnx import TensorProto, helper, numpy_helper

    graph.initializer.append(numpy_helper.from_array(np.array(1, dtype=np.int64), "packed.axis1"))
    graph.initializer.append(numpy_helper.from_array(np.array([0], dtype=np.int64), "packed.axes0"))
    nodes = [
        helper.make_node("Shape", ["rows"], ["packed.shape"]),
        helper.make_node("Gather", ["packed.shape", "packed.axis1"], ["packed.longest"], axis=0),
        helper.make_node("Cast", ["packed.longest"], ["total"], to=TensorProto.INT32),
    ]
    for node in graph.node:
        if not set(node.output) & _OF_ONE_WINDOW:
            nodes += _apart(node) if node.op_type == _ATTENTION else [node]
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [t for t in graph.initializer if t.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    inputs: tuple[tuple[str, int, tuple[str | int, str | int]], ...] = (
        ("rows", TensorProto.INT64, ("windows", "longest")),
        ("back", TensorProto.INT64, ("tokens", 2)),
        ("lengths", TensorProto.INT32, ("windows", 1)),
    )
    for name, kind, shape in inputs:
        graph.input.append(helper.make_tensor_value_info(name, kind, shape))


def _apart(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Attention with the tokens of each window in a row of their own."""
    from onnx import helper

    before, after = node.input[0], node.output[0]
    node.input[0], node.output[0] = f"{after}.packed.rows", f"{after}.packed.apart"
    return [
        helper.make_node("Gather", [before, "rows"], [f"{after}.packed.spread"], axis=1),
        helper.make_node("Squeeze", [f"{after}.packed.spread", "packed.axes0"], [f"{after}.packed.rows"]),
        node,
        helper.make_node("GatherND", [f"{after}.packed.apart", "back"], [f"{after}.packed.tokens"]),
        helper.make_node("Unsqueeze", [f"{after}.packed.tokens", "packed.axes0"], [after]),
    ]
