"""The walk over an HTML tree: which elements end a block, which are set aside, what text runs on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from docalign.document import Kind
from docalign.ingest.readers.flow import FlowBuilder, Item, one_line
from docalign.ingest.readers.html_table import is_layout, table_item

__all__ = ["flat_text", "walk_html"]

_MAX_DEPTH: Final = 150
"""Below this, what an element holds is read as running text."""
_SPACE: Final = re.compile(r"[ \t\n\r\f]+")
_BREAK: Final = re.compile(r" ?\n ?")
NO_TEXT: Final = frozenset("script style template head noframes iframe object embed".split())  # noqa: SIM905
ASIDE: Final = frozenset(("nav", "noscript"))
_PAGE_ASIDE: Final = frozenset(("header", "footer", "aside"))
_SECTIONS: Final = frozenset(("article", "main", "section"))
_ROLES: Final = frozenset(("navigation", "banner", "contentinfo", "search"))
_HEADINGS: Final = {f"h{n}": n for n in range(1, 7)}
_BLOCK_NAMES: Final = (
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption figure footer "
    "form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol optgroup option p pre search "
    "section select summary svg table tbody td textarea tfoot th thead tr ul xmp listing"
)
BLOCKS: Final = frozenset(_BLOCK_NAMES.split())
_HIDDEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_BULLET: Final = "•"


@dataclass(frozen=True, slots=True)
class _Context:
    """What surrounds an element."""

    kind: Kind = "paragraph"
    level: int | None = None
    depth: int = 0
    in_section: bool = False
    nesting: int = 0


@dataclass(slots=True)
class _Walk:
    builder: FlowBuilder
    furniture: bool
    run: list[str] = field(default_factory=list)
    label: str = ""
    """The bullet or number of the list item that has begun and has no text yet."""

    def flush(self, context: _Context) -> None:
        """End the block that the running text belongs to."""
        text = _BREAK.sub("\n", _SPACE.sub(" ", "".join(self.run).replace("\n", " ")).replace("\x0b", "\n")).strip()
        self.run.clear()
        if text:
            shown = f"{self.label} {text}" if self.label else text
            self.label = ""
            depth = context.depth or None
            self.builder.add(Item(context.kind, shown, level=context.level, depth=depth))

    def children(self, node: Any, context: _Context) -> None:
        for child in _children(node):
            self.node(child, context)

    def node(self, node: Any, context: _Context) -> None:
        tag = node.tag
        if node.is_text_node:
            self.run.append(node.text_content or "")
        elif not node.is_element_node or tag in NO_TEXT:
            self._metadata(node, tag)
        elif context.nesting > _MAX_DEPTH:
            self.run.append(f" {flat_text(node)} ")
        elif self._set_aside(node, tag, context):
            return
        elif tag in BLOCKS:
            self.flush(context)
            self._block(node, tag, replace(context, nesting=context.nesting + 1))
        elif tag == "br":
            self.run.append("\x0b")
        elif tag == "img":
            self.builder.set_aside("invisible", node.attributes.get("alt") or "")
        elif tag == "annotation":
            self.builder.set_aside("invisible", flat_text(node))
        else:
            self.children(node, replace(context, nesting=context.nesting + 1))

    def _metadata(self, node: Any, tag: str) -> None:
        if tag == "head":
            for child in _children(node):
                if child.tag == "title":
                    self.builder.set_aside("furniture", one_line(flat_text(child)))

    def _set_aside(self, node: Any, tag: str, context: _Context) -> bool:
        attributes = node.attributes
        if "hidden" in attributes or _HIDDEN.search(attributes.get("style") or ""):
            self.builder.set_aside("invisible", one_line(flat_text(node)))
            return True
        role = (attributes.get("role") or "").lower()
        aside = tag in ASIDE or role in _ROLES or (tag in _PAGE_ASIDE and not context.in_section)
        if not (aside and self.furniture) or (tag == "header" and _holds(node, "h1")):
            return False
        self.flush(context)
        self.builder.set_aside("furniture", one_line(flat_text(node)))
        return True

    def _block(self, node: Any, tag: str, context: _Context) -> None:
        if tag in _HEADINGS:
            self._whole(node, replace(context, kind="heading", level=_HEADINGS[tag], depth=0))
        elif tag in ("pre", "xmp", "listing", "textarea"):
            self.builder.add(Item("code", flat_text(node, breaks=True)))
        elif tag in ("figcaption", "caption"):
            self._whole(node, replace(context, kind="caption", depth=0))
        elif tag in ("ul", "ol", "menu", "dir"):
            self._list(node, tag, context)
        elif tag in ("dt", "dd"):
            inside = replace(context, kind="list_item", depth=max(1, context.depth + (tag == "dd")))
            self._whole(node, inside)
        elif tag == "table" and not is_layout(node):
            self._table(node)
        elif tag == "dl":
            self._whole(node, replace(context, depth=context.depth + 1))
        else:
            self._whole(node, replace(context, in_section=context.in_section or tag in _SECTIONS))

    def _whole(self, node: Any, context: _Context) -> None:
        self.children(node, context)
        self.flush(context)

    def _list(self, node: Any, tag: str, context: _Context) -> None:
        inside = replace(context, kind="list_item", level=None, depth=context.depth + 1)
        number = _whole_number(node.attributes.get("start"), 1)
        for child in _children(node):
            if child.tag != "li":
                self.node(child, inside)
                continue
            self.flush(inside)
            number = _whole_number(child.attributes.get("value"), number)
            self.label = f"{number}." if tag == "ol" else _BULLET
            number += 1
            self._whole(child, replace(inside, nesting=inside.nesting + 1))
            self.label = ""

    def _table(self, node: Any) -> None:
        caption = next((child for child in _children(node) if child.tag == "caption"), None)
        if caption is not None:
            self.builder.add(Item("caption", one_line(flat_text(caption)), caption_of="next"))
        self.builder.add(table_item(node, self._cell))

    def _cell(self, node: Any) -> str:
        for descendant in _descendants(node):
            if descendant.tag == "img":
                self.builder.set_aside("invisible", descendant.attributes.get("alt") or "")
        return one_line(flat_text(node))


def walk_html(root: Any, builder: FlowBuilder, *, furniture: bool = True) -> None:
    """Add what the tree under `root` shows to `builder`; without `furniture`, headers and the like count as text."""
    walk = _Walk(builder, furniture)
    context = _Context()
    walk.node(root, context)
    walk.flush(context)


def flat_text(node: Any, *, breaks: bool = False) -> str:
    """All text below a node, scripts and styles excepted, parted where elements part it; without recursion."""
    parts: list[str] = []
    stack: list[Any] = [node]
    while stack:
        at = stack.pop()
        if isinstance(at, str):
            parts.append(at)
        elif at.is_text_node:
            parts.append(at.text_content or "")
        elif at.tag == "br":
            parts.append("\n")
        elif at.is_element_node and (at is node or at.tag not in NO_TEXT):
            edge = "" if at is node or at.tag not in BLOCKS else "\n" if breaks else " "
            stack.append(edge)
            stack.extend(reversed(list(_children(at))))
            stack.append(edge)
    return "".join(parts)


def _children(node: Any) -> Iterator[Any]:
    child = node.first_child
    while child is not None:
        yield child
        child = child.next


def _descendants(node: Any) -> Iterator[Any]:
    stack = list(_children(node))
    while stack:
        at = stack.pop()
        yield at
        stack.extend(_children(at))


def _holds(node: Any, tag: str) -> bool:
    return any(at.tag == tag for at in _descendants(node))


def _whole_number(value: str | None, otherwise: int) -> int:
    return int(value) if value is not None and re.fullmatch(r"\s*-?\d{1,9}\s*", value) else otherwise
