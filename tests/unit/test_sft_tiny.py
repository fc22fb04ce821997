"""Base → policy → ONNX → chunks, with a model of two layers: the whole road in seconds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra is not installed")
pytest.importorskip("trl", reason="the training extra is not installed")

import onnx  # noqa: E402
import onnxruntime  # noqa: E402
from tokenizers import Tokenizer, models  # noqa: E402

from docalign.chunk import violations  # noqa: E402
from docalign.chunker import ChunkOptions  # noqa: E402
from docalign.chunker.chunker import Chunker  # noqa: E402
from docalign.chunker.context import Window, windows_of  # noqa: E402
from docalign.chunker.prompt import hints_for  # noqa: E402
from docalign.counting import counter  # noqa: E402
from docalign.errors import DocalignError, ModelIncompatibleError, ModelMissingError, UsageError  # noqa: E402
from docalign.runtime.onnx import OnnxEngine  # noqa: E402
from docalign.train.engine import TorchEngine  # noqa: E402
from docalign.train.export import export  # noqa: E402
from docalign.train.gold import read_gold  # noqa: E402
from docalign.train.graph import is_llama, llama_graph  # noqa: E402
from docalign.train.quantise import quantise_int8  # noqa: E402
from docalign.train.sft import SftOptions, policy_loss, train_sft  # noqa: E402
from docalign.train.slot_model import cut_base, load_policy, log_odds, renderer_of  # noqa: E402
from docalign.train.windows import RAW_CAP, collate, training_windows  # noqa: E402
from tests.support.documents import document_of  # noqa: E402
from tests.support.tiny_models import gold_file, tiny_base  # noqa: E402

pytestmark = [
    # What transformers, TRL and torch say about themselves is not ours to mend.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The directory with `base/` and `gold.jsonl`."""
    root = tmp_path_factory.mktemp("tiny")
    tiny_base(root / "base")
    gold_file(root / "gold.jsonl")
    return root


@pytest.fixture(scope="module")
def policy(made) -> Path:
    """A policy after four steps, never interrupted; the loss of every step is in `whole/losses.json`."""
    out, losses = recorded(made, made / "whole", options(made, max_steps=4, save_steps=2))
    (made / "whole" / "losses.json").write_text(json.dumps(losses))
    return out


def recorded(made: Path, out: Path, chosen: SftOptions) -> tuple[Path, list[float]]:
    """Train and note the loss of every step."""
    losses = []

    def noting(*args):
        loss = policy_loss(*args)
        losses.append(loss.item())
        return loss

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("docalign.train.sft.policy_loss", noting)
        return train_sft([made / "gold.jsonl"], out, chosen), losses


@pytest.fixture(scope="module")
def probes(made, policy) -> list[Window]:
    _, tokenizer, config = load_policy(policy)
    renderer = renderer_of(tokenizer, config)
    found = []
    for line in read_gold(made / "gold.jsonl"):
        hints = hints_for(line.document, [10] * len(line.document.blocks), 60, 120)
        found += windows_of(line.document, hints, renderer)
    return found


@pytest.fixture(scope="module")
def exported(made, policy, probes) -> Path:
    return export(policy, made / "model", precision="fp32", probes=probes)


def options(made: Path, *, base: Path | None = None, **more) -> SftOptions:
    fast = {"layers": 2, "batch_windows": 2, "warmup_steps": 0, "learning_rate": 2e-3}
    return SftOptions(base=str(base or made / "base"), **(fast | more))


# Base and training.


def test_a_cut_base_keeps_its_first_layers_and_two_label_rows(made):
    whole, tokenizer, config = cut_base(made / "base", layers=None)
    cut, _, _ = cut_base(made / "base", layers=1)
    assert (config.layers, len(cut.model.layers), cut.config.num_hidden_layers) == (2, 1, 1)
    assert tokenizer.convert_ids_to_tokens(config.slot_id) == "<file_sep>"
    assert [tokenizer.decode([i]) for i in config.label_ids] == [" S", " C"]
    assert whole.lm_head.weight.shape == (2, 32)
    embedding = whole.get_input_embeddings().weight
    assert torch.equal(whole.lm_head.weight, embedding[list(config.label_ids)])  # the base has tied weights


def test_training_writes_a_policy_that_can_be_read_again(made, policy):
    model, _, config = load_policy(policy)
    described = json.loads((policy / "docalign.json").read_text())
    assert described["run"]["windows"] == 8
    assert config.layers == 2
    fresh, _, _ = cut_base(made / "base", layers=2)
    assert not torch.equal(model.lm_head.weight, fresh.lm_head.weight)
    assert not torch.equal(model.length_prior.raw, fresh.length_prior.raw), "the length prior learns too"
    assert torch.equal(model.get_input_embeddings().weight, fresh.get_input_embeddings().weight), (
        "embeddings are frozen"
    )
    assert described["prior"]["values"] == list(model.length_prior.prior().values)


def test_training_lowers_the_loss(made, tmp_path):
    _, first = windows_and_model(made, cut_base(made / "base", layers=2))
    out = train_sft([made / "gold.jsonl"], tmp_path, options(made, max_steps=5, learning_rate=5e-3, save_steps=100))
    _, last = windows_and_model(made, load_policy(out))
    assert last < 0.9 * first


def windows_and_model(made, loaded):
    model, tokenizer, config = loaded
    renderer = renderer_of(tokenizer, config)
    windows = list(training_windows(read_gold(made / "gold.jsonl"), renderer, seed=1, max_tokens=2000))
    batch = collate(windows, pad_id=config.slot_id)
    with torch.no_grad():
        return windows, float(policy_loss(log_odds(model, batch), batch, model.length_prior.values, "likelihood"))


def test_a_killed_run_goes_on_where_it_was_and_ends_the_same(made, policy, tmp_path):
    whole = made / "whole"
    shutil.copy(whole / "asked.json", tmp_path)
    shutil.copytree(whole / "checkpoint-2", tmp_path / "checkpoint-2")
    # A checkpoint that was being written when the run was killed lacks its last file.
    shutil.copytree(whole / "checkpoint-4", tmp_path / "checkpoint-4")
    (tmp_path / "checkpoint-4" / "trainer_state.json").unlink()
    resumed, losses = recorded(made, tmp_path, options(made, max_steps=4, save_steps=2))
    unbroken = json.loads((whole / "losses.json").read_text())
    assert len(unbroken) == 4
    assert losses == pytest.approx(unbroken[2:], rel=1e-4)
    a, b = load_policy(policy)[0].state_dict(), load_policy(resumed)[0].state_dict()
    for name, values in a.items():
        torch.testing.assert_close(b[name], values, atol=1e-5, rtol=1e-4, msg=name)


def test_a_finished_run_is_found_and_another_is_refused(made, policy, capfd):
    before = (policy / "policy.safetensors").stat().st_mtime_ns
    assert train_sft([made / "gold.jsonl"], made / "whole", options(made, max_steps=4, save_steps=2)) == policy
    assert (policy / "policy.safetensors").stat().st_mtime_ns == before
    with pytest.raises(UsageError, match=r"differs in sft\.learning_rate, sft\.max_steps"):
        train_sft([made / "gold.jsonl"], made / "whole", options(made, max_steps=5, save_steps=2, learning_rate=1e-5))
    assert capfd.readouterr().out == ""


def test_development_gold_is_measured_and_the_best_policy_kept(made, tmp_path, capfd):
    gold_file(tmp_path / "dev.jsonl", lines=3)
    lines = [json.loads(line) for line in (tmp_path / "dev.jsonl").read_text().splitlines()]
    for line in lines:
        line["document"]["source"] = "held out"
    (tmp_path / "dev.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    chosen = options(made, max_steps=6, save_steps=2, patience=1, learning_rate=0.0)
    train_sft([made / "gold.jsonl"], tmp_path / "run", chosen, dev=[tmp_path / "dev.jsonl"], quiet=False)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    scores = [e["eval_boundary_f1"] for e in record["dev_curve"]]
    assert len(scores) == 2, "a rate of 0 cannot improve, so the second look ends the run"
    assert record["best_step"] == 2
    assert all(e["eval_broken"] == 0 for e in record["dev_curve"])
    assert list((tmp_path / "run" / "tensorboard").rglob("*tfevents*"))
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "dev F1" in shown.err


def test_a_document_in_both_golds_is_refused(made, tmp_path):
    with pytest.raises(UsageError, match="in the gold and in the development gold"):
        train_sft([made / "gold.jsonl"], tmp_path, options(made, max_steps=1), dev=[made / "gold.jsonl"])


def test_cross_entropy_and_lora_train_too(made, tmp_path):
    crossed = train_sft([made / "gold.jsonl"], tmp_path / "ce", options(made, max_steps=2, loss="cross_entropy"))
    adapted = train_sft([made / "gold.jsonl"], tmp_path / "lora", options(made, max_steps=2, lora_rank=2))
    fresh, _, _ = cut_base(made / "base", layers=2)
    for out in (crossed, adapted):
        model, _, _ = load_policy(out)
        assert set(model.state_dict()) == set(fresh.state_dict())
        moved = (
            model.state_dict()["model.layers.0.mlp.up_proj.weight"]
            - fresh.state_dict()["model.layers.0.mlp.up_proj.weight"]
        )
        assert moved.abs().max() > 0


@pytest.mark.parametrize("kind", ["qwen2", "gemma2", "gpt_neox"])
def test_other_architectures(made, tmp_path, kind):
    base = tiny_base(tmp_path / kind, kind)
    out = train_sft([made / "gold.jsonl"], tmp_path / "run", options(made, base=base, layers=1, max_steps=2))
    model, _, config = load_policy(out)
    assert config.layers == 1
    assert sum("layernorm" in name and ".0." in name for name, _ in model.named_parameters()) > 0
    assert not any(".1." in name and "layers" in name for name, _ in model.named_parameters()), (
        "the second layer is cut"
    )
    _, loss = windows_and_model(made, load_policy(out))
    assert np.isfinite(loss)


# Batches.


def test_padding_changes_no_log_odds(made):
    model, tokenizer, config = cut_base(made / "base", layers=2)
    model.eval()
    windows = list(
        training_windows(read_gold(made / "gold.jsonl"), renderer_of(tokenizer, config), seed=1, max_tokens=2000)
    )
    with torch.no_grad():
        together = log_odds(model, collate(windows, pad_id=config.slot_id))
        for row, window in enumerate(windows):
            alone = log_odds(model, collate([window], pad_id=config.slot_id))[0]
            torch.testing.assert_close(together[row, : len(alone)], alone, atol=1e-5, rtol=1e-5)


def test_a_training_window_is_the_gold_line_as_it_is_rendered_at_run_time(made):
    _, tokenizer, config = cut_base(made / "base", layers=1)
    renderer = renderer_of(tokenizer, config)
    lines = list(read_gold(made / "gold.jsonl"))
    for line, window in zip(lines, training_windows(lines, renderer, seed=1, max_tokens=10_000), strict=True):
        count = counter(line.counter)
        sizes = [max(1, count(line.document.block_text(b))) for b in line.document.blocks]
        prompts = []
        for outline in (True, False):
            hints = hints_for(line.document, sizes, line.target_tokens, line.max_tokens, outline=outline)
            (whole,) = windows_of(line.document, hints, renderer, window_tokens=10_000)
            prompts.append(whole.ids.tolist())
        assert window["input_ids"] in prompts
        assert [i for i, s in enumerate(window["starts"]) if s] == list(line.starts)
        assert {window["input_ids"][s] for s in window["slots"]} == {config.slot_id}
        assert window["sizes"] == sizes
        free = line.target_tokens is None
        assert (window["target"], window["cap"]) == (
            (np.inf, np.inf) if free else (line.target_tokens, RAW_CAP * line.max_tokens)
        )


def test_a_line_too_long_for_the_window_is_cut_at_a_gold_start(made):
    _, tokenizer, config = cut_base(made / "base", layers=1)
    lines = list(read_gold(made / "gold.jsonl"))
    for line, window in zip(
        lines, training_windows(lines, renderer_of(tokenizer, config), seed=1, max_tokens=200), strict=True
    ):
        kept = len(window["starts"])
        assert len(window["input_ids"]) <= 200
        assert kept in line.starts
        assert [i for i, s in enumerate(window["starts"]) if s] == [s for s in line.starts if s < kept]


# Export and run.


def test_the_fused_graph_computes_what_torch_does(made, policy, probes, tmp_path):
    model, _, _ = load_policy(policy)
    assert is_llama(model)
    graph = llama_graph(model, max_positions=4096)
    onnx.save(graph, str(tmp_path / "model.onnx"))
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    spread = []
    for window in probes:
        (ours,) = session.run(["log_odds"], {"input_ids": window.ids[None], "slots": window.slots[None]})
        with torch.no_grad():
            batch = {"input_ids": torch.from_numpy(window.ids)[None], "slots": torch.from_numpy(window.slots)[None]}
            theirs = log_odds(model, batch)[0].numpy()
        np.testing.assert_allclose(ours[0], theirs, atol=1e-3)
        spread.append(theirs)
    assert np.concatenate(spread).std() > 0.05, "values that are all alike prove nothing"


def test_int8_follows_fp32(made, policy, probes, tmp_path):
    model, _, _ = load_policy(policy)
    graph = llama_graph(model, max_positions=4096)
    onnx.save(graph, str(tmp_path / "full.onnx"))
    onnx.save(quantise_int8(graph), str(tmp_path / "int8.onnx"))
    full = np.concatenate(OnnxEngine(tmp_path / "full.onnx").log_odds(probes))
    small = np.concatenate(OnnxEngine(tmp_path / "int8.onnx").log_odds(probes))
    assert np.corrcoef(full, small)[0, 1] > 0.98
    assert np.abs(full - small).max() < 0.25 * full.std() + 0.1


def test_engines_agree_and_a_batch_changes_nothing(policy, exported, probes):
    engine = OnnxEngine(exported / "model.onnx")
    torch_engine = TorchEngine(policy, bf16=False)
    together = engine.log_odds(probes)
    for window, values, theirs in zip(probes, together, torch_engine.log_odds(probes), strict=True):
        assert engine.log_odds([window])[0].tobytes() == values.tobytes()
        np.testing.assert_allclose(values, theirs, atol=1e-3 + 1 / 256)
        assert (values * 256 == np.round(values * 256)).all()


def test_an_exported_model_chunks(exported):
    chunker = Chunker.load(exported)
    document = document_of([("heading", "A section"), ("paragraph", "Households were drawn from regions. " * 20)] * 12)
    chunks = chunker.chunk(document, ChunkOptions(max_tokens=64))
    count = counter(str(exported / "tokenizer.json"))
    assert not violations(document, [(c.start, c.end) for c in chunks], count, 64)
    assert [c.to_json() for c in Chunker.load(exported).chunk(document, ChunkOptions(max_tokens=64))] == [
        c.to_json() for c in chunks
    ]
    described = json.loads((exported / "docalign.json").read_text())
    assert described["agreement"]["largest_difference"] <= 1e-3 + 1 / 512


def test_long_documents_are_read_in_windows(exported):
    chunker = Chunker.load(exported)
    document = document_of([("paragraph", f"Paragraph {n} of many. " * 12) for n in range(400)])
    done = []
    chunks = chunker.chunk(document, ChunkOptions(max_tokens=300), progress=lambda a, b: done.append((a, b)))
    assert len(done) > 1
    assert done[-1] == (400, 400)
    assert "".join(c.text for c in chunks) == document.text


# What stands in the way is named.


@pytest.fixture
def broken(exported, tmp_path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "broken"))


def described(directory: Path, **changes) -> None:
    file = directory / "docalign.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def refused(path: Path, kind: type[DocalignError], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        Chunker.load(path)
    assert caught.value.exit_code == 6
    assert caught.value.source


def test_another_prompt_version_is_refused(broken):
    described(broken, prompt_version="0")
    refused(broken, ModelIncompatibleError, "prompt version")


def test_a_truncated_graph_is_refused(broken):
    data = (broken / "model.onnx").read_bytes()
    (broken / "model.onnx").write_bytes(data[: len(data) // 2])
    refused(broken, ModelIncompatibleError, "sha256")


def test_a_graph_that_is_none_is_refused_even_with_the_right_hash(broken):
    import hashlib

    (broken / "model.onnx").write_bytes(b"no graph")
    described(broken, sha256=hashlib.sha256(b"no graph").hexdigest())
    refused(broken, ModelIncompatibleError, "cannot load")


def test_a_model_without_tokenizer_graph_or_prior_is_refused(broken):
    kept = (broken / "tokenizer.json").read_bytes()
    (broken / "tokenizer.json").unlink()
    refused(broken, ModelIncompatibleError, "tokenizer.json")
    (broken / "tokenizer.json").write_bytes(kept)
    described(broken, prior={"values": [1.0]})
    refused(broken, ModelIncompatibleError, "prior|lacks")
    (broken / "model.onnx").unlink()
    refused(broken, ModelMissingError, "no model.onnx")


@pytest.mark.parametrize("text", ["not json", "[]", '"text"'])
def test_a_description_that_is_no_object_is_refused(broken, text):
    (broken / "docalign.json").write_text(text)
    refused(broken, ModelIncompatibleError, "docalign.json")


def test_a_policy_that_cannot_be_trained_or_read_says_why(made, policy, tmp_path):
    with pytest.raises(ModelIncompatibleError, match="2 layers"):
        cut_base(made / "base", layers=3)
    with pytest.raises(ModelMissingError):
        cut_base(tmp_path / "nothing", layers=1)
    with pytest.raises(ModelMissingError):
        load_policy(tmp_path)
    characters = Tokenizer(models.WordLevel({"a": 0, "<|endoftext|>": 1, "<unk>": 2}, unk_token="<unk>"))
    with pytest.raises(ModelIncompatibleError, match="unknown token"):
        cut_base(tiny_base(tmp_path / "plain", tokenizer=characters), layers=1)
    other = Path(shutil.copytree(policy, tmp_path / "other"))
    described(other, prompt_version="0")
    with pytest.raises(ModelIncompatibleError, match="prompt version"):
        load_policy(other)
    described(other, prompt_version="1")
    (other / "policy.safetensors").write_bytes((other / "policy.safetensors").read_bytes()[:500])
    with pytest.raises(ModelIncompatibleError):
        load_policy(other)
