"""What a report compares: a policy before alignment and policies after it, each with the record of its run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from docalign import models
from docalign.errors import ModelMissingError, UsageError
from docalign.train.run_folder import digest_of

__all__ = ["BASELINE", "Subject", "read_subjects"]

BASELINE: Final = "baseline"


@dataclass(frozen=True, slots=True)
class Subject:
    """A policy by name. `record` is the `run.json` of the run that made it, where there is one.

    `from_baseline` says whether that run began with the report's baseline; None where nobody knows.
    """

    name: str
    policy: Path
    record: dict[str, Any] | None = None
    from_baseline: bool | None = None

    @property
    def looks(self) -> list[dict[str, float]]:
        """The run's looks at its policy, first to last; empty where there is no record."""
        return list((self.record or {}).get("looks", []))


def read_subjects(baseline: str | None, aligned: Sequence[str]) -> list[Subject]:
    """The baseline and the aligned policies, in this order.

    Each argument is a run's folder, a policy's, an exported model's or a model's name; `NAME=` before it names it in
    the report. Without a baseline it is the shipped model.

    Raises:
        UsageError: nothing to compare, or a name twice.
        ModelMissingError, ModelIncompatibleError: there is no policy.
    """
    if not aligned:
        raise UsageError("there is no aligned policy to report on.", remedy="Give --aligned RUN, once for each.")
    first = Subject(BASELINE, models.resolve(None)) if baseline is None else _subject(baseline, BASELINE)
    start = digest_of([first.policy])
    found = [first]
    for argument in aligned:
        subject = _subject(argument, None)
        known = (subject.record or {}).get("init")
        found.append(Subject(subject.name, subject.policy, subject.record, None if known is None else known == start))
    names = [s.name for s in found]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two policies are called {name!r}.", remedy="Give names: --aligned NAME=FOLDER.")
    return found


def _subject(argument: str, name: str | None) -> Subject:
    given, _, rest = argument.partition("=")
    named, path = (given, Path(rest)) if rest and not Path(argument).exists() else (None, Path(argument))
    record = None
    if (path / "policy").is_dir():
        record, policy = _record(path / "run.json"), path / "policy"
    elif path.is_dir():
        record, policy = _record(path.parent / "run.json") if path.name == "policy" else None, path
    else:
        policy = models.resolve(path)
    if not (policy / "docalign.json").is_file():
        raise ModelMissingError(
            "there is no policy in this folder.", source=str(path), remedy="Give the --out of a train run, or a model."
        )
    own = path.parent.name if path.name == "policy" else path.name
    return Subject(named or name or own, policy, record)


def _record(path: Path) -> dict[str, Any] | None:
    """The record of a run; None where it has none (it was killed, or comes from another place)."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
