"""`docalign train --method dpo|…|recipe` and `docalign prefs build`: from options to the rooms that do the work."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docalign.commands.messages import note, warn
from docalign.commands.progress import progress_bar
from docalign.commands.results import keep_inputs, write_stdout
from docalign.config import Settings, read_options, read_toml, typed_options
from docalign.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from docalign.train.methods.stages import Gate, Stage

__all__ = ["ALIGNED", "RECIPE", "TrainFiles", "command_line", "run_align", "run_prefs_build", "run_recipe"]

ALIGNED: Final = ("dpo", "kto", "orpo", "grpo", "rloo", "ppo", "online-dpo", "joint")
RECIPE: Final = "recipe"
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class TrainFiles:
    """The files of a training command: `gold` and `prefs` to learn from, the others to measure on."""

    gold: tuple[str, ...] = ()
    prefs: tuple[str, ...] = ()
    dev: tuple[str, ...] | None = None
    held_out_prefs: tuple[str, ...] = ()
    ood: tuple[str, ...] = ()


def run_align(
    method: str,
    files: TrainFiles,
    *,
    out: str,
    init: Path | None,
    recipe: Path | None,
    given: Mapping[str, Any],
    settings: Settings,
    quiet: bool,
) -> None:
    """Align a policy by one method and print the folder of the best one; an interrupted run in `out` goes on.

    Args:
        given: options of the method that the command line sets; None where it does not.

    Raises:
        UsageError: there is no policy to start from, or an option makes no sense.
        DocalignError: whatever the run raises.
    """
    from docalign.train.methods.run import METHODS, Data, train_aligned

    options = typed_options(METHODS[method].options, read_toml(recipe) if recipe else {}, str(recipe), **given)
    start = _policy(init, method)
    dev = _dev(files)
    if not quiet:
        note(f"{method} from {start}; checkpoints go to {out}" + (f"; measured on {', '.join(dev)}" if dev else ""))
    folder = train_aligned(
        method,
        Data(files.gold, files.prefs, dev, files.held_out_prefs),
        Path(out),
        options,
        init=start,
        rewards=settings.rewards,
        note=warn if not quiet else lambda _: None,
        quiet=quiet,
        command=command_line(),
    )
    write_stdout(f"{folder}\n".encode("utf-8", "backslashreplace"))


def run_recipe(
    files: TrainFiles,
    *,
    out: str,
    base: str | None,
    init: Path | None,
    recipe: Path | None,
    seed: int | None,
    settings: Settings,
    quiet: bool,
) -> None:
    """Run the stages of a recipe file, each behind the forgetting gate, and print the folder of the last policy.

    Raises:
        UsageError: no recipe, or one that makes no sense.
        DocalignError: whatever a stage raises.
    """
    from docalign.train.methods.run import Data
    from docalign.train.methods.stages import train_stages

    if recipe is None:
        raise UsageError("a recipe of several stages is a file.", remedy="Give --recipe data/recipes/align.toml.")
    stages, gate = _stages(recipe, base=base, seed=seed, fresh=init is None)
    start = _policy(init, RECIPE) if init is not None else None
    folder = train_stages(
        stages,
        Data(files.gold, files.prefs, _dev(files), files.held_out_prefs),
        Path(out),
        init=start,
        gate=gate,
        ood=files.ood,
        rewards=settings.rewards,
        note=note if not quiet else lambda _: None,
        quiet=quiet,
        command=command_line(),
    )
    write_stdout(f"{folder}\n".encode("utf-8", "backslashreplace"))


def run_prefs_build(
    gold: Sequence[str],
    *,
    out: str,
    init: Path | None,
    human: Sequence[str],
    recipe: Path | None,
    given: Mapping[str, Any],
    settings: Settings,
    quiet: bool,
) -> None:
    """Make preference lines for the documents of gold lines and print how many, by source.

    Raises:
        DocalignError: see `train.prefs.build_prefs`.
    """
    from docalign.commands.train import need_extra

    need_extra("train", "torch", "transformers")
    keep_inputs([Path(out)], [*gold, *human, recipe])
    from docalign.train.prefs import PrefsOptions, build_prefs

    options = read_options(PrefsOptions, recipe, **given)
    with progress_bar(1, quiet=quiet) as bar:
        bar.file(out)
        report = build_prefs(
            gold,
            _policy(init, "prefs build"),
            Path(out),
            options,
            human=human,
            rewards=settings.rewards,
            progress=bar.stage("chunking windows for"),
        )
    for error in report.refused[:_SHOWN]:
        warn(str(error))
    if not quiet:
        note(
            f"{report.without_spread} windows had no two chunkings far enough apart, {report.doubles} lines were "
            f"doubles, {len(report.refused)} could not be used"
        )
    lines = "".join(f"{source} {number}\n" for source, number in sorted(report.lines.items()))
    write_stdout(lines.encode())


def _stages(recipe: Path, *, base: str | None, seed: int | None, fresh: bool) -> tuple[list[Stage], Gate]:
    """The stages and the gate that a recipe file describes.

    Raises:
        ConfigError: a table or key nobody knows, or a stage without a method.
    """
    from docalign import models
    from docalign.train.methods.run import METHODS
    from docalign.train.methods.stages import Gate, Stage
    from docalign.train.prefs import PrefsOptions
    from docalign.train.sft import SftOptions

    values, source = read_toml(recipe), str(recipe)
    tables = values.pop("stage", None)
    gate = typed_options(Gate, values.pop("gate", {}), f"{source} [gate]")
    if values or not isinstance(tables, list) or not tables:
        raise ConfigError(
            "a recipe has [gate] and one or more [[stage]] tables, and nothing else.",
            source=source,
            remedy="See data/recipes/align.toml.",
        )
    stages = []
    for number, table in enumerate(tables, 1):
        where = f"{source} [[stage]] {number}"
        method = table.pop("method", None)
        if method == "sft":
            named = base or table.pop("base", None) or models.BASE
            table.pop("base", None)
            pulled = str(models.pull(named)) if fresh and number == 1 else str(named)
            stages.append(Stage(method, typed_options(SftOptions, table, where, base=pulled, seed=seed)))
        elif method == "prefs":
            stages.append(Stage(method, typed_options(PrefsOptions, table, where, seed=seed)))
        elif method in METHODS:
            stages.append(Stage(method, typed_options(METHODS[method].options, table, where, seed=seed)))
        else:
            known = ", ".join(("sft", "prefs", *ALIGNED))
            raise ConfigError(f"there is no stage {method!r}.", source=where, remedy=f"Choose one of {known}.")
    return stages, gate


def _policy(init: Path | None, what: str) -> Path:
    """The policy to start from: a folder, or the name of an installed model.

    Raises:
        UsageError: none was named.
    """
    from docalign import models

    if init is None:
        raise UsageError(
            f"{what} needs a policy to start from.", remedy="Give --init: a trained policy or an exported model."
        )
    return init if init.is_dir() else models.resolve(init)


def _dev(files: TrainFiles) -> tuple[str, ...]:
    """The gold to measure on: what was given, else the `.dev` files beside the gold."""
    from docalign.train.prepare.run import dev_path

    if files.dev is not None:
        return files.dev
    return tuple(str(p) for p in map(dev_path, map(Path, files.gold)) if p.is_file())


def command_line() -> str | None:
    """The command line that started this process, where it is `docalign train`."""
    return shlex.join(["docalign", *sys.argv[1:]]) if sys.argv[1:2] == ["train"] else None
