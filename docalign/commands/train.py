"""`docalign train`: check that the training extra is there, then hand over to `train/`."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from docalign.commands.align import ALIGNED, RECIPE, TrainFiles, run_align, run_recipe
from docalign.commands.messages import note
from docalign.commands.results import write_stdout
from docalign.config import Settings, read_options, read_toml
from docalign.errors import MissingInputError, UsageError

__all__ = ["METHODS", "keep_memory", "need_extra", "run_train"]

METHODS: Final = ("sft", "reward", *ALIGNED, RECIPE)

_KEEP_MEMORY: Final = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 32),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
    "MALLOC_TOP_PAD_": str(1 << 28),
}


def run_train(
    method: str,
    files: TrainFiles,
    *,
    out: str,
    base: str | None,
    init: Path | None,
    recipe: Path | None,
    given: Mapping[str, Any],
    settings: Settings,
    quiet: bool,
) -> None:
    """Train a chunker and print the folder of the policy; an interrupted run in `out` goes on.

    Args:
        files: where `dev` is None, the `.dev` files that stand beside the gold are measured on.
        init: a trained policy, an exported model, or the name of an installed one.
        given: options that the command line sets (`seed`, `joint`); None where it does not.

    Raises:
        UsageError: no such method, the training extra is missing, or an option makes no sense.
        DocalignError: gold, recipe or base model cannot be had.
    """
    if method not in METHODS:
        raise UsageError(f"there is no training method {method!r}.", remedy=f"Choose one of {', '.join(METHODS)}.")
    need_extra("train", "torch", "transformers", "trl")
    _look_at(out, [*files.gold, *files.prefs, *(files.dev or ()), *files.held_out_prefs, *files.ood])
    if method == RECIPE:
        run_recipe(
            files, out=out, base=base, init=init, recipe=recipe, seed=given.get("seed"), settings=settings, quiet=quiet
        )
        return
    if given.get("joint") is not None and method != "joint":
        raise UsageError("--joint is for the method joint.", remedy="Add --method joint, or leave --joint out.")
    if method in ALIGNED:
        own = {name: value for name, value in given.items() if value is not None}
        run_align(method, files, out=out, init=init, recipe=recipe, given=own, settings=settings, quiet=quiet)
        return
    seed = given.get("seed")
    if method == "reward":
        rankings = [*files.gold, *files.prefs]
        held_out = [*(files.dev or ()), *files.held_out_prefs]
        _train_reward(rankings, out=out, base=base, init=init, recipe=recipe, seed=seed, dev=held_out, quiet=quiet)
        return
    _run_sft(files, out=out, base=base, init=init, recipe=recipe, seed=seed, quiet=quiet)


def _look_at(out: str, inputs: Iterable[str]) -> None:
    """Before minutes go by over fetching and loading a model: is there what to read, and a place to write to?

    Raises:
        MissingInputError: an input is not there. UsageError: `out` is empty or a file.
    """
    for path in inputs:
        if not Path(path).exists():
            raise MissingInputError("there is no such file.", source=path, remedy="Check the path.")
    if not out or Path(out).is_file():
        raise UsageError(f"--out is {out!r}, no folder.", remedy="Name a folder; it is made.")


def _run_sft(
    files: TrainFiles,
    *,
    out: str,
    base: str | None,
    init: Path | None,
    recipe: Path | None,
    seed: int | None,
    quiet: bool,
) -> None:
    if not files.gold:
        raise UsageError(
            "sft learns from gold.", remedy="Give at least one GOLD file; `docalign data build` makes one."
        )
    from docalign import models
    from docalign.train.prepare.run import dev_path
    from docalign.train.sft import SftOptions, train_sft

    named = base or (None if recipe is not None and "base" in read_toml(recipe) else models.BASE)
    options = read_options(SftOptions, recipe, base=named, seed=seed)
    if init is None:
        options = replace(options, base=str(models.pull(options.base)))
    else:
        init = init if init.is_dir() else models.resolve(init)
    gold = files.gold
    beside = [str(p) for p in map(dev_path, map(Path, gold)) if p.is_file()] if files.dev is None else list(files.dev)
    main = os.environ.get("RANK", "0") == "0"  # under `accelerate launch` every process runs this
    if main and not quiet:
        measured = f", measured on {', '.join(beside)}" if beside else ""
        note(f"training from {init or options.base}{measured}; checkpoints go to {out}")
    command = shlex.join(["docalign", *sys.argv[1:]]) if sys.argv[1:2] == ["train"] else None
    folder = train_sft(gold, Path(out), options, init=init, dev=beside, quiet=quiet, command=command)
    if main:
        write_stdout(f"{folder}\n".encode("utf-8", "backslashreplace"))


def _train_reward(
    preferences: Sequence[str],
    *,
    out: str,
    base: str | None,
    init: Path | None,
    recipe: Path | None,
    seed: int | None,
    dev: Sequence[str] | None,
    quiet: bool,
) -> None:
    """`--method reward`: a reward model from preference lines; `dev` are rankings to hold out."""
    from docalign import models
    from docalign.train.reward_model import RewardOptions, train_reward

    named = base or (None if recipe is not None and "base" in read_toml(recipe) else models.BASE)
    options = read_options(RewardOptions, recipe, base=named, seed=seed)
    if init is None:
        options = replace(options, base=str(models.pull(options.base)))
    else:
        init = init if init.is_dir() else models.resolve(init)
    if not quiet:
        note(f"training a reward model from {init or options.base}; checkpoints go to {out}")
    command = shlex.join(["docalign", *sys.argv[1:]]) if sys.argv[1:2] == ["train"] else None
    folder = train_reward(preferences, Path(out), options, init=init, dev=dev or (), quiet=quiet, command=command)
    write_stdout(f"{folder}\n".encode("utf-8", "backslashreplace"))


def keep_memory() -> None:
    """Start this process again with a C library that keeps the memory it frees.

    Each training step allocates activations of 90 MB and more; handed back to the system every time, their page
    faults cost more than the arithmetic. glibc reads these variables only when a process starts; elsewhere they do
    nothing.
    """
    if sys.platform == "linux" and not os.environ.keys() & _KEEP_MEMORY.keys():
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | _KEEP_MEMORY)


def need_extra(extra: str, *packages: str) -> None:
    """Make sure that `packages` can be imported.

    Raises:
        UsageError: names the first that is missing and the extra that brings it.
    """
    missing = next((p for p in packages if find_spec(p) is None), None)
    if missing is not None:
        raise UsageError(
            f"this command needs {missing}, which is not installed.",
            remedy=f"Install the extra: pip install '.[{extra}]' in the docalign folder",
        )
