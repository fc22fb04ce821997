"""reStructuredText, read by docutils with everything off that reads other files or passes text through: `include`,
`raw` and `csv-table :file:` are refused where they stand, and what cannot be understood keeps its source text.

Titles become headings by their nesting, directives their content; comments and docutils' own messages are set aside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docalign.document import Document, Kind
from docalign.errors import EmptyInputError, LimitExceededError
from docalign.ingest.readers.flow import FlowBuilder, Item, one_line
from docalign.ingest.readers.guard import guarded
from docalign.ingest.readers.numbers import written_number
from docalign.ingest.readers.text import decode

if TYPE_CHECKING:
    from docalign.ingest.options import IngestOptions

__all__ = ["read_rst"]

_MAX_CHARS: Final = 5_000_000
"""docutils needs some 20 µs and half a kilobyte for each character."""
_MAX_DEPTH: Final = 60
_SETTINGS: Final = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "embed_stylesheet": False,
    "halt_level": 6,
    "report_level": 3,
    "warning_stream": False,
    "input_encoding": "unicode",
    "output_encoding": "unicode",
    "_disable_config": True,
    "smart_quotes": False,
    "syntax_highlight": "none",
    "line_length_limit": 1_000_000,
    "doctitle_xform": False,
    "sectsubtitle_xform": False,
    "docinfo_xform": False,
}
_UNSEEN: Final = ("pending", "target", "meta", "transition")
_ENUMERATIONS: Final = {
    "loweralpha": "lowerLetter",
    "upperalpha": "upperLetter",
    "lowerroman": "lowerRoman",
    "upperroman": "upperRoman",
}
_PARTS: Final[dict[str, Kind]] = {
    "paragraph": "paragraph",
    "attribution": "paragraph",
    "subtitle": "paragraph",
    "rubric": "paragraph",
    "line": "paragraph",
    "literal_block": "code",
    "doctest_block": "code",
    "math_block": "paragraph",
    "caption": "caption",
}


@dataclass(frozen=True, slots=True)
class _Context:
    level: int = 0
    depth: int = 0
    kind: Kind = "paragraph"


def read_rst(path: str, options: IngestOptions, *, source: str, sha256: str) -> Document:  # noqa: ARG001 - FlowReader
    """A reStructuredText file as a Document.

    Raises:
        UnsupportedFormatError: binary data. LimitExceededError: too long. EmptyInputError: no text.
    """
    text, warnings = decode(Path(path).read_bytes())
    if not text.strip():
        raise EmptyInputError("the text is empty: it has no visible character.", remedy="Check how it was made.")
    if len(text) > _MAX_CHARS:
        raise LimitExceededError(
            f"it has {len(text)} characters, over {_MAX_CHARS}.", remedy="Split it, or name it .txt to read it as text."
        )
    walk = _Walk(FlowBuilder(warnings=list(warnings)))
    # docutils marks escapes with NULs of its own and leaves them all out.
    walk.children(_parsed(text.replace("\x00", "\ufffd")), _Context())
    return walk.builder.build(source=source, sha256=sha256)


def _parsed(text: str) -> Any:
    from docutils.core import publish_doctree

    with guarded("the markup", remedy="Mend it, or name it .txt to read it as text."):
        return publish_doctree(text, settings_overrides=dict(_SETTINGS))


class _Walk:
    """From docutils' tree to items."""

    def __init__(self, builder: FlowBuilder) -> None:
        self.builder = builder
        self._label = ""

    def children(self, node: Any, context: _Context) -> None:
        for child in node.children:
            self._node(child, context)

    def _node(self, node: Any, context: _Context) -> None:
        name = node.tagname
        inside = replace(context, kind="list_item", depth=min(context.depth + 1, _MAX_DEPTH))
        if name in _PARTS:
            self._part(node, name, context)
        elif name in ("bullet_list", "enumerated_list"):
            self._list(node, name, inside)
        elif name in ("term", "field_name"):
            self.builder.add(Item("list_item", one_line(node.astext()), depth=inside.depth))
        elif name in ("definition", "field_body"):
            self.children(node, inside)
        elif name == "section":
            self.children(node, replace(context, level=context.level + 1))
        elif name == "title":
            self._title(node, context)
        elif name == "table":
            self._table(node)
        elif name in ("footnote", "citation"):
            self._note(node, context)
        elif not self._set_aside(node, name):
            self._whole(node, context)

    def _whole(self, node: Any, context: _Context) -> None:
        if node.children:
            self.children(node, context)
        else:
            self.builder.add(Item("paragraph", node.astext()))

    def _set_aside(self, node: Any, name: str) -> bool:
        """Comments and the like, docutils' messages, and the table of contents it makes of the headings."""
        if name == "system_message":
            self._problem(node)
        elif name in ("header", "footer"):
            self.builder.set_aside("furniture", node.astext())
        elif name == "image":
            self.builder.set_aside("invisible", node.get("alt", ""))
        elif name in ("comment", "substitution_definition", "raw"):
            self.builder.set_aside("invisible", node.astext())
        else:
            return name in _UNSEEN or (name == "topic" and "contents" in node.get("classes", ()))
        return True

    def _title(self, node: Any, context: _Context) -> None:
        if node.parent.tagname in ("section", "document"):
            self.builder.add(Item("heading", one_line(node.astext()), level=max(1, context.level)))
        else:  # of a topic, a table or an admonition
            kind: Kind = "caption" if node.parent.tagname == "table" else "paragraph"
            self.builder.add(Item(kind, one_line(node.astext()), bold=kind == "paragraph"))

    def _part(self, node: Any, name: str, context: _Context) -> None:
        kind = _PARTS[name]
        for image in node.findall(lambda n: n.tagname == "image"):
            self.builder.set_aside("invisible", image.get("alt", ""))
        text = node.astext()
        if kind == "paragraph":
            kind = context.kind
            text = text if name in ("line", "math_block") else one_line(text)
        shown = f"{self._label} {text}" if self._label and text.strip() else text
        self._label = "" if text.strip() else self._label
        self.builder.add(Item(kind, shown, depth=context.depth or None))

    def _list(self, node: Any, name: str, context: _Context) -> None:
        for item, label in zip(node.children, _labels(node, name), strict=False):
            self._label = label
            self.children(item, context)
        self._label = ""

    def _note(self, node: Any, context: _Context) -> None:
        label = next((child.astext() for child in node.children if child.tagname == "label"), "")
        self._label = f"[{label}]"
        for child in node.children:
            if child.tagname != "label":
                self._node(child, context)
        self._label = ""

    def _table(self, node: Any) -> None:
        for title in node.children:
            if title.tagname == "title":
                self.builder.add(Item("caption", one_line(title.astext()), caption_of="next"))
        rows: list[list[str]] = []
        header_rows = 0
        for row in node.findall(lambda n: n.tagname == "row"):
            header_rows += row.parent.tagname == "thead"
            rows.append([text for entry in row.children for text in _cell(entry)])
        self.builder.add(Item("table", rows=_filled(node, rows), header_rows=header_rows))

    def _problem(self, node: Any) -> None:
        """What docutils could not read: its source text stays, its message is a warning."""
        said = one_line(node.children[0].astext()) if node.children else "a part could not be read"
        self.builder.warn(f"line {node.get('line', '?')}: {said}")
        for child in node.children[1:]:
            if child.tagname == "literal_block":
                self.builder.add(Item("code", child.astext()))


def _filled(node: Any, rows: list[list[str]]) -> list[list[str]]:
    """Rows with '' where a cell of an earlier row reaches into them."""
    covered: dict[int, int] = {}
    filled = []
    for row, texts in zip(node.findall(lambda n: n.tagname == "row"), rows, strict=True):
        queue = iter(texts)
        spans = iter([int(entry.get("morerows", 0)) for entry in row.children for _ in _cell(entry)])
        line: list[str] = []
        while True:
            while covered.get(len(line), 0) > 0:
                covered[len(line)] -= 1
                line.append("")
            text = next(queue, None)
            if text is None:
                break
            covered[len(line)] = next(spans)
            line.append(text)
        filled.append(line)
    return filled


def _cell(entry: Any) -> list[str]:
    return [one_line(entry.astext()), *[""] * min(int(entry.get("morecols", 0)), 1_000)]


def _labels(node: Any, name: str) -> Iterator[str]:
    how = _ENUMERATIONS.get(node.get("enumtype", ""), "decimal")
    prefix, suffix, first = node.get("prefix", ""), node.get("suffix", "."), int(node.get("start", 1))
    for number in range(first, first + len(node.children)):
        yield "•" if name == "bullet_list" else f"{prefix}{written_number(number, how)}{suffix}"
