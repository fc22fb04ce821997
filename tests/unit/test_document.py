"""`docalign.document/1` objects from outside: what breaks a rule is refused by name, never met later."""

from __future__ import annotations

import json
from typing import Any

import pytest

from docalign.document import Document
from docalign.errors import InvalidDocumentError


def document(**block: Any) -> dict[str, Any]:
    return {
        "schema": "docalign.document/1",
        "text": "Some words",
        "pages": [{"number": 1, "width": 100.0, "height": 100.0}],
        "blocks": [{"id": 0, "start": 0, "end": 10, "kind": "paragraph", **block}],
    }


def test_a_document_survives_the_way_through_json() -> None:
    region = {"page": 1, "box": [1, 2, 3, 4]}
    read = Document.from_json(document(level=None, page=1, boxes=[region], confidence=0.5))
    assert Document.from_json(json.loads(json.dumps(read.to_json()))) == read


def test_rows_depth_and_captions_survive_the_way_through_json() -> None:
    table = document(kind="table", rows=[[0, 4], [5, 10]], header_rows=1, caption_of=0)
    read = Document.from_json(table)
    assert (read.blocks[0].rows, read.blocks[0].header_rows) == (((0, 4), (5, 10)), 1)
    assert Document.from_json(json.loads(json.dumps(read.to_json()))) == read
    item = Document.from_json(document(kind="list_item", depth=2))
    assert item.blocks[0].depth == 2
    assert Document.from_json(item.to_json()) == item


def test_what_is_known_of_a_page_survives_and_may_be_absent() -> None:
    page = {"number": 1, "width": 100.0, "height": 100.0, "kind": "scan", "engine": "tesserocr 5", "rotation": 90}
    read = Document.from_json({**document(), "pages": [page]})
    assert (read.pages[0].kind, read.pages[0].engine, read.pages[0].rotation) == ("scan", "tesserocr 5", 90)
    assert Document.from_json(json.loads(json.dumps(read.to_json()))) == read
    plain = Document.from_json(document()).pages[0]
    assert (plain.kind, plain.engine, plain.rotation) == (None, None, 0)
    for wrong in ({"rotation": 45}, {"rotation": "90"}, {"kind": 3}, {"engine": ["x"]}):
        with pytest.raises(InvalidDocumentError):
            Document.from_json({**document(), "pages": [{**page, **wrong}]})


@pytest.mark.parametrize(
    "block",
    [
        {"kind": [1]},
        {"kind": {}},
        {"kind": "title"},
        {"level": float("inf")},
        {"level": 99},
        {"level": -3},
        {"confidence": float("nan")},
        {"confidence": 7},
        {"font_scale": float("inf")},
        {"boxes": [{"page": 1, "box": [0, 0, float("nan"), 1]}]},
        {"boxes": [{"page": 1, "box": [0, 0, 1]}]},
        {"end": 11},
        {"end": 4},
        {"start": 3},
        {"id": 1},
        {"start": "0"},
        {"rows": [[0, 11]]},
        {"rows": [[3, 3]]},
        {"rows": [[4, 8], [2, 4]]},
        {"rows": [[0, "4"]]},
        {"rows": [[0]]},
        {"rows": [[0, 4]], "header_rows": 2},
        {"header_rows": 1},
        {"header_rows": -1},
        {"depth": 0},
        {"depth": "1"},
        {"caption_of": 1},
        {"caption_of": -1},
    ],
    ids=str,
)
def test_a_broken_block_is_refused(block: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocumentError) as caught:
        Document.from_json(document(**block), source="a.json")
    assert caught.value.source == "a.json"
    assert caught.value.remedy


@pytest.mark.parametrize(
    "page",
    [{"number": 1, "width": float("nan"), "height": 1}, {"number": 1, "width": 1, "height": 1, "confidence": "high"}],
)
def test_a_broken_page_is_refused(page: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocumentError):
        Document.from_json({**document(), "pages": [page]})
