"""`docalign models`: what is installed, what a model says of itself, fetching a base LLM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docalign import models
from docalign.commands.results import write_stdout
from docalign.output.jsonout import dump

if TYPE_CHECKING:
    from docalign.models import ModelInfo

__all__ = ["run_info", "run_list", "run_pull"]


def run_list(*, as_json: bool) -> None:
    """One line for each installed chunker: name, size, folder."""
    found = models.installed()
    if as_json:
        write_stdout(dump([_as_json(m) for m in found], indent=2) + b"\n")
        return
    width = max((len(m.name) for m in found), default=0)
    lines = [f"{m.name:<{width}}  {m.size_bytes / 1e6:6.1f} MB  {m.path}\n" for m in found]
    write_stdout("".join(lines).encode("utf-8", "backslashreplace"))


def run_info(name: str | None) -> None:
    """What the model's own description says, as JSON.

    Raises:
        ModelError: there is no such model, or its description cannot be read.
    """
    write_stdout(dump(_as_json(models.info(models.resolve(name))), indent=2) + b"\n")


def run_pull(name: str | None) -> None:
    """Fetch a base LLM to train from, and print its folder.

    Raises:
        ModelError: it cannot be had.
    """
    write_stdout(f"{models.pull(models.BASE if name is None else name)}\n".encode("utf-8", "backslashreplace"))


def _as_json(model: ModelInfo) -> dict[str, object]:
    return {"name": model.name, "path": str(model.path), "size_bytes": model.size_bytes, "config": model.config}
