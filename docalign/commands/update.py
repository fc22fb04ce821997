"""`docalign train --from-feedback`: the periodic update, from options to `feedback/update.py`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docalign.commands.align import TrainFiles, command_line
from docalign.commands.messages import note, warn
from docalign.commands.results import write_stdout
from docalign.commands.train import need_extra
from docalign.config import read_toml, typed_options
from docalign.errors import UsageError

if TYPE_CHECKING:
    from docalign.config import Settings

__all__ = ["run_update"]

_LIBRARIES: Final = ("sqlalchemy", "alembic")


def run_update(
    store: str,
    files: TrainFiles,
    *,
    model: str | None,
    method: str,
    out: str,
    init: Path | None,
    recipe: Path | None,
    given: Mapping[str, Any],
    settings: Settings,
    quiet: bool,
) -> None:
    """Make the served model's successor from the rankings in a store and print its folder.

    Args:
        store: the store's file or URL.
        model: the served model; None: the one of the settings.
        files: `dev` is what the gate measures on, `gold` what the method joint reads too.

    Raises:
        UsageError: an extra is missing, or an option makes no sense.
        UpdateRefusedError: the gate did not open.
        DocalignError: whatever the store, the training or the export raises.
    """
    need_extra("train", "torch", "transformers", "onnx")
    need_extra("rank", *_LIBRARIES)
    from docalign import models
    from docalign.commands.export import export_model
    from docalign.feedback.drift import drift_text
    from docalign.feedback.store import open_store
    from docalign.feedback.update import CURRENT, Update, update
    from docalign.train.methods.run import METHODS
    from docalign.train.methods.stages import Gate

    if files.prefs or files.held_out_prefs:
        raise UsageError(
            "an update takes its rankings from the store.", remedy="docalign feedback import stores lines."
        )
    if method not in METHODS or not METHODS[method].needs_prefs:
        raise UsageError(f"{method} learns from no rankings.", remedy="Choose dpo, kto, orpo or joint.")
    table = read_toml(recipe) if recipe else {}
    gate = typed_options(Gate, table.pop("gate", {}), f"{recipe} [gate]")
    options = typed_options(METHODS[method].options, {"keep": "preferences"} | table, str(recipe), **given)
    served = models.resolve(model if model is not None else settings.model.path)
    start = None if init is None else init if init.is_dir() else models.resolve(init)
    versions = Path(out)
    dev = files.dev or ()
    asked = Update(served, versions, method, options, gate, dev, files.gold, start)
    with open_store(store, read_only=True) as database:
        version, record = update(
            database, asked, lambda policy, folder: export_model(policy, folder, gold=dev),
            rewards=settings.rewards, note=note if not quiet else lambda _: None, quiet=quiet, command=command_line(),
        )  # fmt: skip
    if not quiet:
        for sentence in drift_text(record["drift"]):
            note(f"drift: {sentence}")
        for name, after in record["after"].items():
            note(f"{name}: {record['before'].get(name, float('nan')):.4f} → {after:.4f}")
        note(
            f"{versions / CURRENT} now is {version.name}. A service whose model.path is that link takes it on SIGHUP. "
            f"Back: ln -sfn {_back(served, versions)} {versions / CURRENT}"
        )
    if any(shift["moved"] for shift in record["drift"]["of_rankings"].values() if shift is not None):
        warn("the new rankings are unlike those before; see drift.json")
    write_stdout(f"{version}\n".encode("utf-8", "backslashreplace"))


def _back(served: Path, versions: Path) -> str:
    real = served.resolve()
    return real.name if real.parent == versions.resolve() else str(real)
