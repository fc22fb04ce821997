"""Smoothing changes no number that the policy computes, and lets int8 keep more of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra is not installed")

from docalign.chunker.context import Window  # noqa: E402
from docalign.runtime.onnx import OnnxEngine  # noqa: E402
from docalign.train.engine import TorchEngine  # noqa: E402
from docalign.train.export import export  # noqa: E402
from docalign.train.slot_model import cut_base, load_policy, save_policy  # noqa: E402
from docalign.train.smooth import smooth  # noqa: E402
from tests.support.tiny_models import tiny_base  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def windows() -> list[Window]:
    rng = np.random.default_rng(3)
    return [Window(rng.integers(0, 200, 150), np.arange(4, 150, 7), tuple(range(21))) for _ in range(12)]


@pytest.fixture(scope="module")
def policy(tmp_path_factory) -> Path:
    """A policy whose norms let a few channels through thirty times louder, as those of real LLMs do."""
    root = tmp_path_factory.mktemp("loud")
    model, tokenizer, config = cut_base(tiny_base(root / "base"), layers=2)
    with torch.no_grad():
        for layer in model.model.layers:
            for norm, products in (
                (layer.input_layernorm, (layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj)),
                (layer.post_attention_layernorm, (layer.mlp.gate_proj, layer.mlp.up_proj)),
            ):
                norm.weight[::11] *= 30
                for product in products:
                    product.weight[:, ::11] /= 30
    save_policy(model, tokenizer, config, root / "policy")
    return root / "policy"


def test_smoothing_changes_no_number(policy, windows):
    model, _, config = load_policy(policy)
    before = np.concatenate(TorchEngine.of(model, config, bf16=False).log_odds(windows))
    weights = model.model.layers[0].mlp.up_proj.weight.clone()
    smooth(model, windows[:4])
    after = np.concatenate(TorchEngine.of(model, config, bf16=False).log_odds(windows))
    np.testing.assert_allclose(after, before, atol=2 / 256)
    assert not torch.allclose(weights, model.model.layers[0].mlp.up_proj.weight)


def test_int8_keeps_more_of_a_loud_policy(policy, windows, tmp_path, monkeypatch):
    import json

    def gap(out: Path) -> float:
        export(policy, out, precision="int8", probes=windows)
        return float(json.loads((out / "docalign.json").read_text())["agreement"]["mean_difference"])

    smoothed = gap(tmp_path / "smoothed")
    monkeypatch.setattr("docalign.train.export.smooth", lambda *_: None)
    assert smoothed < 0.7 * gap(tmp_path / "plain")


def test_what_was_learned_since_an_int8_model_is_not_rounded_away(policy, windows, tmp_path, monkeypatch):
    """Weights that moved by a quarter of a step would all fall back if the steps stayed the same."""
    model, tokenizer, config = load_policy(export(policy, tmp_path / "before", precision="int8"))
    before = np.concatenate(TorchEngine.of(model, config, bf16=False).log_odds(windows))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("down_proj.weight", "o_proj.weight")):
                steps = weight.abs().amax(1, keepdim=True) / 127
                inner = weight.abs() < 126 * steps
                weight.add_(0.25 * steps * inner)
    save_policy(model, tokenizer, config, tmp_path / "moved")
    after = np.concatenate(TorchEngine.of(model, config, bf16=False).log_odds(windows))

    def kept(out: Path) -> float:
        export(tmp_path / "moved", out, precision="int8", probes=windows)
        found = np.concatenate(OnnxEngine(out / "model.onnx").log_odds(windows))
        return float(np.corrcoef(found - before, after - before)[0, 1])

    smoothed = kept(tmp_path / "smoothed")
    monkeypatch.setattr("docalign.train.export.smooth", lambda *_: None)
    assert smoothed > kept(tmp_path / "plain") + 0.2
