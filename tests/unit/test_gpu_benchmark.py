"""The card's benchmark on a processor: every arm runs on the same windows, and the report says what it lacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the training extra is not installed")
pytest.importorskip("trl", reason="the training extra is not installed")

from benchmarks import gpu  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def test_without_a_card_it_runs_and_says_that_nothing_was_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gpu.json"
    gpu.main(
        ["--device", "cpu", "--tokens", "64", "--lengths", "32", "--repeats", "1", "--no-compile", "--out", str(out)]
    )
    report = json.loads(out.read_text())
    assert report["gpu"] is None
    assert "goals_met" not in report
    assert any("no card" in missing for missing in report["not_run"])
    assert "NOT RUN" in capsys.readouterr().err
    rows = {row["arm"]: row for row in report["rows"]}
    assert set(rows) == {"onnx", "torch eager", "torch sdpa"}
    assert all(row["windows"] == 2 and row["windows_per_s"] > 0 for row in rows.values())
    assert rows["torch eager"]["same_label_as_onnx"] >= 0.5, "the same model"


def test_the_roofline_has_the_shapes_of_the_model() -> None:
    from transformers import LlamaConfig

    config = LlamaConfig(
        hidden_size=576, intermediate_size=1536, num_attention_heads=9, num_key_value_heads=3, num_hidden_layers=2
    )
    assert gpu.products(config) == [(576, 960), (576, 576), (576, 1536), (576, 1536), (1536, 576)]
    gpu.roofline_run(config, 8, "cpu", torch.float32)()
