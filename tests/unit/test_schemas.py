"""The published schemas accept what docalign writes, and refuse what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
from hypothesis import given

from docalign.chunker import Chunker, ChunkOptions
from docalign.ingest import ingest
from docalign.preference import PreferenceLine
from docalign.train.gold import GoldLine
from tests.property.test_document_json import full_documents

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "data" / "schemas"
SAMPLES = ROOT / "data" / "samples"


def validator(name: str) -> Callable[[Any], Any]:
    def load(uri: str) -> Any:
        return json.loads((SCHEMAS / uri).read_text("utf-8"))

    made: Callable[[Any], Any] = fastjsonschema.compile(load(f"{name}.schema.json"), handlers={"": load})
    return made


DOCUMENT, CHUNK, GOLD, PREFERENCE = map(validator, ("document", "chunk", "gold", "preference"))


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


@pytest.mark.parametrize("name", ["report.pdf", "contract.pdf", "transcript.txt"])
def test_documents_and_chunks_of_the_samples(name: str) -> None:
    document = ingest(SAMPLES / name)
    DOCUMENT(through_json(document.to_json()))
    for chunk in Chunker.load(None).chunk(document, ChunkOptions(max_tokens=200, embed_text=True)):
        CHUNK(through_json(chunk.to_json()))


@given(full_documents())
def test_any_document_and_its_gold_and_preferences(document: Any) -> None:
    DOCUMENT(through_json(document.to_json()))
    if len(document.blocks) < 2:
        return
    GOLD(through_json(GoldLine("a/1", None, document, (0, 1), licence="CC0 1.0", alignment=0.98).to_json()))
    line = PreferenceLine("a/1", document, ((0,), (0, 1)), ((1,), (0,)), "human", "somebody", scores=(0.1, 0.9))
    PREFERENCE(through_json(line.to_json()))


def test_what_is_no_such_object_is_refused() -> None:
    document = ingest(SAMPLES / "transcript.txt").to_json()
    good = GoldLine("a/1", None, ingest(SAMPLES / "transcript.txt"), (0,)).to_json()
    for change in (
        {"starts": []},
        {"starts": [0, -1]},
        {"schema": "docalign.gold/2"},
        {"document": {}},
        {"counter": ""},
    ):
        with pytest.raises(fastjsonschema.JsonSchemaException):
            GOLD(through_json(good | change))
    with pytest.raises(fastjsonschema.JsonSchemaException):
        DOCUMENT(through_json(document | {"blocks": [{"id": 0, "start": 0, "end": 3, "kind": "poem"}]}))
