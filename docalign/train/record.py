"""What a training run notes of itself, so that its model card can be written from records alone."""

from __future__ import annotations

import platform
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

import docalign
from docalign.train.gold import GoldLine, read_gold
from docalign.train.processes import process_count

__all__ = ["commit", "data_facts", "run_facts"]


def run_facts(
    gold: Sequence[str | Path], dev: Sequence[str | Path], *, windows: int, command: str | None
) -> dict[str, Any]:
    """Data, code and machine of a run.

    Args:
        windows: training windows that the gold made.
        command: the command line that started it; None for a call from Python.
    """
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or platform.machine()
    return {
        "windows": windows,
        "data": data_facts(line for path in gold for line in read_gold(path)),
        "dev_data": data_facts(line for path in dev for line in read_gold(path)),
        "command": command,
        "commit": commit(),
        "docalign": docalign.__version__,
        "torch": torch.__version__,
        "device": device,
        "processes": process_count(),
    }


def data_facts(lines: Iterable[GoldLine]) -> dict[str, Any]:
    """Counts of gold: `lines`, `documents`, `blocks`, `chunks`, and by source `lines`, `domain` and `licence` of it."""
    totals: Counter[str] = Counter()
    documents: set[str] = set()
    sources: dict[str, dict[str, Any]] = {}
    policies: Counter[str] = Counter()
    for line in lines:
        totals.update(lines=1, blocks=len(line.document.blocks), chunks=len(line.starts))
        documents.add(line.document.source)
        policies[line.policy or "given"] += 1
        entry = sources.setdefault(line.source, {"lines": 0, "domain": line.domain, "licence": line.licence})
        entry["lines"] += 1
    return {**totals, "documents": len(documents), "policies": dict(policies), "sources": dict(sorted(sources.items()))}


def commit() -> str | None:
    """The commit of the checkout that docalign runs from, with `+` where files differ from it; None outside of one."""
    root = Path(docalign.__file__).parent.parent
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*", "--abbrev=12"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
