"""The trainable policy: a causal LM cut to its first layers, two label rows for a head, and the length prior.

Made from any causal LM that transformers can load. The vocabulary head is replaced by the rows of the two labels
(` S` a chunk starts with this block, ` C` it continues): only they are ever used. What is saved is a directory with
`policy.safetensors`, `docalign.json`, the LM's `config.json` and its tokenizer; no pickle. An exported model can be
read in its place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from docalign.chunker.prior import KNOTS, LengthPrior
from docalign.chunker.prompt import PROMPT_VERSION, READABLE, Renderer
from docalign.errors import ModelIncompatibleError, ModelMissingError
from docalign.train.exported import exported_tensors, exported_tokenizer, is_exported
from docalign.train.segments import phi

__all__ = ["PriorHead", "SlotConfig", "cut_base", "load_policy", "log_odds", "renderer_of", "save_policy"]

START_LABEL: Final = " S"
CONTINUE_LABEL: Final = " C"
_WEIGHTS: Final = "policy.safetensors"


@dataclass(frozen=True, slots=True)
class SlotConfig:
    """What a policy directory's `docalign.json` says, beside what export adds."""

    base: str
    layers: int
    slot_id: int
    label_ids: tuple[int, int]
    prompt_version: str = PROMPT_VERSION
    free_bias: float = 0.0


class PriorHead(nn.Module):
    """φ as a trainable module: the values at the knots are −softplus(raw), so they stay below 0."""

    def __init__(self, prior: LengthPrior, *, least: float = 0.02) -> None:
        """`least` is how far below 0 a value starts at least: at 0 itself a knot would get no gradient."""
        super().__init__()
        values = -torch.tensor(prior.values, dtype=torch.float64)
        self.raw = nn.Parameter(torch.log(torch.expm1(values.clamp(min=least))))  # the inverse of softplus

    @property
    def values(self) -> Tensor:
        """φ at KNOTS, `(knots,)` float64."""
        return -nn.functional.softplus(self.raw)

    def forward(self, ratios: Tensor) -> Tensor:
        return phi(ratios, self.values)

    def prior(self) -> LengthPrior:
        return LengthPrior(tuple(float(v) for v in self.values.detach()), KNOTS)


def cut_base(base: str | Path, *, layers: int | None) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, SlotConfig]:
    """A fresh policy from a base LM (local directory or hub id).

    Raises:
        ModelMissingError: the base cannot be loaded.
        ModelIncompatibleError: its tokenizer has no single token for a label or a slot, or it has fewer layers.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(base)
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise ModelMissingError(
            f"the base LM cannot be loaded ({str(error).splitlines()[0]}).",
            source=str(base),
            remedy="Run `docalign models pull`, or give a directory with config.json and safetensors.",
        ) from error
    labels = (_single(tokenizer, START_LABEL, base), _single(tokenizer, CONTINUE_LABEL, base))
    if labels[0] == labels[1]:
        raise ModelIncompatibleError("its tokenizer knows no labels: both are its unknown token.", source=str(base))
    total = model.config.num_hidden_layers
    if layers is not None and not 1 <= layers <= total:
        raise ModelIncompatibleError(f"it has {total} layers, not {layers}.", source=str(base))
    _cut(model, layers or total)
    head: Any = model.get_output_embeddings()  # type: ignore[no-untyped-call]
    rows = head.weight.detach()[list(labels)].clone()
    _replace_head(model, rows, LengthPrior())
    name = Path(base).name if Path(base).is_dir() else str(base)
    config = SlotConfig(name, layers or total, _slot_id(tokenizer, base), labels)
    return model, tokenizer, config


def _cut(model: PreTrainedModel, layers: int) -> None:
    trunk = model.base_model
    for name, child in trunk.named_children():
        if isinstance(child, nn.ModuleList) and len(child) == model.config.num_hidden_layers:
            setattr(trunk, name, child[:layers])
    model.config.num_hidden_layers = layers
    if getattr(model.config, "layer_types", None):
        model.config.layer_types = model.config.layer_types[:layers]


def _replace_head(model: PreTrainedModel, rows: Tensor, prior: LengthPrior) -> None:
    head = nn.Linear(rows.shape[1], 2, bias=False)
    head.weight = nn.Parameter(rows.float())
    model.config.tie_word_embeddings = False
    model.set_output_embeddings(head)  # type: ignore[no-untyped-call]
    model.length_prior = PriorHead(prior)


def _single(tokenizer: PreTrainedTokenizerBase, text: str, base: str | Path) -> int:
    ids = tokenizer.encode(text, add_special_tokens=False)
    if len(ids) != 1:
        raise ModelIncompatibleError(f"its tokenizer has no single token for {text!r}.", source=str(base))
    return int(ids[0])


def _slot_id(tokenizer: PreTrainedTokenizerBase, base: str | Path) -> int:
    """`<file_sep>` where there is one (SmolLM2), else the end-of-text token: a token that no text contains."""
    known = tokenizer.convert_tokens_to_ids("<file_sep>")
    if isinstance(known, int) and known != tokenizer.unk_token_id:
        return int(known)
    if tokenizer.eos_token_id is None:
        raise ModelIncompatibleError("its tokenizer has no token to serve as the slot.", source=str(base))
    return int(tokenizer.eos_token_id)


def renderer_of(tokenizer: PreTrainedTokenizerBase, config: SlotConfig) -> Renderer:
    """The run-time renderer over a transformers tokenizer."""
    return Renderer(
        lambda texts: tokenizer(texts, add_special_tokens=False)["input_ids"] if texts else [], config.slot_id
    )


def log_odds(model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
    """s at every slot, `(windows, blocks)` float64, from one forward pass."""
    # Right padding under a causal mask cannot reach a slot, so no attention mask is needed: the fast kernel stays.
    logits = model(input_ids=batch["input_ids"], use_cache=False).logits
    at = batch["slots"][..., None].expand(-1, -1, 2)
    chosen = torch.gather(logits.float(), 1, at).double()
    return chosen[..., 0] - chosen[..., 1]


def save_policy(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, config: SlotConfig, out: Path, **extra: Any
) -> None:
    """Write a policy directory: weights, LM config, tokenizer, `docalign.json`."""
    out.mkdir(parents=True, exist_ok=True)
    tensors = {name: t.detach().contiguous().cpu() for name, t in model.state_dict().items()}
    save_file(tensors, out / _WEIGHTS)
    model.config.save_pretrained(out)
    tokenizer.save_pretrained(out)
    prior = model.length_prior
    assert isinstance(prior, PriorHead)
    described = {**asdict(config), "prior": prior.prior().to_json(), **extra}
    (out / "docalign.json").write_text(json.dumps(described, indent=2) + "\n", "utf-8")


def load_policy(path: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, SlotConfig]:
    """Read a policy directory written by `save_policy`, or the weights of an exported model, in fp32.

    Raises:
        ModelMissingError: no such directory.
        ModelIncompatibleError: another prompt version, or weights that do not fit.
    """
    try:
        described = json.loads((path / "docalign.json").read_text("utf-8"))
        exported = is_exported(path)
        if exported and not (path / "config.json").is_file():
            raise ModelIncompatibleError(
                "the exported model has no config.json, so its architecture is unknown.",
                source=str(path),
                remedy="Export it again with this version of docalign.",
            )
        tensors = {} if exported else load_file(path / _WEIGHTS)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelMissingError(
            "this is no policy directory.", source=str(path), remedy="Give --out of a train run."
        ) from error
    except (SafetensorError, ValueError) as error:
        raise ModelIncompatibleError(
            f"its files are damaged ({error}).", source=str(path), remedy="Copy it again, or train it again."
        ) from error
    if described["prompt_version"] not in READABLE:
        raise ModelIncompatibleError(
            f"it was trained with prompt version {described['prompt_version']}, this is {PROMPT_VERSION}.",
            source=str(path),
            remedy="Train it again, or use the docalign version it was made with.",
        )
    config = SlotConfig(
        described["base"],
        described["layers"],
        described["slot_id"],
        tuple(described["label_ids"]),
        PROMPT_VERSION,
        described.get("free_bias", 0.0),
    )
    lm_config = AutoConfig.from_pretrained(path)
    model = AutoModelForCausalLM.from_config(lm_config, dtype=torch.float32)  # type: ignore[no-untyped-call]
    _replace_head(model, torch.zeros(2, model.config.hidden_size), LengthPrior())
    if exported:
        prior = PriorHead(LengthPrior.from_json(described["prior"]), least=1e-6)
        tensors = {**exported_tensors(path, lm_config), "length_prior.raw": prior.raw.detach()}
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise ModelIncompatibleError(f"its weights do not fit its config ({error}).", source=str(path)) from error
    tokenizer = exported_tokenizer(path, lm_config) if exported else AutoTokenizer.from_pretrained(path)
    return model.eval(), tokenizer, config
