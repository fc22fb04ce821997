"""Nonsense in `docalign.document/1` objects of other programs is refused where it stands, and named."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from docalign.document import Document
from docalign.errors import InvalidDocumentError

Value = dict[str, Any]

GOOD: Value = {
    "schema": "docalign.document/1",
    "source": "a.pdf",
    "text": "A title\n\nSome words",
    "pages": [{"number": 1, "width": 100.0, "height": 100.0}, {"number": 2, "width": 100.0, "height": 100.0}],
    "blocks": [
        {"id": 0, "start": 0, "end": 7, "kind": "heading", "level": 1, "page": 1},
        {
            "id": 1,
            "start": 9,
            "end": 19,
            "kind": "paragraph",
            "page": 1,
            "boxes": [{"page": 1, "box": [1, 2, 3, 4]}],
            "lines": [{"start": 9, "end": 19, "page": 2, "box": [1, 2, 3, 4]}],
        },
    ],
    "furniture": [{"page": 1, "text": "1", "box": [0, 0, 1, 1]}],
    "dropped": [{"page": 2, "text": "-", "reason": "hyphen"}],
}


def block(**fields: Any) -> Callable[[Value], None]:
    return lambda value: value["blocks"][1].update(fields)


def line(**fields: Any) -> Callable[[Value], None]:
    return lambda value: value["blocks"][1]["lines"][0].update(fields)


def box(*edges: Any, page: Any = 1) -> Callable[[Value], None]:
    return block(boxes=[{"page": 1, "box": [0, 0, 1, 1]}, {"page": page, "box": list(edges)}])


def page(**fields: Any) -> Callable[[Value], None]:
    return lambda value: value["pages"][1].update(fields)


def top(**fields: Any) -> Callable[[Value], None]:
    return lambda value: value.update(fields)


BROKEN: list[tuple[Callable[[Value], None], str]] = [
    (box(1, 2, 3, 4, page=99), "block 1: box 1: it is on page 99, and the document has no such page"),
    (box(3, 2, 1, 4), "block 1: box 1: its box is reversed: 3, 2, 1, 4"),
    (box(1, 4, 3, 2), "block 1: box 1: its box is reversed"),
    (box(1, 2, 3), "block 1: box 1: box has 3 numbers"),
    (box(1, 2, 3, "4"), "block 1: box 1: an edge of box must be a number"),
    (box(1, 2, 3, True), "block 1: box 1: an edge of box must be a number"),
    (box(1, 2, 3, 10**400), "block 1: box 1: an edge of box is inf"),
    (block(page=99), "block 1: it is on page 99"),
    (block(page="1"), "block 1: page must be a whole number"),
    (block(font_scale=0), "block 1: font_scale is 0, not above 0"),
    (block(font_scale=-1.5), "block 1: font_scale is -1.5, not above 0"),
    (block(bold="no"), "block 1: bold must be true or false"),
    (block(level=1.5), "block 1: level must be a whole number"),
    (block(level=7), "block 1: level is 7, not 1–6"),
    (block(confidence="0.5"), "block 1: confidence must be a number"),
    (block(lines={"start": 9}), "block 1: lines must be a list"),
    (line(end=25), "block 1: line 0: it spans 9–25, outside the block's 9–19"),
    (line(start=3), "block 1: line 0: it spans 3–19, outside"),
    (line(start=19, end=10), "block 1: line 0: it spans 19–10"),
    (line(page=3), "block 1: line 0: it is on page 3"),
    (page(number=1), "page 1: there is a page 1 already"),
    (page(number=0), "page 1: number is 0"),
    (page(width=0), "page 1: width is 0, not above 0"),
    (page(height=-5), "page 1: height is -5, not above 0"),
    (page(ocr="yes"), "page 1: ocr must be true or false"),
    (top(text=5), "text must be a string, not int"),
    (top(text=None), "text must be a string, not NoneType"),
    (top(source=["x"]), "source must be a string"),
    (top(blocks=None, text="x"), "belongs to no block"),
    (top(blocks={"a": 1}), "blocks must be a list"),
    (top(blocks=["x"]), "block 0: it must be an object, not str"),
    (top(pages="12"), "pages must be a list"),
    (top(warnings="oh"), "warnings must be a list"),
    (top(warnings=[1]), "a warning must be a string"),
    (top(furniture=[{"page": 3, "text": "x", "box": [0, 0, 1, 1]}]), "furniture 0: it is on page 3"),
    (top(invisible=[{"page": 1, "text": 7, "box": [0, 0, 1, 1]}]), "invisible 0: text must be a string"),
    (top(dropped=[{"page": 1, "text": "x"}]), "dropped 0: the field 'reason' is missing"),
    (lambda value: value.pop("blocks"), "the field 'blocks' is missing"),
    (lambda value: value["blocks"][0].pop("start"), "block 0: the field 'start' is missing"),
]


@pytest.mark.parametrize(("breaking", "said"), BROKEN, ids=[said for _, said in BROKEN])
def test_what_breaks_a_rule_is_named_with_its_place(breaking: Callable[[Value], None], said: str) -> None:
    value = copy.deepcopy(GOOD)
    breaking(value)
    with pytest.raises(InvalidDocumentError) as caught:
        Document.from_json(value, source="given.json")
    assert said in caught.value.what
    assert caught.value.source == "given.json"
    assert caught.value.remedy


@pytest.mark.parametrize(
    "value",
    [
        {"text": "", "blocks": []},
        {"text": "One.", "blocks": [{"id": 0, "start": 0, "end": 4, "kind": "paragraph"}]},
        {
            "text": "One.",
            "pages": None,
            "furniture": None,
            "blocks": [
                {
                    "id": 0,
                    "start": 0,
                    "end": 4,
                    "kind": "table",
                    "page": 7,
                    "boxes": [{"page": 7, "box": [5, 5, 5, 9]}],
                    "font_scale": None,
                    "bold": None,
                    "level": None,
                }
            ],
            "invisible": [{"page": None, "text": "x", "box": None}],
            "extra": {"of": "another program"},
        },
        GOOD,
    ],
)
def test_sensible_objects_of_other_programs_are_taken(value: Value) -> None:
    read = Document.from_json({"schema": "docalign.document/1", **value})
    assert Document.from_json(json.loads(json.dumps(read.to_json()))) == read


def test_lone_surrogates_survive_the_way_through_json() -> None:
    text = "a\ud800b"
    value = {"schema": "docalign.document/1", "text": text, "blocks": [{"id": 0, "start": 0, "end": 3, "kind": "code"}]}
    read = Document.from_json(json.loads(json.dumps(value)))
    assert read.text == text
    assert Document.from_json(json.loads(json.dumps(read.to_json()))) == read
