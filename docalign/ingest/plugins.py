"""Readers of other packages: entry points of the group `docalign.readers`, each of which is a `formats.Format`.

    [project.entry-points."docalign.readers"]
    wordperfect = "acme_docalign:WORDPERFECT"

Only what an installed package registers is ever loaded; no name from a file, a flag or a setting is. Built-in formats
go first, so a plugin adds formats and replaces none. A plugin that cannot be used is a problem that names it, said
where it may have mattered; it stops no other reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from docalign.ingest.formats import Format

__all__ = ["GROUP", "Plugins", "load", "load_all"]

GROUP: Final = "docalign.readers"


@dataclass(frozen=True, slots=True)
class Plugins:
    """The formats that other packages add, and a sentence for each that could not be used."""

    formats: tuple[Format, ...] = ()
    problems: tuple[str, ...] = ()


@cache
def load() -> Plugins:
    """What is installed here, in the order of the entry points' names."""
    return load_all(list(entry_points(group=GROUP)))


def load_all(points: list[EntryPoint]) -> Plugins:
    """Formats and problems of these entry points."""
    formats: list[Format] = []
    problems: list[str] = []
    for point in sorted(points, key=lambda p: (p.name, p.value)):
        try:
            formats.append(_checked(point.load()))
        except Exception as error:  # noqa: BLE001 - another package's code; its failure must not become ours
            problems.append(f"the reader plugin {point.name} ({point.value}) cannot be used: {_said(error)}")
    return Plugins(tuple(formats), tuple(problems))


def _checked(value: Any) -> Format:
    """`value` as a usable Format.

    Raises:
        TypeError: it is none. ValueError: it has values no reader can have.
    """
    from docalign.ingest.formats import Format

    if not isinstance(value, Format):
        raise TypeError(f"it is a {type(value).__name__}, not a docalign.ingest.formats.Format")
    if value.kind not in ("paged", "flow"):
        raise ValueError(f"its kind is {value.kind!r}; a plugin's must be 'paged' or 'flow'")
    if not (value.suffixes or value.magic) or not all(s.startswith(".") and s == s.lower() for s in value.suffixes):
        raise ValueError(f"its suffixes are {value.suffixes!r}; write them like '.wpd'")
    return value


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
