"""The periodic update: rankings that came in since the served model was made teach its successor, behind a gate.

    store ──▶ rankings, split by document ──▶ training ──▶ export ──▶ gate ──▶ NAME-uN/
                     └──▶ drift report                                 └──▶ refused: nothing changes

One document in five is held out, the same ones in every update, so that no update trains on what a later one is
measured on. The gate compares the exported model with the served one on gold through the run-time path (boundary F1,
and the promises that a chunking keeps), and the policies on held-out rankings (the share of their pairs whose better
chunking gets the higher score), where the new one must be better. A new model stands beside the old ones in a folder of
versions, whose link `current` is moved to it in one step; moving it back is the way back. Nothing else is replaced.

It serves nothing, and what is told to a running service is in its documentation (SIGHUP, `PUT /v1/models/current`).
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docalign.chunker.chunker import Chunker
from docalign.chunker.options import ChunkOptions
from docalign.errors import EmptyInputError, MissingInputError, OutputError, UpdateRefusedError, UsageError
from docalign.evaluate.run import evaluate
from docalign.feedback.drift import drift
from docalign.feedback.export import export as export_opinions
from docalign.jsonl import write_lines
from docalign.models import info
from docalign.preference import PreferenceLine, read_preferences
from docalign.train.gold import GoldLine, read_gold
from docalign.train.methods.agreement import agreement_of_lines
from docalign.train.methods.examples import preference_examples
from docalign.train.methods.lab import Lab, bf16_helps
from docalign.train.methods.options import CoreOptions
from docalign.train.methods.run import METHODS, Data, train_aligned
from docalign.train.methods.stages import Gate
from docalign.train.slot_model import load_policy

if TYPE_CHECKING:
    from docalign.config import RewardSettings
    from docalign.store import Database

__all__ = ["CURRENT", "RECORD", "Update", "gate_failures", "update"]

RECORD: Final = "update.json"
CURRENT: Final = "current"
SCHEMA: Final = "docalign.update/1"
_WORK: Final = ".updates"
_HELD_OUT: Final = 5
_NUMBERED: Final = re.compile(r"(.+)-u(\d{4})\Z")


@dataclass(frozen=True, slots=True)
class Update:
    """What an update is asked to do.

    Attributes:
        served: the model folder that is served now.
        versions: the folder of versions.
        method, options: how the policy is trained; `joint` also reads `gold`.
        dev: gold that the gate measures on.
        start: the policy to train from; None: the one that the served model was exported from, else the model itself.
        least_rankings, least_held_out: with fewer new rankings, or fewer held out, nothing is begun.
    """

    served: Path
    versions: Path
    method: str
    options: CoreOptions
    gate: Gate
    dev: Sequence[str]
    gold: Sequence[str] = ()
    start: Path | None = None
    least_rankings: int = 10
    least_held_out: int = 5


def update(
    database: Database,
    asked: Update,
    export: Callable[[Path, Path], None],
    *,
    rewards: RewardSettings | None = None,
    note: Callable[[str], None] = lambda _: None,
    quiet: bool = True,
    command: str | None = None,
) -> tuple[Path, dict[str, Any]]:
    """Make the successor of the served model from the rankings in the store; returns its folder and its record.

    The same call goes on where a killed one was, with the rankings that one began with.

    Args:
        export: writes the model folder of a policy.

    Raises:
        UsageError: no gold to measure on, or a method that learns from no rankings.
        EmptyInputError: too few new rankings, or too few held out.
        UpdateRefusedError: the gate did not open; the record is in the folder it names.
        DocalignError: whatever the store, the training or the export raises.
    """
    if asked.method not in METHODS or not METHODS[asked.method].needs_prefs:
        raise UsageError(f"{asked.method} learns from no rankings.", remedy="Choose dpo, kto, orpo or joint.")
    if not asked.dev:
        raise UsageError(
            "the gate measures on gold.", remedy="Give --dev GOLD; `docalign feedback export --view gold`."
        )
    version = _next_version(asked)
    work = asked.versions / _WORK / version.name
    new, lines = _rankings(database, asked, work)
    dev = [line for path in asked.dev for line in read_gold(path)]
    note(f"{version.name}: {len(new)} new rankings of {len(lines[0]) + len(lines[1])}, {len(lines[1])} held out")
    served = Lab(*load_policy(asked.served), bf16=bf16_helps())
    said = _agreement(served, [*lines[0], *lines[1]], asked)
    del served
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "version": version.name,
        "served": {"path": str(asked.served), "sha256": info(asked.served).config.get("sha256")},
        "method": asked.method,
        "rankings": sorted(line.id for line in (*lines[0], *lines[1])),
        "new_rankings": len(new),
        "held_out_rankings": len(lines[1]),
        "drift": drift(
            [line for line in (*lines[0], *lines[1]) if line.id not in new],
            [line for line in (*lines[0], *lines[1]) if line.id in new],
            agreement=said,
            reference=[line.document for line in dev],
        ),
        "command": command,
    }
    _write(work / "drift.json", record["drift"])
    policy = _train(asked, work, rewards=rewards, note=note, quiet=quiet, command=command)
    model = work / "model"
    if not (model / "docalign.json").is_file():
        shutil.rmtree(model, ignore_errors=True)
        export(policy, work / "model.part")
        (work / "model.part").replace(model)
    held_out = {line.id for line in lines[1]}
    before = _measured(asked.served, dev) | {"agreement": _mean(said, held_out)}
    after = _measured(model, dev) | {
        "agreement": _mean(_agreement(Lab(*load_policy(policy), bf16=bf16_helps()), lines[1], asked), held_out)
    }
    failures = gate_failures(before, after, asked.gate)
    record |= {"policy": str(policy.resolve()), "before": before, "after": after, "passed": not failures}
    _write(work / RECORD, record | {"failures": failures})
    if failures:
        raise UpdateRefusedError(
            f"{version.name} is not put in the place of {asked.served.name}: {'; '.join(failures)}.",
            source=str(work),
            remedy="Lower learning_rate or max_steps in the recipe, collect more rankings, or use --method joint with "
            f"gold. What was measured is in {work / RECORD}.",
        )
    _write(model / RECORD, record)
    model.replace(version)
    _point_to(version)
    return version, record


def gate_failures(before: Mapping[str, float], after: Mapping[str, float], gate: Gate) -> list[str]:
    """Why a new model may not replace the served one; empty where it may."""
    found = []
    if after["agreement"] <= before["agreement"]:
        found.append(
            f"agreement with held-out rankings is {after['agreement']:.4f}, no better than {before['agreement']:.4f}"
        )
    if after["gold_f1"] < before["gold_f1"] - gate.tolerance - 1e-9:
        found.append(
            f"boundary F1 on gold is {after['gold_f1']:.4f}; it was {before['gold_f1']:.4f} and may fall by "
            f"{gate.tolerance:.4f}"
        )
    for name in sorted(k for k in before if k.startswith("reward_")):
        if name in after and after[name] < before[name] - gate.promise_tolerance - 1e-9:
            found.append(f"{name} is {after[name]:.4f}; it was {before[name]:.4f}")
    if after["broken"] > before["broken"]:
        found.append(f"{after['broken']:.0f} promises are broken on gold; it was {before['broken']:.0f}")
    return found


def _next_version(asked: Update) -> Path:
    """The first number that no version has and no finished update has used; `NAME-uN` goes on from `NAME-u(N-1)`."""
    name = asked.served.resolve().name
    known = _NUMBERED.match(name)
    stem = known.group(1) if known else name
    number = 1
    while True:
        folder = asked.versions / f"{stem}-u{number:04d}"
        if not folder.exists() and not (asked.versions / _WORK / folder.name / RECORD).is_file():
            return folder
        number += 1


def _rankings(
    database: Database, asked: Update, work: Path
) -> tuple[set[str], tuple[list[PreferenceLine], list[PreferenceLine]]]:
    """Ids of the new rankings, and all rankings to train on and held out; written to `work`, or read from there.

    Raises:
        EmptyInputError: too few of them.
    """
    files = (work / "rankings.jsonl", work / "rankings.held-out.jsonl")
    known = set(_record_of(asked.served).get("rankings", ()))
    if not files[1].is_file():
        exported = export_opinions(database, "preferences")
        every = [PreferenceLine.from_json(value) for value in (*exported.train, *exported.held_out)]
        sides = _split(every)
        new = [line for line in every if line.id not in known]
        if len(new) < asked.least_rankings or len(sides[1]) < asked.least_held_out or not sides[0]:
            raise EmptyInputError(
                f"{len(new)} rankings are new (an update needs {asked.least_rankings}) and {len(sides[1])} are of "
                f"documents that are held out (it needs {asked.least_held_out}).",
                source=str(database.engine.url.database),
                remedy="Judge more chunkings, of more documents: docalign rank.",
            )
        work.mkdir(parents=True, exist_ok=True)
        for path, side in zip(files, sides, strict=True):
            write_lines(path, (json.dumps(line.to_json(), ensure_ascii=False) for line in side))
    lines = (read_preferences(files[0]), read_preferences(files[1]))
    return {line.id for side in lines for line in side} - known, lines


def _split(lines: Sequence[PreferenceLine]) -> tuple[list[PreferenceLine], list[PreferenceLine]]:
    """To train on and held out, by the document's first name: one in five, whatever else is in the store."""
    first_names: dict[str, str] = {}
    sides: tuple[list[PreferenceLine], list[PreferenceLine]] = ([], [])
    for line in lines:
        name = first_names.setdefault(line.document.sha256, line.document.source)
        digest = hashlib.sha256(f"update {name}".encode("utf-8", "replace")).hexdigest()
        sides[int(digest, 16) % _HELD_OUT == 0].append(line)
    return sides


def _train(
    asked: Update,
    work: Path,
    *,
    rewards: RewardSettings | None,
    note: Callable[[str], None],
    quiet: bool,
    command: str | None,
) -> Path:
    start = asked.start
    if start is None:
        kept = _record_of(asked.served).get("policy")
        start = Path(kept) if kept and Path(kept).is_dir() else asked.served
    gold = tuple(asked.gold) if METHODS[asked.method].needs_gold else ()
    data = Data(
        gold, (str(work / "rankings.jsonl"),), tuple(asked.dev), (str(work / "rankings.held-out.jsonl"),)
    )  # fmt: skip
    return train_aligned(
        asked.method, data, work / "run", asked.options, init=start, rewards=rewards, note=note, quiet=quiet,
        command=command,
    )  # fmt: skip


def _agreement(lab: Lab, lines: Sequence[PreferenceLine], asked: Update) -> dict[str, float]:
    examples = preference_examples(lines, lab.renderer, max_tokens=asked.options.window_tokens)
    return agreement_of_lines(lab, examples)


def _mean(agreement: Mapping[str, float], ids: set[str]) -> float:
    """Mean over the lines that are there.

    Raises:
        EmptyInputError: none orders two chunkings within the window.
    """
    found = [value for name, value in agreement.items() if name in ids]
    if not found:
        raise EmptyInputError("no held-out ranking orders two chunkings.", remedy="Raise window_tokens in the recipe.")
    return sum(found) / len(found)


def _measured(model: Path, dev: Sequence[GoldLine]) -> dict[str, float]:
    """Boundary F1, kept promises and broken ones of an exported model on gold, as at run time."""
    chunker = Chunker.load(str(model))

    def chunk(line: GoldLine) -> list[tuple[int, int]]:
        target, limit = (None, None) if line.is_transcript else line.sizes
        options = ChunkOptions(max_tokens=limit, target_tokens=target, tokenizer=line.counter)
        return [(c.start, c.end) for c in chunker.chunk(line.document, options)]

    report = evaluate(dev, chunk)
    kept = {
        f"reward_{n}": float(report["rewards"][n]) for n in ("within_limit", "headings_kept") if n in report["rewards"]
    }
    broken = report["over_limit"] + report["orphan_headings"] + report["lost_characters"]
    return {"gold_f1": float(report["boundary_f1"]), "broken": float(broken)} | kept


def _record_of(model: Path) -> dict[str, Any]:
    """The record of the update that made a model; empty where none did.

    Raises:
        MissingInputError: it is damaged.
    """
    path = model / RECORD
    if not path.is_file():
        return {}
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise MissingInputError(
            f"it is no JSON ({error}).", source=str(path), remedy="Export the model again."
        ) from error
    return found


def _point_to(version: Path) -> None:
    """Move the link `current` to a version in one step.

    Raises:
        OutputError: something that is no link has its name.
    """
    link, part = version.parent / CURRENT, version.parent / f".{CURRENT}.part"
    try:
        part.unlink(missing_ok=True)
        part.symlink_to(version.name)
        part.replace(link)
    except OSError as error:
        raise OutputError(
            f"the link cannot be moved: {error.strerror or type(error).__name__}.",
            source=str(link),
            remedy=f"Point it to {version.name} by hand.",
        ) from error


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")
