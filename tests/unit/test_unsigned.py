"""int8 products are exact on processors that clip them: the weights are given another form, the numbers stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from docalign.errors import ModelIncompatibleError
from docalign.runtime import unsigned
from docalign.runtime.onnx import open_session
from docalign.runtime.wire import fields_of, varint
from docalign.train.quantise import quantise_int8

CPU = ["CPUExecutionProvider"]


@pytest.fixture(scope="module")
def quantised() -> bytes:
    """Two products after each other, whose activations and weights are as loud as int8 can be."""
    draw = np.random.default_rng(3)
    weights = [draw.choice([-1.0, 1.0, 0.97], (64, 48)), draw.choice([-1.0, 1.0], (48, 40))]
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "a"], ["h"], name="first"),
            helper.make_node("MatMul", ["h", "b"], ["y"], name="second"),
        ],
        "loud",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, None, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, None, 40])],
        [numpy_helper.from_array(w.astype(np.float32), n) for n, w in zip("ab", weights, strict=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return quantise_int8(model).SerializeToString()


def test_the_form_without_clipping_has_the_same_products(quantised: bytes) -> None:
    changed = onnx.load_from_string(unsigned.with_unsigned_weights(quantised))
    onnx.checker.check_model(changed, full_check=True)
    before = {t.name: numpy_helper.to_array(t) for t in onnx.load_from_string(quantised).graph.initializer}
    after = {t.name: numpy_helper.to_array(t) for t in changed.graph.initializer}
    products = [node for node in changed.graph.node if node.op_type == "MatMulInteger"]
    assert len(products) == 2
    for node in products:
        _, weight, zero, offset = node.input
        assert zero == offset
        assert after[weight].dtype == np.uint8
        np.testing.assert_array_equal(after[weight].astype(int) - int(after[offset]), before[weight])
    same = before.keys() - {node.input[1] for node in products}
    assert all(np.array_equal(before[name], after[name]) for name in same)
    assert unsigned.with_unsigned_weights(changed.SerializeToString()) == changed.SerializeToString()


def test_a_session_gives_what_exact_integers_give(quantised: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(4).choice([-1.0, 1.0], (1, 9, 64)).astype(np.float32)
    weights = {t.name: numpy_helper.to_array(t) for t in onnx.load_from_string(quantised).graph.initializer}
    value = x[0].astype(np.float64)
    for name in ("first", "second"):
        scale = np.abs(value).max(axis=1, keepdims=True) / 127
        sums = np.rint(value / scale).astype(np.int64) @ weights[f"{name}.int8"].astype(np.int64)
        value = sums * scale * weights[f"{name}.scales"].astype(np.float64)
    for clips in {unsigned.clips_int8(), True}:  # the other form is right wherever it is used
        monkeypatch.setattr("docalign.runtime.onnx.clips_int8", lambda clips=clips: clips)
        (y,) = open_session(quantised, "loud", CPU).run(None, {"x": x})
        np.testing.assert_allclose(y[0], value, rtol=1e-3, atol=0.02 * np.abs(value).max())


def test_what_the_processor_does_is_tried_on_a_sound_model() -> None:
    onnx.checker.check_model(onnx.load_from_string(unsigned._greatest()), full_check=True)
    assert unsigned.clips_int8() in (True, False)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 300, 2**35])
def test_numbers_of_the_wire_format(size: int) -> None:
    ((number, kind, value),) = fields_of(memoryview(bytes([1 << 3]) + varint(size)))
    assert (number, kind) == (1, 0)
    assert bytes(value) == varint(size)


@pytest.mark.parametrize("damage", [b"\x3a\x7f", b"\x3a", b"\xff" * 12, b"\x0b"])
def test_what_is_no_model_is_said_to_be_none(damage: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docalign.runtime.onnx.clips_int8", lambda: True)
    (tmp_path / "model.onnx").write_bytes(damage)
    with pytest.raises(ModelIncompatibleError):
        open_session(str(tmp_path / "model.onnx"), "model.onnx", CPU)
