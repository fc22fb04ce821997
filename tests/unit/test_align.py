"""Gold starts must survive what ingestion does to blocks: merging, splitting, misreading, numbering, losing."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from docalign.document import Block, Document
from docalign.train.align import align


def document_of(texts: Sequence[str]) -> Document:
    blocks, text = [], ""
    for index, part in enumerate(texts):
        text += "\n\n" if text else ""
        blocks.append(Block(index, len(text), len(text) + len(part), "paragraph"))
        text += part
    return Document("made.pdf", "0" * 64, text, tuple(blocks)).check()


GOLD = (
    "Scope of the survey",
    "The survey covered forty lighthouses along the northern coast between May and August.",
    "Method",
    "Each lantern room was measured twice, once at dawn and once at dusk, by the same crew.",
    "Results",
    "Thirty-one lanterns were within the tolerance that the harbour board had set.",
)


def test_identical_blocks_map_to_themselves() -> None:
    found = align(GOLD, document_of(GOLD))
    assert found.starts == (0, 1, 2, 3, 4, 5)
    assert found.quality == 1.0


def test_a_heading_merged_into_its_own_paragraph_keeps_its_start() -> None:
    merged = (GOLD[0], GOLD[1], f"{GOLD[2]} {GOLD[3]}", *GOLD[4:])
    found = align(GOLD, document_of(merged))
    assert found.starts == (0, 1, 2, None, 3, 4)
    assert found.carry([0, 2, 4]) == ((0, 2, 3), 1.0)


def test_a_start_swallowed_by_the_block_before_is_reported_as_missing() -> None:
    merged = (GOLD[0], f"{GOLD[1]} {GOLD[2]} {GOLD[3]}", *GOLD[4:])
    found = align(GOLD, document_of(merged))
    assert found.starts == (0, 1, None, None, 2, 3)
    assert found.carry([0, 2, 4]) == ((0, 2), 0.5)


def test_split_blocks_start_at_their_first_part() -> None:
    first, second = GOLD[3][:40], GOLD[3][40:].strip()
    found = align(GOLD, document_of((*GOLD[:3], first, second, *GOLD[4:])))
    assert found.starts == (0, 1, 2, 3, 5, 6)


def test_printed_numbers_and_misread_words_do_not_move_a_start() -> None:
    read = (
        "1 Scope of the survcy",
        "Tbe survey covered forly lighthouses along the northern coast between May and Augnst.",
        "2 Melhod",
        "Eacb lantern room was measured twice, once at dawn and once at dusk, by the same crew.",
        "3 Resu1ts",
        "Thirty-one lantems were within the tolerance that the harbour board had set.",
    )
    found = align(GOLD, document_of(read))
    assert found.starts == (0, 1, 2, 3, 4, 5)
    assert found.quality > 0.9


def test_a_lost_block_is_missing_and_lowers_the_quality() -> None:
    found = align(GOLD, document_of((*GOLD[:3], *GOLD[4:])))
    assert found.starts == (0, 1, 2, None, 3, 4)
    assert 0.7 < found.quality < 0.9


def test_unrelated_documents_have_no_quality() -> None:
    found = align(GOLD, document_of(["Completely different words stand here.", "Nothing matches."]))
    assert found.quality < 0.2
    assert found.carry([0, 2, 4]) == ((0,), 0.0)


def test_blocks_without_words_and_empty_documents_are_allowed() -> None:
    assert align(("* * *", "One."), document_of(["* * *", "One."])).starts == (None, 1)
    assert align((), document_of(())).quality == 0.0
    assert align(("One.",), document_of(())).starts == (None,)


def test_a_long_document_with_errors_is_aligned_almost_everywhere_in_near_linear_time() -> None:
    draw = random.Random(5)
    vocabulary = [f"{a}{b}" for a in ("ba", "ko", "mi", "ter", "lun", "sa") for b in ("dor", "nel", "vik", "ra", "pos")]
    gold = [" ".join(draw.choices(vocabulary, k=draw.randint(3, 60))) for _ in range(3000)]
    read = [" ".join(w if draw.random() > 0.05 else w[:-1] + "q" for w in t.split()) for t in gold]
    began = time.perf_counter()
    found = align(gold, document_of(read))
    assert time.perf_counter() - began < 20
    assert sum(s == i for i, s in enumerate(found.starts)) > 0.97 * len(gold)
    assert found.quality > 0.97
