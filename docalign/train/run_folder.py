"""The folder of a training run: what was asked of it, and whether it is finished.

A run is claimed before its first step. The same command goes on where a killed run was, or finds it finished; another
command is refused, because mixing two runs in one folder would make a model that no record describes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from docalign.errors import MissingInputError, OutputError, UsageError

__all__ = ["claim_run", "digest_of", "newest_checkpoint"]

_ASKED: Final = "asked.json"
_DONE: Final = "run.json"


def claim_run(out: Path, asked: Mapping[str, Any]) -> bool:
    """Note what the run in `out` is; returns whether it is finished already.

    Args:
        asked: everything that shapes the run: settings, hashes of the gold, the policy it starts from.

    Raises:
        UsageError: another run lies in `out`; the settings that differ are named.
        OutputError: the folder cannot be written.
    """
    value = json.loads(json.dumps(asked, sort_keys=True))
    path = out / _ASKED
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            if any(out.glob("checkpoint-*")) or (out / _DONE).exists():
                raise _other(out, "it was begun by another version of docalign")
            path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", "utf-8")
            return False
        earlier = json.loads(path.read_text("utf-8"))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"cannot be written: {reason}.", source=str(out), remedy="Check path and space.") from error
    except ValueError as error:
        raise _other(out, f"its {_ASKED} is damaged ({error})") from error
    if earlier != value:
        raise _other(out, "it differs in " + ", ".join(_differences(earlier, value)))
    return (out / _DONE).exists()


def _other(out: Path, why: str) -> UsageError:
    return UsageError(
        f"another training run lies in this folder: {why}.",
        source=str(out),
        remedy="Give another --out, delete the folder, or go on from its policy with --init.",
    )


def _differences(earlier: Any, value: Mapping[str, Any], prefix: str = "") -> list[str]:
    if not isinstance(earlier, Mapping):
        return [prefix.rstrip(".") or "everything"]
    found = []
    for key in sorted({*earlier, *value}):
        a, b = earlier.get(key), value.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            found += _differences(a, b, f"{prefix}{key}.")
        elif a != b:
            found.append(f"{prefix}{key}")
    return found


def digest_of(paths: Sequence[str | Path]) -> dict[str, str]:
    """sha256 of each file by its name, and of each folder's files, so that a run knows its data when it sees it again.

    Raises:
        MissingInputError: a path cannot be read.
    """
    digests = {}
    for path in map(Path, paths):
        digest = hashlib.sha256()
        try:
            for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
                with file.open("rb") as opened:
                    digest.update(hashlib.file_digest(opened, "sha256").digest())
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise MissingInputError(f"cannot be read: {reason}.", source=str(path), remedy="Check the path.") from error
        digests[path.name] = digest.hexdigest()
    return digests


def newest_checkpoint(out: Path) -> Path | None:
    """The newest checkpoint that is whole: its state is written last, and may have been cut short by a kill."""
    found = sorted(out.glob("checkpoint-*"), key=lambda p: int(p.name.rsplit("-", 1)[1]))
    return next((p for p in reversed(found) if _is_whole(p / "trainer_state.json")), None)


def _is_whole(state: Path) -> bool:
    try:
        return isinstance(json.loads(state.read_text("utf-8")), dict)
    except (OSError, ValueError):
        return False
