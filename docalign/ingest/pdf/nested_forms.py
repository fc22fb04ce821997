"""Forms that draw forms, counted before PDFium draws them.

A form that draws itself twice is 2⁴⁰ drawings to PDFium, which follows forms 40 levels deep; some hundred bytes make it
take all memory there is. Few pages have a form inside a form, and only their streams are decoded here.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from docalign.errors import LimitExceededError
from docalign.ingest.pdf.structure import stream_damage

if TYPE_CHECKING:
    import pikepdf

__all__ = ["refuse_form_bombs"]

_DRAWN: Final = re.compile(rb"/([^\s/\[\]()<>{}%]+)\s+Do\b")
_ESCAPED: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_LEVELS: Final = 40
"""So deep PDFium follows forms in forms."""
_MOST_DRAWN: Final = 50_000
"""Drawings by one form of a page: a map of symbols within symbols has thousands."""
_MOST_FORMS: Final = 5_000
"""Forms looked at; a page that has more is left to the limits of its worker."""

_Key = tuple[int, int]


def refuse_form_bombs(structure: pikepdf.Pdf | None, index: int | None) -> None:
    """Look at the forms of page `index` (from 0); None where the parsers disagree about which page is which: at all.

    Raises:
        LimitExceededError: one of them would be drawn, with what it draws, more than 50,000 times.
    """
    try:
        if structure is None:
            return
        drawn = _anywhere(structure) if index is None else _drawn(structure.pages[index])
    except Exception:  # noqa: BLE001 - a second opinion only: what cannot be looked at is left to the worker's limits
        return
    if drawn > _MOST_DRAWN:
        said = f"{drawn} times" if drawn < 1 << 30 else "without end"
        raise LimitExceededError(
            f"a form on it draws forms {said}; the limit is {_MOST_DRAWN}.",
            remedy="Ask where the file is from: no program draws like this by accident.",
        )


def _drawn(page: pikepdf.Page) -> int:
    """Drawings that the most prolific of the page's forms makes; 0 where the page draws no form that holds another."""
    import pikepdf

    draws = _draws(_forms(page.resources))
    if max(draws.values(), default=0) <= _MOST_DRAWN:
        return 0
    forms = _named(page.resources)
    contents: Any = page.obj.get("/Contents")
    parts = [contents] if isinstance(contents, pikepdf.Stream) else list(contents or ())
    names = _used(b"\n".join(stream_damage(part)[0] for part in parts if part is not None))
    return max((draws.get(tuple(forms[name].objgen), 1) for name in names if name in forms), default=0)


def _anywhere(structure: pikepdf.Pdf) -> int:
    """The same for all forms of a file, whichever page draws them."""
    import pikepdf

    streams = (item for item in structure.objects if isinstance(item, pikepdf.Stream))
    forms = {b"%d %d" % item.objgen: item for item in streams if item.get("/Subtype") == "/Form"}
    return max(_draws(_graph(forms)).values(), default=0)


def _used(data: bytes) -> list[bytes]:
    """The names of what a stream draws, one for each time."""
    return [_ESCAPED.sub(lambda m: bytes([int(m[1], 16)]), name) for name in _DRAWN.findall(data)]


def _forms(resources: Any) -> dict[_Key, Counter[_Key]]:
    """How often each form of the page draws which other; none where no form holds another."""
    forms = _named(resources)
    nested = any(_named(form.get("/Resources")) or "/Resources" not in form for form in forms.values())
    return _graph(forms) if nested else {}


def _graph(forms: dict[bytes, Any]) -> dict[_Key, Counter[_Key]]:
    """How often these forms, and those that they name, draw one another."""
    drawn: dict[_Key, Counter[_Key]] = {}
    waiting = list(forms.values())
    while waiting and len(drawn) < _MOST_FORMS:
        form = waiting.pop()
        if (key := tuple(form.objgen)) in drawn:
            continue
        # A form without resources of its own uses the page's.
        within = _named(form.get("/Resources")) if "/Resources" in form else forms
        data = stream_damage(form)[0] if within else b""
        used = Counter(name for name in _used(data) if name in within)
        drawn[key] = Counter()
        for name, times in used.items():
            drawn[key][tuple(within[name].objgen)] += times
        waiting += [within[name] for name in used]
    return drawn


def _named(resources: Any) -> dict[bytes, Any]:
    """The forms among these resources, by name."""
    import pikepdf

    entries = resources.get("/XObject") if isinstance(resources, pikepdf.Dictionary) else None
    if not isinstance(entries, pikepdf.Dictionary):
        return {}
    return {
        str(name)[1:].encode("utf-8", "surrogateescape"): item
        for name, item in entries.items()
        if isinstance(item, pikepdf.Stream) and item.get("/Subtype") == "/Form"
    }


def _draws(forms: dict[_Key, Counter[_Key]]) -> dict[_Key, int]:
    """Drawings that each form makes, itself included, as deep as PDFium follows."""
    draws = dict.fromkeys(forms, 1)
    for _ in range(_LEVELS):
        following = {
            key: 1 + sum(times * draws.get(inner, 1) for inner, times in used.items()) for key, used in forms.items()
        }
        if following == draws:
            break
        draws = following
    return draws
