"""The reference gold policy gives the starts of the reference tool, and of a document written for this test."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from docalign.errors import UsageError
from docalign.train.corpus import read_corpus
from docalign.train.policy_gold import CONDITIONS, SIZES, Condition, Unit, gold_line, gold_starts, precut

FIXTURE = json.loads((Path(__file__).parent / "gold_fixture.json").read_text(encoding="utf-8"))
EXPECTED: dict[Condition, list[int]] = FIXTURE["starts"]
ODD_SIZES = [(1, 1), (7, 40), (27, 27), (64, 128), (300, 300), (1200, 4000)]


def words(n: int, word: str = "word") -> str:
    return " ".join([word] * n)


def paragraph(n: int) -> Unit:
    return Unit.of(words(n), "paragraph", None)


def heading(level: int) -> Unit:
    return Unit.of("Heading", "heading", level)


@pytest.fixture(scope="module")
def data() -> Path:
    if not os.environ.get("DOCALIGN_DATA"):
        pytest.skip("DOCALIGN_DATA is not set: the corpora and the reference tool are outside the repository")
    return Path(os.environ["DOCALIGN_DATA"])


@pytest.fixture(scope="module")
def tool(data: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("gold_lines", data / "tools" / "gold_lines.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# The committed document


@pytest.mark.parametrize("condition", CONDITIONS)
def test_fixture_starts(condition: Condition) -> None:
    line = gold_line(FIXTURE["document"], target=FIXTURE["target"], limit=FIXTURE["limit"], condition=condition)
    assert line is not None
    assert list(line.starts) == EXPECTED[condition]


def test_marked_shows_headings_bare_hides_them_headless_drops_them() -> None:
    marked, bare, headless = (
        gold_line(FIXTURE["document"], target=FIXTURE["target"], limit=FIXTURE["limit"], condition=c)
        for c in CONDITIONS
    )
    assert marked
    assert bare
    assert headless
    headings = [b for b in marked.document.blocks if b.kind == "heading"]
    assert headings
    assert all(b.bold and b.font_scale == 1.4 and b.level for b in headings)
    assert bare.document.text == marked.document.text
    assert all(b.kind != "heading" and b.level is None and not b.bold for b in bare.document.blocks)
    assert len(headless.document.blocks) == len(marked.document.blocks) - len(headings)
    for b in headings:
        assert marked.document.block_text(b) not in headless.document.text


def test_window_of_a_document_has_its_own_id_and_the_documents_source() -> None:
    line = gold_line(FIXTURE["document"], target=30, limit=60, condition="bare", first_block=2, max_blocks=22)
    assert line is not None
    assert (line.id, line.document.source, line.source) == ("fixture/canal@2", "fixture/canal", "fixture")
    assert len(line.document.blocks) == 22
    assert line.document.text.startswith(FIXTURE["document"]["blocks"][2]["text"])


def test_transcript_starts_at_its_topics_and_has_no_sizes() -> None:
    blocks = [{"kind": "utterance", "level": None, "text": f"Ann: turn {i}."} for i in range(40)]
    transcript = {"id": "talk/1", "domain": "meeting", "blocks": blocks, "topic_starts": [0, 9, 25, 33]}
    for condition in CONDITIONS:
        line = gold_line(transcript, target=150, limit=256, condition=condition)
        assert line is not None
        assert (line.starts, line.target_tokens, line.max_tokens) == ((0, 9, 25, 33), None, None)
        assert {b.kind for b in line.document.blocks} == {"paragraph"}
    window = gold_line(transcript, target=150, limit=256, condition="bare", first_block=5, max_blocks=24)
    assert window is not None
    assert window.starts == (0, 4, 20)


def test_too_little_to_teach_gives_no_line() -> None:
    short = FIXTURE["document"] | {"blocks": FIXTURE["document"]["blocks"][:15]}
    assert gold_line(short, target=30, limit=60, condition="bare") is None
    one_chunk = {"id": "a/1", "blocks": [{"kind": "paragraph", "level": None, "text": "Few words."}] * 30}
    assert gold_line(one_chunk, target=150, limit=256, condition="bare") is None


@pytest.mark.parametrize(("target", "limit"), [(0, 10), (11, 10), (-1, 10)])
def test_senseless_sizes_are_a_usage_error(target: int, limit: int) -> None:
    with pytest.raises(UsageError, match="target"):
        gold_line(FIXTURE["document"], target=target, limit=limit, condition="bare")


# The rules, one by one


def test_small_sections_join_until_the_target() -> None:
    section = [heading(2), paragraph(20)]  # 1 + 27 tokens
    assert gold_starts(section * 4, target=100, limit=200) == [0, 6]


def test_a_higher_heading_does_not_join() -> None:
    assert gold_starts([heading(2), paragraph(5), heading(1), paragraph(5)], target=100, limit=200) == [0, 2]


def test_long_section_is_divided_evenly_but_never_after_a_heading() -> None:
    long = [heading(1), paragraph(50), paragraph(50), paragraph(50), paragraph(50)]
    assert gold_starts(long, target=140, limit=150) == [0, 3]
    with_headings = [paragraph(70), heading(2), heading(3), paragraph(70), paragraph(70), paragraph(70)]
    for start in gold_starts(with_headings, target=100, limit=120)[1:]:
        assert with_headings[start - 1].kind != "heading"


def test_precut_divides_at_sentences_before_words() -> None:
    text = f"{words(5)}. {words(5)}. {words(30)}."
    parts = [u.text for u in precut([Unit.of(text, "heading", 2)], limit=14)]  # 14 tokens are 10 words
    assert [len(p.split()) for p in parts] == [10, 10, 10, 10]
    assert parts[0] == f"{words(5)}. {words(5)}."
    assert " ".join(parts) == text
    whole = [len(u.text.split()) for u in precut([Unit.of(f"{words(4)}. {words(8)}.", "code", None)], limit=14)]
    assert whole == [4, 8]  # the second sentence fits alone, so it is not divided


@pytest.mark.parametrize("limit", [1, 2, 27, 256])
def test_precut_leaves_nothing_over_the_limit(limit: int) -> None:
    units = list(precut([paragraph(2_000), Unit.of("x " * 5 + "y. z", "table", None)], limit))
    assert max(u.tokens for u in units) <= limit


# The reference tool


def _tool_lines(data: Path, out: Path, condition: Condition) -> Iterator[Mapping[str, Any]]:
    flags = {"marked": [], "bare": ["--strip"], "headless": ["--headless"]}[condition]
    command = [sys.executable, str(data / "tools/gold_lines.py"), str(data / "corpora/dev"), str(out), "--per", "1000"]
    subprocess.run([*command, *flags], check=True, capture_output=True, timeout=60)
    with out.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _our_lines(data: Path, condition: Condition) -> Iterator[dict[str, Any]]:
    """The tool's own order and its draws of sizes, with our policy."""
    draws = random.Random(7)
    for file in sorted((data / "corpora/dev").glob("*.jsonl.xz")):
        documents = list(read_corpus(file))
        draws.shuffle(documents)
        for document in documents:
            target, limit = draws.choice(SIZES)
            line = gold_line(document, target=target, limit=limit, condition=condition)
            if line:
                yield line.to_json()


@pytest.mark.parametrize("condition", CONDITIONS)
def test_same_lines_as_the_reference_tool(data: Path, tmp_path: Path, condition: Condition) -> None:
    theirs = list(_tool_lines(data, tmp_path / "gold.jsonl", condition))
    ours = list(_our_lines(data, condition))
    assert [line["id"] for line in ours] == [line["id"] for line in theirs]
    assert len(theirs) > 100
    for our, their in zip(ours, theirs, strict=True):
        for field in their.keys() - {"document"}:
            assert our[field] == their[field], (our["id"], field)
        for field in their["document"].keys() - {"blocks"}:
            assert our["document"][field] == their["document"][field], (our["id"], field)
        blocks = [
            {k: b[k] for k in t} for b, t in zip(our["document"]["blocks"], their["document"]["blocks"], strict=True)
        ]
        assert blocks == their["document"]["blocks"], our["id"]


@pytest.mark.parametrize(("target", "limit"), [*SIZES, *ODD_SIZES[1:]])
def test_same_starts_as_the_reference_tool_for_any_size(tool: ModuleType, data: Path, target: int, limit: int) -> None:
    for document in read_corpus(data / "corpora/dev"):
        cut = tool.precut(document["blocks"][:400], limit)
        units = list(precut((Unit.of(b["text"], b["kind"], b["level"]) for b in document["blocks"][:400]), limit))
        assert [(u.text, u.kind, u.level) for u in units] == [(b["text"], b["kind"], b["level"]) for b in cut]
        assert gold_starts(units, target=target, limit=limit) == tool.starts_of(cut, target, limit), document["id"]


def test_reference_rules_on_random_outlines(tool: ModuleType) -> None:
    draws = random.Random(3)
    for _ in range(500):
        blocks = [
            {"text": words(draws.randint(1, 90)), "kind": "paragraph", "level": None}
            if draws.random() < 0.6
            else {"text": words(draws.randint(1, 12)), "kind": "heading", "level": draws.randint(1, 4)}
            for _ in range(draws.randint(1, 40))
        ]
        limit = draws.randint(30, 200)
        target = draws.randint(5, limit)
        cut = tool.precut(blocks, limit)
        units = list(precut((Unit.of(b["text"], b["kind"], b["level"]) for b in blocks), limit))
        assert gold_starts(units, target=target, limit=limit) == tool.starts_of(cut, target, limit)
