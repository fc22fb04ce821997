"""An exported model is a policy that training can go on from: the same numbers, the same int8 weights, no more loss."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra is not installed")
pytest.importorskip("trl", reason="the training extra is not installed")

import onnx  # noqa: E402
from onnx import numpy_helper  # noqa: E402

from docalign.chunker.context import Window  # noqa: E402
from docalign.chunker.prior import LengthPrior  # noqa: E402
from docalign.errors import ModelIncompatibleError  # noqa: E402
from docalign.models import models_dir  # noqa: E402
from docalign.runtime.onnx import OnnxEngine  # noqa: E402
from docalign.train.engine import TorchEngine  # noqa: E402
from docalign.train.export import export  # noqa: E402
from docalign.train.sft import SftOptions, train_sft  # noqa: E402
from docalign.train.slot_model import cut_base, load_policy, save_policy  # noqa: E402
from tests.support.tiny_models import gold_file, tiny_base  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

PRIOR = LengthPrior(tuple(-0.001 - 0.3 * abs(k - 1) for k in LengthPrior().knots))


@pytest.fixture(scope="module")
def policy(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("policy")
    model, tokenizer, config = cut_base(tiny_base(root / "base"), layers=2)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.uniform_(0.5, 1.5)
        values = -torch.tensor(PRIOR.values, dtype=torch.float64)
        model.length_prior.raw.copy_(torch.log(torch.expm1(values)))
    save_policy(model, tokenizer, config, root / "policy", free_bias=1.25)
    return root / "policy"


@pytest.fixture(scope="module")
def windows() -> list[Window]:
    rng = np.random.default_rng(3)
    return [Window(rng.integers(0, 200, n), np.arange(4, n, 7), tuple(range(len(range(4, n, 7))))) for n in (60, 150)]


def state(path: Path) -> dict[str, np.ndarray]:
    return {t.name: numpy_helper.to_array(t) for t in onnx.load(path / "model.onnx").graph.initializer}


def test_a_float_export_comes_back_exactly(policy, windows, tmp_path):
    model, _, config = load_policy(export(policy, tmp_path, precision="fp32"))
    first, _, stated = load_policy(policy)
    theirs = first.state_dict()
    for name, value in model.state_dict().items():
        if name == "lm_head.weight":
            torch.testing.assert_close(value[0] - value[1], theirs[name][0] - theirs[name][1], rtol=0, atol=0)
        else:
            torch.testing.assert_close(value, theirs[name].to(value.dtype), rtol=1e-6, atol=1e-9, msg=name)
    assert config == stated
    assert config.free_bias == 1.25
    ours = TorchEngine.of(model, config, bf16=False).log_odds(windows)
    np.testing.assert_allclose(
        np.concatenate(ours), np.concatenate(TorchEngine(policy, bf16=False).log_odds(windows)), atol=1 / 256
    )


def test_an_int8_export_loses_only_what_rounding_lost(policy, windows, tmp_path):
    exported = export(policy, tmp_path / "one", precision="int8")
    model, tokenizer, config = load_policy(exported)
    ours = np.concatenate(TorchEngine.of(model, config, bf16=False).log_odds(windows))
    graph = np.concatenate(OnnxEngine(exported / "model.onnx").log_odds(windows))
    full = np.concatenate(TorchEngine(policy, bf16=False).log_odds(windows))
    assert np.abs(ours - full).max() < 0.2 * full.std(), "weights alone are rounded"
    assert np.abs(graph - ours).max() < 0.2 * full.std() + 0.05, "activations are rounded too"

    save_policy(model, tokenizer, config, tmp_path / "policy")
    again = export(tmp_path / "policy", tmp_path / "two", precision="int8")
    first, second = state(exported), state(again)
    assert first.keys() == second.keys()
    for name, values in first.items():
        if values.dtype == np.float32:
            np.testing.assert_allclose(second[name], values, rtol=1e-6, err_msg=name)
        else:
            np.testing.assert_array_equal(second[name], values, err_msg=name)
    described = [json.loads((p / "docalign.json").read_text()) for p in (exported, again)]
    assert described[0]["free_bias"] == described[1]["free_bias"] == 1.25
    np.testing.assert_allclose(described[0]["prior"]["values"], described[1]["prior"]["values"], atol=1e-9)
    assert (again / "tokenizer.json").read_bytes() == (exported / "tokenizer.json").read_bytes()


def test_training_goes_on_from_an_exported_model(policy, tmp_path):
    exported = export(policy, tmp_path / "model")
    gold = gold_file(tmp_path / "gold.jsonl", lines=2)  # both state sizes, so no bias is fitted
    options = SftOptions(base="unused", max_steps=1, warmup_steps=0, learning_rate=0.0, prior_learning_rate=0.0)
    out = train_sft([gold], tmp_path / "run", options, init=exported)
    trained, started = load_policy(out)[0].state_dict(), load_policy(exported)[0].state_dict()
    for name, value in started.items():
        torch.testing.assert_close(trained[name], value, rtol=0, atol=0, msg=name)
    assert load_policy(out)[2].free_bias == 1.25, "a run without such windows keeps the bias"


def test_what_cannot_be_had_back_is_named(policy, tmp_path):
    exported = export(policy, tmp_path / "whole")
    lost = Path(shutil.copytree(exported, tmp_path / "lost"))
    (lost / "config.json").unlink()
    with pytest.raises(ModelIncompatibleError, match=r"no config\.json"):
        load_policy(lost)
    other = Path(shutil.copytree(exported, tmp_path / "other"))
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 5}))
    with pytest.raises(ModelIncompatibleError, match="not the one config"):
        load_policy(other)
    cut = Path(shutil.copytree(exported, tmp_path / "cut"))
    (cut / "model.onnx").write_bytes((cut / "model.onnx").read_bytes()[:-2000])
    with pytest.raises(ModelIncompatibleError):
        load_policy(cut)
    qwen = Path(shutil.copytree(exported, tmp_path / "qwen"))
    (qwen / "config.json").write_text(json.dumps(config | {"model_type": "qwen2"}))
    with pytest.raises(ModelIncompatibleError, match="qwen2"):
        load_policy(qwen)


def test_the_shipped_model_can_be_taught():
    model, tokenizer, config = load_policy(models_dir() / "docalign-smollm2-16l")
    assert config.layers == len(model.model.layers)
    assert tokenizer.decode([config.label_ids[0]]) == " S"
