"""The promises of the design, each a property of every document: the model is an engine of hashes, the rest is real."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from docalign.chunk import Chunk, avoidable_orphans, violations
from docalign.chunker import ChunkOptions
from docalign.chunker.chunker import Chunker
from docalign.chunker.context import windows_of
from docalign.chunker.prior import LengthPrior
from docalign.chunker.prompt import hints_for
from docalign.chunker.segment import segment
from docalign.counting import counter
from docalign.document import Document, Region
from tests.support.documents import document_of, paged_document
from tests.support.nasty import NASTY, documents
from tests.support.policies import HashEngine, RecordingCounter, stand_in_chunker

LIMITS = st.integers(8, 24) | st.integers(8, 400)
COUNTERS = st.sampled_from(["words*1.35", "chars", "bpe"])
SENTENCES = ["Households were drawn from each of the regions.", "The clause is void!", "What of the appeal?"]


@pytest.fixture(scope="module")
def chunker(tokenizer_path) -> Chunker:
    return stand_in_chunker(tokenizer_path)


def run(chunker: Chunker, document: Document, limit: int | None, counting: str, **more: object) -> list[Chunk]:
    tokenizer = None if counting == "bpe" else counting
    return chunker.chunk(document, ChunkOptions(max_tokens=limit, tokenizer=tokenizer, **more))  # type: ignore[arg-type]


def count_with(chunker: Chunker, counting: str):
    return counter(chunker.tokenizer if counting == "bpe" else counting)


# 1. Nothing is lost or invented.


@given(document=documents(), limit=LIMITS | st.none(), counting=COUNTERS)
def test_chunks_tile_the_text(chunker, document, limit, counting):
    chunks = run(chunker, document, limit, counting)
    assert "".join(c.text for c in chunks) == document.text
    position = 0
    for index, c in enumerate(chunks):
        assert (c.index, c.start) == (index, position)
        assert document.text[c.start : c.end] == c.text != ""
        position = c.end
    assert position == len(document.text)


# 2. The limit is a limit.


@given(document=documents(), limit=LIMITS, counting=COUNTERS)
def test_no_chunk_is_over_the_limit_and_counts_are_exact(chunker, document, limit, counting):
    count = count_with(chunker, counting)
    for c in run(chunker, document, limit, counting):
        assert c.tokens == count(c.text) <= limit


@given(document=documents(), limit=LIMITS, counting=COUNTERS)
def test_no_cut_falls_inside_a_grapheme_that_fits_the_limit(chunker, document, limit, counting):
    assert_graphemes_whole(document, run(chunker, document, limit, counting), limit, count_with(chunker, counting))


def assert_graphemes_whole(document, chunks, limit, count):
    graphemes = list(regex.finditer(r"\X", document.text))
    allowed = {b.start for b in document.blocks} | {m.end() for m in graphemes}
    divided = [c.start for c in chunks[1:] if c.start not in allowed]
    for match in graphemes if divided else []:
        if any(match.start() < cut < match.end() for cut in divided):
            assert count(match.group()) > limit, f"{match.group()!r} at {match.start()} was divided"


@pytest.mark.parametrize("name", sorted(NASTY))
@pytest.mark.parametrize(
    ("kind", "limit", "counting"),
    [
        ("paragraph", 8, "bpe"),
        ("paragraph", 8, "chars"),
        ("paragraph", 512, "bpe"),
        ("heading", 31, "bpe"),
        ("heading", 31, "words*1.35"),
        ("table", 31, "chars"),
    ],
)
def test_nasty_texts_keep_every_promise(chunker, name, limit, counting, kind):
    document = document_of(
        [("heading", "Above"), (kind, NASTY[name].strip()), ("paragraph", "Behind it."), ("heading", "End")]
    )
    count = count_with(chunker, counting)
    chunks = run(chunker, document, limit, counting)
    assert not violations(document, [(c.start, c.end) for c in chunks], count, limit)
    assert_graphemes_whole(document, chunks, limit, count)


@pytest.mark.parametrize("text", ["", " ", "\n\n\n", "\ufeff \n", "\n" * 3000])
@pytest.mark.parametrize("counting", ["words*1.35", "chars", "bpe"])
def test_texts_without_blocks(chunker, text, counting):
    document = Document("blank.txt", "0" * 64, text)
    chunks = run(chunker, document, 20, counting)
    assert "".join(c.text for c in chunks) == text
    assert all(c.tokens <= 20 and c.blocks == () and c.boundary == 1.0 for c in chunks)


@given(document=documents(max_blocks=8), limit=st.integers(8, 60), overlap=st.integers(0, 7), counting=COUNTERS)
def test_embed_text_is_within_the_limit_and_ends_with_the_text(chunker, document, limit, overlap, counting):
    count = count_with(chunker, counting)
    plain = run(chunker, document, limit, counting)
    for before, c in zip(plain, run(chunker, document, limit, counting, embed_text=True, overlap=overlap), strict=True):
        assert c.embed_text is not None
        assert count(c.embed_text) <= limit
        assert c.embed_text.endswith(c.text)
        assert (c.start, c.end, c.text) == (before.start, before.end, before.text)


# 3. Headings stay.


@given(document=documents(), limit=LIMITS | st.none(), counting=COUNTERS)
def test_no_heading_is_left_behind_where_there_was_room(chunker, document, limit, counting):
    chunks = run(chunker, document, limit, counting)
    spans = [(c.start, c.end) for c in chunks]
    assert avoidable_orphans(document, spans, count_with(chunker, counting), limit) == []


@given(
    runs=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    limit=st.integers(8, 40),
    counting=COUNTERS,
    eager=st.booleans(),
)
def test_headings_stay_even_in_long_runs_and_when_the_model_wants_every_cut(chunker, runs, limit, counting, eager):
    """Short headings in runs about as long as the limit: here sums of counts and counts of the whole disagree most."""
    parts = []
    for number, length in enumerate(runs):
        parts += [("heading2", ["Two words", "One", "Three words here"][(number + i) % 3]) for i in range(length)]
        parts += [("paragraph", "word")] * (number % 3)
    document = document_of(parts, separators="\n")
    count = count_with(chunker, counting)
    odds = np.full(len(parts), 9.0 if eager else -9.0)
    found = segment(document, odds, count=count, max_tokens=limit, target=max(1, limit // 2), prior=LengthPrior())
    assert not violations(document, [(s.start, s.end) for s in found], count, limit)


@given(texts=st.lists(st.sampled_from(["A", "A heading", "Word " * 30]), min_size=1, max_size=20), limit=LIMITS)
def test_a_document_of_headings_only_loses_none(chunker, texts, limit):
    document = document_of([("heading", t.strip()) for t in texts])
    chunks = run(chunker, document, limit, "words*1.35")
    assert not violations(document, [(c.start, c.end) for c in chunks], counter("words*1.35"), limit)


def test_white_space_around_headings_does_not_part_them(chunker):
    before = document_of([("heading", "word"), ("heading", "word and Title number of word and Title")], before="\n")
    behind = document_of([("heading", "word"), ("heading", "word")], after="\n" * 20)
    marked = document_of([*[("heading", "word")] * 3, ("heading", "\u0600"), ("heading", "word")], separators="    \n")
    for document, limit in ((before, 45), (behind, 12), (marked, 8)):
        chunks = run(chunker, document, limit, "chars")
        assert not violations(document, [(c.start, c.end) for c in chunks], len, limit)
        assert_graphemes_whole(document, chunks, limit, len)


def test_a_chunk_knows_the_headings_above_it(chunker):
    document = document_of(
        [
            ("heading1", "# Part"),
            ("heading2", "Methods\n======="),
            ("paragraph", "One. " * 40),
            ("paragraph", "Two. " * 40),
            ("heading2", "## Results ##"),
            ("paragraph", "Three. " * 40),
            ("heading1", "Next part"),
            ("paragraph", "Four. " * 40),
        ]
    )
    odds = np.array([0.0, -9, -9, 9, 9, -9, 9, -9])
    chunker = stand_in_chunker(chunker.tokenizer, engine=FixedEngine(odds))
    chunks = run(chunker, document, 80, "words*1.35")
    assert [c.headings for c in chunks] == [("Part", "Methods")] * 2 + [("Part", "Results"), ("Next part",)]


def test_a_giant_heading_does_not_stand_whole_in_every_chunk_below_it(chunker):
    document = document_of([("heading", "giant " * 4000), ("paragraph", "text " * 2000)])
    chunks = run(chunker, document, 64, "words*1.35")
    assert max(len(h) for c in chunks for h in c.headings) <= 300


# 4. Everything points back.


@given(
    words=st.lists(st.integers(1, 60), min_size=1, max_size=12),
    kinds=st.lists(st.sampled_from(["heading", "paragraph", "table"]), min_size=12, max_size=12),
    limit=LIMITS,
    confidence=st.none() | st.floats(0, 1),
)
def test_pages_and_boxes_come_from_the_blocks_and_a_part_has_only_its_own_lines(
    chunker, words, kinds, limit, confidence
):
    parts = [(k, " ".join(["word"] * n)) for k, n in zip(kinds, words, strict=False)]
    document = paged_document(parts, confidence=confidence)
    chunks = run(chunker, document, limit, "words*1.35")
    reached = set()
    for c in chunks:
        whole = [document.blocks[b] for b in c.blocks]
        expected: list[Region] = []
        own_lines = []
        for block in whole:
            low, high = max(block.start, c.start), min(block.end, c.end)
            lines = [n for n in block.lines if n.start < high and n.end > low]
            own_lines += lines
            if (low, high) == (block.start, block.end):
                expected += block.boxes
            else:
                expected += [r for r in c.boxes if r not in expected and any(covers(r, n) for n in lines)]
        assert list(c.boxes) == expected
        assert c.boxes
        # Every line of the chunk lies in one of its boxes, and no box reaches beyond its lines.
        assert all(any(covers(r, n) for r in c.boxes) for n in own_lines)
        assert all(any(r.page == n.page and r.box[1] == n.box[1] for n in own_lines) for r in c.boxes)
        assert all(any(r.page == n.page and r.box[3] == n.box[3] for n in own_lines) for r in c.boxes)
        assert list(c.pages) == sorted({n.page for n in own_lines})
        assert c.confidence == (None if confidence is None else pytest.approx(confidence, abs=1e-4))
        reached |= set(c.blocks)
    assert reached == {b.id for b in document.blocks}


def covers(region: Region, line) -> bool:
    (x0, y0, x1, y1), (a0, b0, a1, b1) = region.box, line.box
    return region.page == line.page and x0 <= a0 and y0 <= b0 and x1 >= a1 and y1 >= b1


@given(document=documents(), limit=LIMITS, counting=COUNTERS)
def test_the_first_boundary_and_forced_cuts_are_certain_and_all_are_probabilities(chunker, document, limit, counting):
    chunks = run(chunker, document, limit, counting)
    opening = {b.start for b in document.blocks}
    assert all(0.0 <= c.boundary <= 1.0 for c in chunks)
    assert all(c.boundary == 1.0 for c in chunks if c.index == 0 or c.start not in opening)


# 5. Same input, same output.


@given(document=documents(), other=documents(max_blocks=5), limit=LIMITS, counting=COUNTERS)
def test_same_input_same_output_whatever_was_chunked_before(tokenizer_path, chunker, document, other, limit, counting):
    first = [c.to_json() for c in run(chunker, document, limit, counting)]
    run(chunker, other, limit, counting)
    fresh = stand_in_chunker(tokenizer_path)
    assert [c.to_json() for c in run(chunker, document, limit, counting)] == first
    assert [c.to_json() for c in run(fresh, document, limit, counting)] == first
    assert len({c["id"] for c in first}) == len(first)


@given(document=documents(), window=st.integers(40, 400), overlap=st.integers(0, 120), counting=COUNTERS)
def test_where_windows_begin_changes_nothing_for_a_model_that_looks_no_further(
    chunker, document, window, overlap, counting
):
    """Every block is scored once, in order, in a window that holds as much before it as was promised."""
    count = count_with(chunker, counting)
    hints = hints_for(document, [max(1, count(document.block_text(b))) for b in document.blocks], 100, 150)
    engine = HashEngine()
    wide = list(windows_of(document, hints, chunker.renderer, window_tokens=10**9))
    narrow = list(windows_of(document, hints, chunker.renderer, window_tokens=window, overlap_tokens=overlap))
    assert (
        [b for w in narrow for b in w.blocks] == [b.id for b in document.blocks] == [b for w in wide for b in w.blocks]
    )
    together = [v for found in engine.log_odds(narrow) for v in found]
    alone = [v for w in narrow for v in engine.log_odds([w])[0]]
    assert together == alone == [v for found in engine.log_odds(wide) for v in found]


def test_settings_and_model_are_part_of_a_chunk_id(chunker, tokenizer_path):
    document = document_of([("paragraph", "One two three.")])
    ids = {run(chunker, document, n, "chars")[0].id for n in (50, 60)}
    other = stand_in_chunker(tokenizer_path)
    other.model_name = "another"
    ids.add(run(other, document, 50, "chars")[0].id)
    ids.add(run(chunker, replace(document, sha256="f" * 64), 50, "chars")[0].id)
    assert len(ids) == 4


# Linear time and bounded memory.


class FixedEngine:
    """These log-odds, block by block."""

    name = "fixed"

    def __init__(self, odds) -> None:
        self.odds = odds

    def log_odds(self, windows):
        return [self.odds[list(w.blocks)] for w in windows]


SHAPES = {
    "sections": lambda n: [("heading", "A title"), *[("paragraph", " ".join(SENTENCES))] * 3] * (n // 450),
    "one block of sentences": lambda n: [("paragraph", " ".join(SENTENCES * (n // 95)))],
    "one giant word": lambda n: [("heading", "Above"), ("paragraph", "z" * n)],
    "words without sentences": lambda n: [("paragraph", "word " * (n // 5) + "end")],
    "one-word blocks": lambda n: [("paragraph", "word")] * (n // 6),
    "headings only": lambda n: [("heading", "A title")] * (n // 9),
    "heading runs as long as the limit": lambda n: ([("heading", "Title")] * 90 + [("paragraph", "word")]) * (n // 640),
    "newlines": lambda n: [("paragraph", "top" + "\n" * n + "end")],
    "a table": lambda n: [("heading", "Table 1"), ("table", "| cell one | cell two | 3 |\n" * (n // 28) + "end")],
    "one grapheme": lambda n: [("paragraph", "a" + "\u0301" * n)],
    "families": lambda n: [("paragraph", "👨‍👩‍👧‍👦" * (n // 7))],
}


@pytest.mark.parametrize(("limit", "counting"), [(16, "bpe"), (128, "bpe"), (128, "words*1.35"), (16, "chars")])
@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_the_work_grows_with_the_length_and_no_faster(chunker, shape, counting, limit):
    """Counted characters and model tokens, not seconds: at most 40 times the text, and as many times for four texts."""
    shares = []
    for length in (6_000, 24_000):
        document = document_of(SHAPES[shape](length))
        count = RecordingCounter(count_with(chunker, counting))
        odds = HashEngine()
        values = np.zeros(len(document.blocks))
        hints = hints_for(
            document, [max(1, len(document.block_text(b)) // 4) for b in document.blocks], limit // 2, limit
        )
        for window in windows_of(document, hints, chunker.renderer):
            values[list(window.blocks)] = odds.log_odds([window])[0]
        found = segment(document, values, count=count, max_tokens=limit, target=limit // 2, prior=LengthPrior())
        assert found[-1].end == len(document.text)
        assert odds.tokens <= 60 * len(document.blocks) * 1.5
        shares.append(count.characters / len(document.text))
    assert max(shares) <= 40, shares
    assert shares[1] <= 1.5 * shares[0] + 1, shares
