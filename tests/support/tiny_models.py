"""Base LLMs small enough to train in seconds, made on the spot and saved as local directories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docalign.train.gold import GoldLine, write_gold
from tests.support.documents import document_of
from tests.support.policies import bpe_tokenizer

__all__ = ["gold_file", "tiny_base"]

_SHAPE: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 4096,
    "bos_token_id": 0,
    "eos_token_id": 0,
}


def tiny_base(out: Path, kind: str = "llama", *, tokenizer: Any = None) -> Path:
    """A random causal LM with two layers and the small tokenizer, saved with safetensors."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    backend = tokenizer or bpe_tokenizer()
    shape = dict(_SHAPE, vocab_size=backend.get_vocab_size(), tie_word_embeddings=kind == "llama")
    if kind in ("llama", "qwen2", "gemma2"):
        shape["num_key_value_heads"] = 1
    if kind == "gemma2":
        shape["head_dim"] = 16
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **shape))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.2)
    model.save_pretrained(out)
    PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|endoftext|>").save_pretrained(out)
    return out


def gold_file(path: Path, lines: int = 8) -> Path:
    """Gold lines of headed sections; every third states no sizes. Sections differ in length from line to line."""
    made = []
    for number in range(lines):
        parts, starts = [], []
        for section in range(3 + number % 3):
            starts.append(len(parts))
            parts.append(("heading2", f"{section + 1} The section"))
            parts += [
                ("paragraph", "Households were drawn from each of the regions. " * (1 + (section + number) % 4))
            ] * 2
        free = number % 3 == 2
        made.append(
            GoldLine(
                id=f"made/{number}",
                domain=None,
                document=document_of([(kind, text.strip()) for kind, text in parts]),
                starts=tuple(starts),
                target_tokens=None if free else 60 + number,
                max_tokens=None if free else 120,
            )
        )
    write_gold(path, made)
    return path
