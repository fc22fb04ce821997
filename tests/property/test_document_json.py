"""A Document comes back from JSON as it was; whatever stands in the JSON, reading fails by name or not at all."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from docalign.document import KINDS, Block, Box, Document, Dropped, Leftover, Line, Page, Region
from docalign.errors import InvalidDocumentError
from docalign.output.jsonout import render_document

WORDS = st.text(st.characters(exclude_categories=()), min_size=1, max_size=12).filter(lambda t: not t.isspace())
EDGE = st.integers(-500_000, 500_000).map(lambda n: n / 100)
SHARE = st.none() | st.integers(0, 10_000).map(lambda n: n / 10_000)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 30) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=6,
)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x0, x1 = sorted(draw(st.tuples(EDGE, EDGE)))
    y0, y1 = sorted(draw(st.tuples(EDGE, EDGE)))
    return (x0, y0, x1, y1)


@st.composite
def full_documents(draw: st.DrawFn) -> Document:
    """Documents that use every field."""
    numbers = draw(st.lists(st.integers(1, 9), unique=True, max_size=3))
    sizes = st.integers(1, 100_000).map(lambda n: n / 100)
    names = st.none() | st.text(min_size=1, max_size=5)
    turns = st.sampled_from([0, 90, 180, 270])
    pages = tuple(
        Page(n, draw(sizes), draw(sizes), draw(st.booleans()), draw(SHARE), draw(names), draw(names), draw(turns))
        for n in numbers
    )
    on = st.sampled_from(numbers) if numbers else st.integers(1, 9)
    text, blocks = "", []
    parts = draw(st.lists(WORDS, max_size=5))
    for index, part in enumerate(parts):
        start, end = len(text), len(text) + len(part)
        cut = draw(st.integers(start, end))
        spans = [(a, b) for a, b in ((start, cut), (cut, end)) if a < b]
        rows = tuple(spans) if draw(st.booleans()) else ()
        blocks.append(
            Block(
                index,
                start,
                end,
                draw(st.sampled_from(sorted(KINDS))),  # type: ignore[arg-type]
                draw(st.none() | st.integers(1, 6)),
                draw(st.none() | on),
                tuple(Region(draw(on), draw(boxes())) for _ in range(draw(st.integers(0, 2)))),
                draw(st.integers(1, 10_000)) / 100,
                draw(st.booleans()),
                draw(SHARE),
                tuple(Line(a, b, draw(on), draw(boxes())) for a, b in spans),
                rows,
                draw(st.integers(0, len(rows))),
                draw(st.none() | st.integers(1, 9)),
                draw(st.none() | st.integers(0, len(parts) - 1)),
            )
        )
        text += part + draw(st.sampled_from(["\n\n", "\n", " "]))
    aside = st.builds(Leftover, st.none() | on, st.text(max_size=5), st.none() | boxes())
    dropped = st.builds(Dropped, st.none() | on, st.text(max_size=5), st.text(max_size=5))
    few = {"max_size": 2}
    return Document(
        draw(st.text(min_size=1, max_size=8)),
        draw(st.text("0123456789abcdef", min_size=64, max_size=64)),
        text,
        tuple(blocks),
        pages,
        tuple(draw(st.lists(aside, **few))),
        tuple(draw(st.lists(aside, **few))),
        tuple(draw(st.lists(dropped, **few))),
        tuple(draw(st.lists(st.text(max_size=5), **few))),
    ).check()


@given(document=full_documents())
def test_a_document_comes_back_from_json_as_it_was(document: Document) -> None:
    assert Document.from_json(document.to_json()) == document
    assert Document.from_json(json.loads(render_document(document))) == document


@given(document=full_documents(), data=st.data(), junk=JSON)
def test_junk_anywhere_is_refused_by_name_or_means_something(
    document: Document, data: st.DataObject, junk: Any
) -> None:
    value = copy.deepcopy(document.to_json())
    place: Any = value
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            place[key] = junk
            break
        place = inner
    try:
        read = Document.from_json(value)
    except InvalidDocumentError:
        return
    assert Document.from_json(read.to_json()) == read
