"""What the examination asks of the machine: what docalign declares, what is installed, what imports, what is on PATH.

A value of functions, so that a test can describe a machine it does not have.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import shutil
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Machine", "Needs", "this_machine"]


@dataclass(frozen=True, slots=True)
class Needs:
    """The requirements docalign declares, as PEP 508 lines: its own, and each extra's."""

    base: Sequence[str]
    extras: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where docalign runs."""

    needs: Needs
    folder: Path | None
    """The checkout the code runs from; None for an installed wheel."""
    python: str
    """The interpreter, as a command would name it."""
    version_of: Callable[[str], str | None]
    """The installed version of a distribution; None where it is not there."""
    problem_of: Callable[[str], str | None]
    """Why a module cannot be imported; None when it can."""
    program: Callable[[str], str | None]
    """The path of a program; None where there is none."""

    def install(self, extra: str | None = None) -> str:
        """The command that installs docalign (again), with an extra."""
        named = f"[{extra}]" if extra else ""
        if self.folder is None:
            return f"{self.python} -m pip install '.{named}' in the docalign folder"
        return f"{self.python} -m pip install --editable '{self.folder}{named}'"


def this_machine() -> Machine:
    """The machine and the environment this process runs in."""
    folder = _checkout()
    return Machine(
        needs=_declared(folder) if folder else _recorded(),
        folder=folder,
        python="python" if shutil.which("python") == sys.executable else sys.executable,
        version_of=_version_of,
        problem_of=_problem_of,
        program=shutil.which,
    )


def _checkout() -> Path | None:
    """The folder above the package, if that is docalign's own."""
    folder = Path(__file__).resolve().parents[2]
    return folder if _project(folder).get("name") == "docalign" else None


def _project(folder: Path) -> dict[str, Any]:
    try:
        with (folder / "pyproject.toml").open("rb") as file:
            project = tomllib.load(file).get("project", {})
    except (OSError, tomllib.TOMLDecodeError):
        return {}
    return project if isinstance(project, dict) else {}


def _declared(folder: Path) -> Needs:
    """From the checkout: what an editable install recorded may be older than the code that runs."""
    project = _project(folder)
    return Needs(tuple(project.get("dependencies", ())), dict(project.get("optional-dependencies", {})))


def _recorded() -> Needs:
    """From the metadata of the installed wheel."""
    from packaging.requirements import Requirement

    try:
        lines = importlib.metadata.requires("docalign") or []
        names = importlib.metadata.metadata("docalign").get_all("Provides-Extra") or []
    except importlib.metadata.PackageNotFoundError:
        return Needs((), {})
    requirements = [Requirement(line) for line in lines]
    base = [str(r) for r in requirements if r.marker is None or "extra" not in str(r.marker)]
    return Needs(
        tuple(base),
        {
            name: tuple(
                str(r)
                for r in requirements
                if r.marker is not None and "extra" in str(r.marker) and r.marker.evaluate({"extra": name})
            )
            for name in names
        },
    )


def _version_of(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _problem_of(module: str) -> str | None:
    try:
        importlib.import_module(module)
    except Exception as error:  # noqa: BLE001 - whatever a broken library raises is what there is to say
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return None
