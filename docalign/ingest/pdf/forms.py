"""What a viewer shows on a PDF page that is no page content: form fields' values and text annotations.

PDFium's text layer leaves both out. The rule: what a viewer shows in place becomes text in place (values of text and
choice fields, ☒ for a ticked box, captions of buttons, free text annotations), whether or not the file brings a drawn
appearance; what it shows only on demand or not at all (comments, hidden fields, passwords) is kept as invisible.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from docalign.errors import UnsupportedFormatError
from docalign.ingest.layout.frame import union
from docalign.ingest.page import TextLine, Word

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pikepdf

    from docalign.document import Box

__all__ = ["FormText", "form_text", "refuse_dynamic_form", "xfa_warning"]

TICK: Final = "☒"
_UNSEEN_FLAGS: Final = (1 << 1) | (1 << 5)
"""Hidden, NoView."""
_RADIO: Final = 1 << 15
_PUSH: Final = 1 << 16
_PASSWORD: Final = 1 << 13
_SIZE: Final = re.compile(r"([\d.]+)\s+Tf\b")
_USUAL_PT: Final = 12.0
_ADVANCE_EM: Final = 0.5
_MAX_FIELDS: Final = 5_000
_MAX_CHARS: Final = 100_000
_MAX_PARENTS: Final = 32
_COMMENTS: Final = frozenset(
    ("/Text", "/Highlight", "/Underline", "/StrikeOut", "/Squiggly", "/Caret", "/Stamp", "/Ink", "/Square", "/Circle")
)


@dataclass(frozen=True, slots=True)
class FormText:
    """Lines that a page shows beside its content, and those it keeps to itself."""

    shown: tuple[TextLine, ...] = ()
    unseen: tuple[TextLine, ...] = ()


def refuse_dynamic_form(structure: pikepdf.Pdf | None) -> None:
    """Raise for a file whose only page is a notice that its form must be drawn by Adobe's programs.

    Raises:
        UnsupportedFormatError: a dynamic XFA form.
    """
    root = _root(structure)
    if root is not None and _xfa(root) and bool(root.get("/NeedsRendering", False)):
        raise UnsupportedFormatError(
            "this is a dynamic form (XFA): its pages are not in the file, only Adobe's programs can draw them.",
            remedy="Open it in Adobe Reader and print it to a new PDF.",
        )


def xfa_warning(structure: pikepdf.Pdf | None) -> tuple[str, ...]:
    """A word about a form that has both real pages and an XFA description, which is not read."""
    root = _root(structure)
    if root is None or not _xfa(root):
        return ()
    return ("the file holds a dynamic form (XFA) too, which was not read; its pages were.",)


def _root(structure: pikepdf.Pdf | None) -> Any:
    try:
        return None if structure is None else structure.Root
    except Exception:  # noqa: BLE001 - a second opinion only
        return None


def _xfa(root: Any) -> bool:
    form = root.get("/AcroForm")
    return bool(form is not None and hasattr(form, "get") and form.get("/XFA") is not None)


def form_text(structure: pikepdf.Pdf | None, index: int, left: float, top: float) -> FormText:
    """The fields and annotations of page `index` (from 0); boxes in points from the top-left corner of the crop box,
    which lies at `left`, `top` in the file's coordinates. Never raises: what cannot be read is not there."""
    if structure is None:
        return FormText()
    shown: list[TextLine] = []
    unseen: list[TextLine] = []
    try:
        annotations = structure.pages[index].obj.get("/Annots") or ()
        for number, item in enumerate(annotations):
            if number >= _MAX_FIELDS:
                break
            text, seen, size = _text_of(item)
            if text.strip():
                lines = _lines(text[:_MAX_CHARS], _box(item, left, top), size)
                (shown if seen else unseen).extend(lines)
    except Exception:  # noqa: BLE001 - hostile files raise anything at all
        return FormText(tuple(shown), tuple(unseen))
    return FormText(tuple(shown), tuple(unseen))


def _text_of(item: Any) -> tuple[str, bool, float]:
    """Text, whether a viewer shows it, and its size in points (0: to fit)."""
    if not hasattr(item, "get"):
        return "", False, 0.0
    kind = str(item.get("/Subtype"))
    seen = not int(item.get("/F", 0)) & _UNSEEN_FLAGS
    if kind == "/Widget":
        text, shown = _value(item)
        return text, seen and shown, _size(_inherited(item, "/DA"))
    if kind == "/FreeText":
        return _string(item.get("/Contents")), seen, _size(item.get("/DA"))
    if kind in _COMMENTS:
        return _string(item.get("/Contents")), False, 0.0
    return "", False, 0.0


def _value(item: Any) -> tuple[str, bool]:
    """A field's value as text, and whether it may be shown."""
    kind, flags = str(_inherited(item, "/FT")), int(_inherited(item, "/Ff") or 0)
    value = _inherited(item, "/V")
    if kind == "/Tx":
        return _string(value), not flags & _PASSWORD
    if kind == "/Ch":
        values = list(value) if _is_list(value) else [value]
        return "\n".join(filter(None, (_option(item, _string(v)) for v in values))), True
    if kind == "/Btn" and flags & _PUSH and not flags & _RADIO:
        look = item.get("/MK")
        return _string(look.get("/CA")) if hasattr(look, "get") else "", True
    if kind == "/Btn":
        state = item.get("/AS")
        on = str(state) != "/Off" if state is not None else value is not None and str(value) != "/Off"
        return TICK if on else "", True
    return "", True


def _option(item: Any, value: str) -> str:
    """A choice as it is shown: options may be pairs of an inner and a shown value."""
    for option in _inherited(item, "/Opt") or ():
        if _is_list(option) and len(option) == 2 and _string(option[0]) == value:
            return _string(option[1])
    return value


def _inherited(item: Any, key: str) -> Any:
    for _ in range(_MAX_PARENTS):
        if not hasattr(item, "get"):
            return None
        if (found := item.get(key)) is not None:
            return found
        item = item.get("/Parent")
    return None


def _is_list(value: Any) -> bool:
    import pikepdf

    return isinstance(value, pikepdf.Array)


def _string(value: Any) -> str:
    import pikepdf

    if isinstance(value, pikepdf.Stream):
        return value.read_bytes().decode("utf-8", "replace")
    if isinstance(value, pikepdf.String):
        return str(value)
    return str(value)[1:] if isinstance(value, pikepdf.Name) else ""


def _size(appearance: Any) -> float:
    found = _SIZE.search(str(appearance)) if appearance is not None else None
    return float(found[1]) if found else 0.0


def _box(item: Any, left: float, top: float) -> Box:
    x0, y0, x1, y1 = (float(v) for v in item.get("/Rect"))
    if not all(map(math.isfinite, (x0, y0, x1, y1))):
        raise ValueError("a field's rectangle is not finite")
    return (min(x0, x1) - left, top - max(y0, y1), max(x0, x1) - left, top - min(y0, y1))


def _lines(text: str, box: Box, size: float) -> Iterator[TextLine]:
    """The text's own lines, from the top of its box; words get the room their share of the characters asks for."""
    x0, y0, x1, y1 = box
    rows = [row.split() for row in text.splitlines() if row.split()]
    height = (y1 - y0) / len(rows)
    fits = min(size or _USUAL_PT, max(1.0, 0.8 * height))
    for number, row in enumerate(rows):
        widest = len(" ".join(row))
        step = min(_ADVANCE_EM * fits, (x1 - x0) / max(1, widest))
        # One line stands in the middle of its box, several from the top on.
        middle = y0 + height * (number + 0.5)
        words, at = [], x0
        for word in row:
            place = (
                round(at, 2),
                round(middle - fits / 2, 2),
                round(at + step * len(word), 2),
                round(middle + fits / 2, 2),
            )
            words.append(Word(word, place, round(fits, 2)))
            at += step * (len(word) + 1)
        yield TextLine(tuple(words), union(w.box for w in words))
