"""Word styles and list numbering: what a paragraph's style makes of it, and the label its list gives it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from docalign.ingest.readers.numbers import written_number
from docalign.ingest.readers.ooxml import W

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET

__all__ = ["Look", "Numbering", "Styles"]

_MAX_CHAIN: Final = 20
_LEVELS: Final = 9
_BODY_LEVEL: Final = 9
"""An outline level of 9 means body text."""
_LIST_STYLE: Final = re.compile(r"list (?:bullet|number|continue) ([2-5])$", re.I)
_HEADING: Final = re.compile(r"heading ([1-9])$", re.I)
_CODE: Final = re.compile(r"(html preformatted|source ?code|code|code block|listing|verbatim|preformatted text)$", re.I)
_MONO: Final = re.compile(r"courier|consolas|mono|menlo|lucida console", re.I)


@dataclass(frozen=True, slots=True)
class Look:
    """What a style says: `level` for headings (1–9), the list (`number`, `depth` from 0), and its name in English."""

    name: str = ""
    level: int | None = None
    number: str | None = None
    depth: int | None = None
    bold: bool = False
    hidden: bool = False
    indent: int = 0
    """How deep the style's name says its lists lie, beyond the first."""
    mono: bool = False

    @property
    def caption(self) -> bool:
        return self.name.lower() == "caption"

    @property
    def code(self) -> bool:
        return bool(_CODE.match(self.name))


class Styles:
    """Looks by style id, inherited along `basedOn`."""

    def __init__(self, root: ET.Element | None) -> None:
        self._styles: dict[str, ET.Element] = {}
        self.default: str | None = None
        for style in root.iter(f"{W}style") if root is not None else ():
            key = style.get(f"{W}styleId", "")
            self._styles[key] = style
            if style.get(f"{W}type") == "paragraph" and is_on(style.get(f"{W}default", "0")):
                self.default = key
        self._looks: dict[str | None, Look] = {None: Look()}

    def look(self, style: str | None) -> Look:
        key = style if style in self._styles else self.default
        if key not in self._looks:
            self._looks[key] = self._made(list(self._chain(key)))
        return self._looks[key]

    def _chain(self, key: str | None) -> Iterator[ET.Element]:
        """The style, then what it is based on, and so on."""
        for _ in range(_MAX_CHAIN):
            style = self._styles.get(key or "")
            if style is None:
                return
            yield style
            key = value(style, "basedOn")

    def _made(self, chain: list[ET.Element]) -> Look:
        level = number = depth = None
        names = [(value(style, "name") or "") for style in chain]
        for style, name in zip(chain, names, strict=True):
            properties = style.find(f"{W}pPr")
            if level is None:
                level = outline_level(properties)
            if level is None and (match := _HEADING.match(name)):
                level = int(match[1])
            if level is None and name.lower() == "title":
                level = 1
            if number is None:
                number, depth = list_place(properties)
        fonts = [f.get(f"{W}ascii", "") for style in chain[:1] for f in style.iter(f"{W}rFonts")]
        return Look(
            name=next((n for n in names if _CODE.match(n) or n.lower() == "caption"), names[0] if names else ""),
            level=None if level is not None and level > _BODY_LEVEL else level,
            number=number,
            depth=depth,
            bold=next((is_bold(style.find(f"{W}rPr")) for style in chain if has(style.find(f"{W}rPr"), "b")), False),
            hidden=any(is_hidden(style.find(f"{W}rPr")) for style in chain[:1]),
            indent=next((int(match[1]) - 1 for name in names[:1] if (match := _LIST_STYLE.match(name))), 0),
            mono=any(_MONO.search(font) for font in fonts),
        )


def value(element: ET.Element | None, name: str) -> str | None:
    """`w:val` of the child `w:name`."""
    child = None if element is None else element.find(f"{W}{name}")
    return None if child is None else child.get(f"{W}val")


def has(element: ET.Element | None, name: str) -> bool:
    return element is not None and element.find(f"{W}{name}") is not None


def is_on(text: str | None) -> bool:
    return text is None or text.lower() not in ("0", "false", "off", "none")


def is_bold(properties: ET.Element | None) -> bool:
    return has(properties, "b") and is_on(value(properties, "b"))


def is_hidden(properties: ET.Element | None) -> bool:
    return has(properties, "vanish") and is_on(value(properties, "vanish"))


def outline_level(properties: ET.Element | None) -> int | None:
    """1–9 for headings, 10 for a paragraph that says it is body text, None where nothing is said."""
    level = value(properties, "outlineLvl")
    return int(level) + 1 if level is not None and re.fullmatch(r"\d", level) else None


def list_place(properties: ET.Element | None) -> tuple[str | None, int | None]:
    """The list's number and depth (from 0); '0' takes a paragraph out of its style's list."""
    place = None if properties is None else properties.find(f"{W}numPr")
    depth = value(place, "ilvl")
    return value(place, "numId"), (min(int(depth), _LEVELS - 1) if depth and depth.isdigit() else None)


@dataclass(slots=True)
class _Level:
    format: str
    text: str
    start: int
    plain: bool


@dataclass(slots=True)
class Numbering:
    """Counts list items as Word does: lists that share a definition share its counters, until one starts over."""

    lists: dict[str, tuple[str, dict[int, int]]] = field(default_factory=dict)
    """list → its definition, and the levels it starts over, with their first number."""
    levels: dict[str, dict[int, _Level]] = field(default_factory=dict)
    counters: dict[str, list[int | None]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, root: ET.Element | None) -> Numbering:
        numbering = cls()
        if root is None:
            return numbering
        links: dict[str, str] = {}
        for definition in root.findall(f"{W}abstractNum"):
            key = definition.get(f"{W}abstractNumId", "")
            numbering.levels[key] = {
                int(level.get(f"{W}ilvl", "0")): _level(level)
                for level in definition.findall(f"{W}lvl")
                if level.get(f"{W}ilvl", "0").isdigit()
            }
            if name := value(definition, "styleLink"):
                links[name] = key
        linked = {d.get(f"{W}abstractNumId", ""): value(d, "numStyleLink") for d in root.findall(f"{W}abstractNum")}
        for used in root.findall(f"{W}num"):
            key = value(used, "abstractNumId") or ""
            key = links.get(linked.get(key) or "", key)
            starts = {
                int(over.get(f"{W}ilvl", "0")): int(first)
                for over in used.findall(f"{W}lvlOverride")
                if (first := value(over, "startOverride")) and first.isdigit() and over.get(f"{W}ilvl", "0").isdigit()
            }
            numbering.lists[used.get(f"{W}numId", "")] = (key, starts)
        return numbering

    def label(self, number: str, depth: int) -> str | None:
        """The label of the next item of a list at a depth, '' for an item without one, None where there is no list."""
        if number not in self.lists:
            return None
        key, starts = self.lists[number]
        levels = self.levels.get(key, {})
        level = levels.get(depth)
        if level is None:
            return None
        counters = self.counters.setdefault(key, [None] * _LEVELS)
        if number not in self.begun:
            self.begun.add(number)
            for at in starts:
                counters[at] = None
        now = counters[depth]
        counters[depth] = starts.get(depth, level.start) if now is None else now + 1
        for deeper in range(depth + 1, _LEVELS):
            counters[deeper] = None
        if level.format == "bullet":
            return "•"
        if level.format == "none":
            return ""
        return re.sub(r"%([1-9])", lambda m: self._shown(int(m[1]) - 1, levels, counters, level.plain), level.text)

    @staticmethod
    def _shown(at: int, levels: dict[int, _Level], counters: list[int | None], plain: bool) -> str:
        level = levels.get(at)
        if level is None:
            return ""
        number = counters[at]
        if number is None:  # a level that was skipped counts as begun
            number = counters[at] = level.start
        return written_number(number, "decimal" if plain else level.format)


def _level(element: ET.Element) -> _Level:
    start = value(element, "start") or "1"
    return _Level(
        format=value(element, "numFmt") or "decimal",
        text=value(element, "lvlText") or "",
        start=int(start) if start.isdigit() else 1,
        plain=has(element, "isLgl"),
    )
