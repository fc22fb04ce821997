"""`docalign train` and `docalign export`: check that the training extra is there, then hand over to `train/`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from docalign.commands.messages import note
from docalign.commands.results import write_stdout
from docalign.errors import UsageError

__all__ = ["METHODS", "need_extra", "run_export", "run_train"]

METHODS: Final = {"sft": "docalign.train.sft"}
"""Method → the module whose `train(data=, out=, base=, recipe=, seed=)` runs it and returns the folder it wrote."""

_EXPORT: Final = "docalign.train.export"


def run_train(
    method: str, data: Sequence[str], *, out: str, base: str | None, recipe: Path | None, seed: int, quiet: bool
) -> None:
    """Train a chunker on gold lines and print the folder of the checkpoint.

    Raises:
        UsageError: no such method, or the training extra is missing.
        DocalignError: data, recipe or base model cannot be had.
    """
    if method not in METHODS:
        raise UsageError(f"there is no training method {method!r}.", remedy=f"Choose one of {', '.join(METHODS)}.")
    need_extra("train", "torch", "transformers", "trl")
    if not quiet:
        note(f"training with {method}; checkpoints go to {out}")
    module = import_module(METHODS[method])
    folder = module.train(data=[Path(d) for d in data], out=Path(out), base=base, recipe=recipe, seed=seed)
    write_stdout(f"{folder}\n".encode("utf-8", "backslashreplace"))


def run_export(checkpoint: str, *, out: str) -> None:
    """Export a trained checkpoint as a model folder that runs without torch, and print that folder.

    Raises:
        UsageError: the training extra is missing.
        DocalignError: the checkpoint cannot be read or the export differs from it.
    """
    need_extra("train", "torch", "onnx")
    folder = import_module(_EXPORT).export(Path(checkpoint), Path(out))
    write_stdout(f"{folder}\n".encode("utf-8", "backslashreplace"))


def need_extra(extra: str, *packages: str) -> None:
    """Make sure that `packages` can be imported.

    Raises:
        UsageError: names the first that is missing and the extra that brings it.
    """
    missing = next((p for p in packages if find_spec(p) is None), None)
    if missing is not None:
        raise UsageError(
            f"this command needs {missing}, which is not installed.",
            remedy=f"Install the extra: pip install 'docalign[{extra}]'",
        )
