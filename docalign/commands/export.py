"""`docalign export`: a trained policy becomes a model folder with a card; the precision is chosen by measurement."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from docalign.commands.messages import note
from docalign.commands.results import write_stdout
from docalign.commands.train import need_extra
from docalign.errors import UsageError
from docalign.wording import counted

__all__ = ["export_model", "run_export"]

_DEVICES: Final = ("cpu", "cuda")
_PROBE_SEED: Final = 3


def run_export(
    checkpoint: str, *, out: str, precision: str | None, device: str, compare: Sequence[str], quiet: bool
) -> None:
    """Export a trained policy as a model folder that runs without torch, and print that folder.

    Args:
        checkpoint: a policy, or the folder of the run that made it.
        precision: None: as `compare` finds, or int8 where the policy can be quantised.
        compare: gold files on which fp32, fp16, int8 and int4 are measured.

    Raises:
        UsageError: the training extra is missing, or arguments contradict each other.
        DocalignError: the checkpoint cannot be read, or the export differs from it.
    """
    need_extra("train", "torch", "onnx")
    from docalign.train.precisions import PRECISIONS

    _check(precision, device, compare, PRECISIONS)
    policy, folder = _policy(Path(checkpoint)), Path(out)
    chosen: Any = precision
    comparison = None
    if compare:
        comparison = _compare(policy, compare, quiet=quiet)
        chosen = precision or comparison["chosen"]
    export_model(policy, folder, precision=chosen, device=device, gold=compare, comparison=comparison)
    write_stdout(f"{folder}\n".encode("utf-8", "backslashreplace"))


def export_model(
    policy: Path,
    folder: Path,
    *,
    precision: Any = None,
    device: str = "cpu",
    gold: Sequence[str] = (),
    comparison: Mapping[str, Any] | None = None,
) -> None:
    """Write a policy's model folder: the graph, the run's record, the card.

    Args:
        gold: gold files whose windows the graph is smoothed and compared on.

    Raises:
        DocalignError: the policy cannot be read, or the export differs from it.
    """
    from docalign.train.card import card
    from docalign.train.export import export

    export(policy, folder, precision=precision, device=device, probes=_probes(policy, gold))  # type: ignore[arg-type]
    run = json.loads((policy / "docalign.json").read_text("utf-8")).get("run", {})
    _write(folder / "training.json", run)
    if comparison:
        _write(folder / "comparison.json", comparison)
    (folder / "card.md").write_text(card(folder), "utf-8")


def _check(precision: str | None, device: str, compare: Sequence[str], known: Sequence[str]) -> None:
    if precision is not None and precision not in known:
        raise UsageError(f"there is no precision {precision!r}.", remedy=f"Choose one of {', '.join(known)}.")
    if device not in _DEVICES:
        raise UsageError(f"there is no device {device!r}.", remedy=f"Choose one of {', '.join(_DEVICES)}.")
    if device == "cuda" and (compare or precision not in (None, "fp16")):
        raise UsageError(
            "a graph for a card is in fp16; there is nothing to choose or compare.",
            remedy="Leave out --precision and --compare, or export for the processor.",
        )


def _policy(checkpoint: Path) -> Path:
    """The policy in a run's folder, or the folder itself."""
    inside = checkpoint / "policy"
    return inside if (inside / "docalign.json").is_file() else checkpoint


def _compare(policy: Path, gold: Sequence[str], *, quiet: bool) -> dict[str, Any]:
    """Export every precision to a scratch folder and measure them on the gold."""
    from docalign.train.compare import choose, measure, table
    from docalign.train.export import export
    from docalign.train.gold import read_gold
    from docalign.train.graph import is_llama
    from docalign.train.precisions import PRECISIONS
    from docalign.train.slot_model import load_policy

    lines = [line for path in gold for line in read_gold(path)]
    kinds = PRECISIONS if is_llama(load_policy(policy)[0]) else PRECISIONS[:1]
    probes = _probes(policy, gold)
    with tempfile.TemporaryDirectory(prefix="docalign-export-") as scratch:
        folders = {kind: export(policy, Path(scratch) / kind, precision=kind, probes=probes) for kind in kinds}
        measured = measure(folders, lines)
    chosen = choose(measured)
    if not quiet:
        note(f"precisions on {counted(len(lines), 'gold line')}; {chosen} is chosen")
        for row in table(measured, chosen).splitlines():
            note(row)
    return {
        "gold": list(gold),
        "lines": len(lines),
        "chosen": chosen,
        "measured": [m.to_json() for m in measured],
    }


def _probes(policy: Path, gold: Sequence[str]) -> list[Any]:
    """Windows to compare graph and torch on: of the gold, or else of random tokens, which tell of numbers alone."""
    import numpy as np

    from docalign.chunker.context import Window
    from docalign.train.compare import windows_for
    from docalign.train.gold import read_gold
    from docalign.train.slot_model import load_policy, renderer_of

    model, tokenizer, config = load_policy(policy)
    if gold:
        lines = [line for path in gold for line in read_gold(path)]
        return windows_for(renderer_of(tokenizer, config), lines)
    rng = np.random.default_rng(_PROBE_SEED)
    slots = np.arange(15, 240, 16, dtype=np.int64)
    made = []
    for _ in range(4):
        ids = rng.integers(0, int(model.config.vocab_size), 240, dtype=np.int64)
        ids[slots] = config.slot_id
        made.append(Window(ids, slots, tuple(range(len(slots)))))
    return made


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")
