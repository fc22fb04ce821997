"""`docalign eval --alignment`: a policy before and after alignment, in one page and its JSON twin."""

from __future__ import annotations

import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docalign.commands.messages import note, warn
from docalign.commands.results import keep_inputs, out_path, write_result
from docalign.errors import InvalidPreferenceError, UsageError
from docalign.output.jsonout import dump

if TYPE_CHECKING:
    from docalign.config import Settings

__all__ = ["AlignmentFiles", "run_alignment"]

_FORMATS: Final = ("html", "json")
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class AlignmentFiles:
    """What is compared on what: policies (run folders, policies, models) and files of gold and preferences."""

    baseline: str | None
    aligned: tuple[str, ...]
    gold: tuple[str, ...]
    ood: tuple[str, ...] = ()
    held_out_prefs: tuple[str, ...] = ()


def run_alignment(
    files: AlignmentFiles,
    *,
    windows: int,
    samples: int,
    seed: int,
    format: str,  # noqa: A002 - the flag's name
    out: str | None,
    settings: Settings,
    quiet: bool,
) -> None:
    """Measure every policy on the same held-out data and write the report.

    With `html` and a file to write to, the JSON twin is written beside it.

    Args:
        windows: how many gold lines are sampled from; all gold lines are chunked as at run time.

    Raises:
        UsageError: nothing to compare, or no such format.
        DocalignError: a file that cannot be read, a policy that cannot be loaded.
    """
    from docalign.commands.train import need_extra

    if format not in _FORMATS:
        raise UsageError(f"there is no format {format!r} of this report.", remedy="Choose html or json.")
    if windows < 1 or samples < 2:
        raise UsageError("a report needs at least one window and two samples of each.")
    read = [*files.gold, *files.ood, *files.held_out_prefs]
    place = out_path(out, read)
    if place is not None and format == "html":
        keep_inputs([place.with_suffix(".json")], read)
    need_extra("train", "torch", "transformers")
    from docalign.evaluate.alignment.compare import compare
    from docalign.evaluate.alignment.measure import measure
    from docalign.evaluate.alignment.page import alignment_html
    from docalign.evaluate.alignment.policies import read_subjects

    subjects = read_subjects(files.baseline, files.aligned)
    held = _held(files, windows, samples, seed, settings)
    told = note if not quiet else lambda _: None
    with tempfile.TemporaryDirectory() as folder:
        reference = Path(folder) / "reference.safetensors"
        measured = [measure(s.name, s.policy, held, reference, note=told) for s in subjects]
    report = compare(subjects, measured, held)
    twin = dump(report, indent=1) + b"\n"
    if format == "json":
        write_result(twin, place)
        return
    title = f"Alignment of {', '.join(s.name for s in subjects[1:])}"
    write_result(alignment_html(report, title=title).encode("utf-8", "replace"), place)
    if place is not None:
        write_result(twin, place.with_suffix(".json"))


def _held(files: AlignmentFiles, windows: int, samples: int, seed: int, settings: Settings) -> Any:
    """The data to measure on; preference lines that cannot be used are said and left out."""
    from docalign.evaluate.alignment.measure import Held
    from docalign.preference import read_preferences
    from docalign.rewards.assemble import composite_of
    from docalign.train.gold import read_gold

    refused: list[InvalidPreferenceError] = []
    gold = [line for path in files.gold for line in read_gold(path)]
    held = Held(
        windows=gold if len(gold) <= windows else random.Random(seed).sample(gold, windows),
        gold=gold,
        ood=[line for path in files.ood for line in read_gold(path)],
        preferences=[
            line for path in files.held_out_prefs for line in read_preferences(path, quarantine=refused.append)
        ],
        rewards=composite_of(settings.rewards),
        samples=samples,
        seed=seed,
    )
    for error in refused[:_SHOWN]:
        warn(str(error))
    return held
