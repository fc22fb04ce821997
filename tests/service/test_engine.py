"""Engines: packed runs give the numbers of single runs bit for bit, and the device is chosen by one function."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from docalign.chunker.context import Window
from docalign.errors import ModelIncompatibleError, ModelMissingError, UsageError
from docalign.models import SHIPPED, models_dir
from docalign.runtime.batching import PackedEngine, choose_device, load_engine
from docalign.runtime.onnx import OnnxEngine
from docalign.runtime.packed import packed_graph

GRAPH = models_dir() / SHIPPED / "model.onnx"


def windows(count: int, longest: int, seed: int = 0) -> list[Window]:
    rng = np.random.default_rng(seed)
    made = []
    for n in rng.integers(2, longest, count):
        slots = np.sort(rng.choice(np.arange(1, n), max(1, n // 20), replace=False)).astype(np.int64)
        made.append(Window(rng.integers(6, 40_000, n), slots, tuple(range(len(slots)))))
    return made


@pytest.fixture(scope="module")
def single() -> OnnxEngine:
    return OnnxEngine(GRAPH, threads=1, name="onnx-int8")


@pytest.fixture(scope="module")
def packed() -> PackedEngine:
    engine = load_engine(GRAPH, "int8", "cpu")
    assert isinstance(engine, PackedEngine), "the shipped graph can be packed"
    return engine


@pytest.mark.parametrize("at_a_time", [1, 5, 32])
def test_what_else_is_in_a_run_changes_no_bit(single: OnnxEngine, packed: PackedEngine, at_a_time: int) -> None:
    given = windows(40, 60)
    expected = single.log_odds(given)
    found = [score for i in range(0, 40, at_a_time) for score in packed.log_odds(given[i : i + at_a_time])]
    assert [a.tolist() for a in found] == [b.tolist() for b in expected]


def test_a_long_window_beside_short_ones_changes_no_bit(single: OnnxEngine, packed: PackedEngine) -> None:
    given = [*windows(6, 30), *windows(1, 3, seed=1), *windows(2, 512, seed=5)]
    assert [a.tolist() for a in packed.log_odds(given)] == [b.tolist() for b in single.log_odds(given)]


@pytest.mark.slow
def test_a_thousand_windows_at_1_and_32(single: OnnxEngine, packed: PackedEngine) -> None:
    given = windows(1000, 512, seed=9)
    expected = [scores.tolist() for scores in single.log_odds(given)]
    for at_a_time in (1, 32):
        found = [s.tolist() for i in range(0, 1000, at_a_time) for s in packed.log_odds(given[i : i + at_a_time])]
        assert found == expected


def test_it_goes_by_the_same_name_so_that_ids_are_the_same(packed: PackedEngine) -> None:
    assert packed.name == "onnx-int8"


def test_the_half_precision_graph_is_the_same_model(single: OnnxEngine) -> None:
    graph = packed_graph(GRAPH, half=True)
    assert graph is not None
    half = PackedEngine(graph, source="half", name="onnx-cuda-fp16")
    given = windows(12, 80, seed=3)
    a, b = np.concatenate(single.log_odds(given)), np.concatenate(half.log_odds(given))
    assert np.corrcoef(a, b)[0, 1] > 0.98, "int8 and float16 are two roundings of the same weights"


class Runtime:
    def __init__(self, *providers: str) -> None:
        self._providers = list(providers)

    def get_available_providers(self) -> list[str]:
        return self._providers


CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


@pytest.mark.parametrize(
    ("providers", "has_gpu", "device"),
    [((CUDA, CPU), True, "cuda"), ((CUDA, CPU), False, "cpu"), ((CPU,), True, "cpu"), ((CPU,), False, "cpu")],
)
def test_the_gpu_is_used_where_there_is_one_and_onnxruntime_can(
    providers: tuple[str, ...], has_gpu: bool, device: str
) -> None:
    assert choose_device("auto", Runtime(*providers), has_gpu=has_gpu) == device
    assert choose_device("cpu", Runtime(*providers), has_gpu=has_gpu) == "cpu"
    if device == "cuda":
        assert choose_device("cuda", Runtime(*providers), has_gpu=has_gpu) == "cuda"
    else:
        with pytest.raises(UsageError, match="cuda"):
            choose_device("cuda", Runtime(*providers), has_gpu=has_gpu)


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(UsageError):
        choose_device("tpu")


def test_a_missing_graph_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError):
        load_engine(tmp_path / "model.onnx", "int8", "cpu")


def test_what_is_no_graph_is_refused() -> None:
    with pytest.raises(ModelIncompatibleError):
        PackedEngine(b"no graph", source="x", name="x")
