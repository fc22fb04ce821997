"""Each rule reward loses points for what it names, and only for that; degenerate chunkings score badly."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from types import SimpleNamespace

import pytest

from docalign.counting import count_words
from docalign.document import Document, Leftover
from docalign.errors import ConfigError, UsageError
from docalign.rewards.assemble import composite_of
from docalign.rewards.beginnings import self_contained, sentences_whole
from docalign.rewards.composite import Composite
from docalign.rewards.headings import depth_respected, headings_start
from docalign.rewards.lengths import length_band, not_too_short, within_limit
from docalign.rewards.noise import noise_apart
from docalign.rewards.personal import find_by_rules, personal_data_together
from docalign.rewards.pieces import block_spans
from docalign.rewards.presidio import finder_of
from docalign.rewards.reward import Reward, Score, Sizes
from docalign.rewards.weights import RewardSettings, rule_weights
from docalign.rewards.wholes import lists_whole, tables_whole
from tests.support.documents import document_of

SIZES = Sizes(40, 60, count_words)


def judged(reward: Reward, document: Document, starts: list[int], sizes: Sizes = SIZES) -> Score:
    return reward(document, block_spans(document, starts), sizes)


def words(number: int, *, end: str = ".") -> str:
    return "Word " + "word " * (number - 2) + f"word{end}"


# Length


def test_a_chunk_over_the_limit_costs_its_share_of_the_text_not_of_the_chunks() -> None:
    document = document_of([("paragraph", words(10))] * 3 + [("paragraph", words(90))])
    score = judged(within_limit, document, [0, 1, 2, 3])
    assert score.value == pytest.approx(1 - 122 / (3 * 14 + 122))
    assert [loss.chunk for loss in score.losses] == [3]


def test_length_credit_falls_outside_the_band() -> None:
    document = document_of([("paragraph", words(n)) for n in (30, 10, 44)])  # 40, 14 and 59 tokens
    score = judged(length_band, document, [0, 1, 2])
    assert [loss.chunk for loss in score.losses] == [1, 2]
    assert score.value == pytest.approx((40 + 14 * 0.5 + 59 * 0.55) / 113)


def test_many_fragments_cannot_hide_in_little_text() -> None:
    document = document_of([("paragraph", words(60))] + [("paragraph", "Two words.")] * 6)
    score = judged(not_too_short, document, list(range(7)))
    assert score.value == 0.0
    assert len(score.reasons) == 6


# Headings


def outline(*levels: int) -> Document:
    return document_of([part for n in levels for part in ((f"heading{n}", f"Part {n}"), ("paragraph", words(10)))])


def test_a_section_behind_the_rest_of_another_is_glued() -> None:
    document = outline(1, 2, 2)
    assert judged(headings_start, document, [0, 4]).value == 1.0
    score = judged(headings_start, document, [0, 3])
    assert score.value == 0.5
    assert "block 4" in score.reasons[0]


def test_a_chunk_over_the_limit_keeps_no_section_apart() -> None:
    document = outline(1, 2, 2, 2, 2, 2)
    assert judged(headings_start, document, [0]).value == 0.0


def test_crossing_into_a_higher_section_costs_and_going_deeper_does_not() -> None:
    document = outline(1, 2, 3, 2, 1)  # headings at 0, 2, 4, 6, 8
    assert judged(depth_respected, document, [0, 4, 6, 8]).value == 1.0
    crossing = judged(depth_respected, document, [0, 4, 8])
    assert crossing.value == 0.5
    assert "level 3" in crossing.reasons[0]


def test_documents_without_headings_are_not_judged_by_headings() -> None:
    score = judged(headings_start, document_of([("paragraph", "One.")] * 3), [0, 1])
    assert (score.value, score.applies) == (1.0, False)


# Wholes


def test_a_list_goes_with_its_introduction_and_a_long_list_is_not_judged() -> None:
    items = [("list_item", f"({c}) item") for c in "abc"]
    document = document_of([("paragraph", "It holds:"), *items, ("paragraph", words(20))])
    assert judged(lists_whole, document, [0, 4]).value == 1.0
    assert judged(lists_whole, document, [0, 2]).value == 0.0
    assert judged(lists_whole, document, [0, 1]).value == 0.0
    long = document_of([("list_item", words(30))] * 4)
    assert not judged(lists_whole, long, [0, 2]).applies


def test_a_caption_goes_with_its_table() -> None:
    document = document_of([("caption", "Table 1."), ("table", "a | b"), ("paragraph", words(10))])
    assert judged(tables_whole, document, [0, 2]).value == 1.0
    assert judged(tables_whole, document, [0, 1]).value == 0.0


def test_a_table_cut_inside_is_broken_unless_it_cannot_fit() -> None:
    table = "\n".join("a | b" for _ in range(8))
    document = document_of([("table", table)])
    spans = [(0, 24), (24, len(document.text))]
    assert tables_whole(document, spans, SIZES).value == 0.0
    assert not tables_whole(document, spans, Sizes(5, 10, count_words)).applies


# Beginnings


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("This shows that it held.", False),
        ("This Agreement binds both parties.", True),
        ("However, nobody came.", False),
        ("For example, a dog.", False),
        ("“It is late,” she said.", False),
        ("and so it went on.", False),
        ("Households were drawn.", True),
        ("Theory is grey.", True),
        ("§ 4 applies.", True),
        ("123 cases were found.", True),
    ],
)
def test_first_words_that_point_back_are_seen(text: str, fine: bool) -> None:
    document = document_of([("paragraph", words(30)), ("paragraph", text)])
    assert (judged(self_contained, document, [0, 1]).value == 1.0) is fine


def test_a_heading_makes_any_beginning_self_contained() -> None:
    document = document_of([("paragraph", words(30)), ("heading1", "Results"), ("paragraph", "This shows it.")])
    assert judged(self_contained, document, [0, 1]).value == 1.0
    assert judged(self_contained, document, [0, 2]).value < 1.0


def test_a_list_that_must_be_cut_may_be_cut_at_its_outermost_items() -> None:
    long = document_of([("list_item", words(20))] * 6)
    assert judged(self_contained, long, [0, 2, 4]).value == 1.0
    nested = replace(long, blocks=tuple(replace(b, depth=1 + b.id % 2) for b in long.blocks))
    assert judged(self_contained, nested, [0, 2, 4]).value == 1.0
    assert judged(self_contained, nested, [0, 3]).value < 1.0
    short = document_of([("paragraph", words(30)), ("list_item", "One."), ("list_item", "Two.")])
    assert judged(self_contained, short, [0, 2]).value < 1.0


def test_cuts_inside_sentences_are_seen_between_blocks_and_inside_one() -> None:
    document = document_of([("paragraph", "The court held that"), ("paragraph", "the clause is void. It paid.")])
    assert judged(sentences_whole, document, [0, 1]).value == 0.0
    start = document.text.index("It paid")
    assert sentences_whole(document, [(0, start), (start, len(document.text))], SIZES).value == 1.0
    start = document.text.index("is void")
    assert sentences_whole(document, [(0, start), (start, len(document.text))], SIZES).value == 0.0


def test_making_no_cuts_earns_no_good_beginnings() -> None:
    document = document_of([("paragraph", words(30))] * 10)  # calls for ten chunks, holds six times the limit
    assert judged(self_contained, document, [0]).value == pytest.approx(1 - 6 / 10.125)


# Noise


def test_noise_alone_harms_nobody_and_noise_in_text_spoils_it() -> None:
    document = document_of(
        [("paragraph", words(10)), ("paragraph", "~~ ;; .. -- ~~ ;; .. --" * 3), ("paragraph", words(10))]
    )
    assert judged(noise_apart, document, [0, 1, 2]).value == 1.0
    assert judged(noise_apart, document, [0]).value < 0.6
    assert "block 1" in judged(noise_apart, document, [0]).reasons[0]


def test_a_page_number_among_text_costs_nothing() -> None:
    document = document_of([("paragraph", words(30)), ("paragraph", "Page 3 of 9"), ("paragraph", words(30))])
    document = replace(document, blocks=tuple(replace(b, page=1) for b in document.blocks))
    assert judged(noise_apart, document, [0], Sizes(100, 200, count_words)).applies
    assert judged(noise_apart, document, [0], Sizes(100, 200, count_words)).value == 1.0


def test_furniture_and_unsure_ocr_are_noise_and_code_is_not() -> None:
    document = document_of([("paragraph", "Annual Report 12"), ("paragraph", words(9)), ("code", "{}[]();;{}[]()")])
    assert not judged(noise_apart, document, [0]).applies
    known = replace(document, furniture=(Leftover(1, "ANNUAL  REPORT 7", None),))
    assert judged(noise_apart, known, [0]).applies
    unsure = replace(document, blocks=tuple(replace(b, confidence=0.2 if b.id == 1 else 0.9) for b in document.blocks))
    assert judged(noise_apart, unsure, [0]).applies


# Personal data


def test_personal_data_is_found_by_form_check_digit_and_label() -> None:
    text = (
        "Patient: Ada Lovelace\nDOB: 10 Dec 1815\nada@example.org, +44 20 7946 0958, (555) 010-9999\n"
        "DE89 3704 0044 0532 0130 00 but not DE88 3704 0044 0532 0130 00; 4111 1111 1111 1111 but not "
        "4111 1111 1111 1112; 078-05-1120 but not 000-05-1120. Version 1.2.3 of 2024-05-06."
    )
    found = [(d.kind, text[d.start : d.end]) for d in find_by_rules(text)]
    assert found == [
        ("name", "Ada Lovelace"),
        ("date of birth", "10 Dec 1815"),
        ("e-mail address", "ada@example.org"),
        ("phone number", "+44 20 7946 0958"),
        ("phone number", "(555) 010-9999"),
        ("IBAN", "DE89 3704 0044 0532 0130 00"),
        ("payment card", "4111 1111 1111 1111"),
        ("social security number", "078-05-1120"),
    ]


def test_a_person_stays_together_and_two_people_may_part() -> None:
    person = [("paragraph", "Name: Ada"), ("paragraph", "ada@example.org"), ("paragraph", "Phone: 555-010-9999")]
    document = document_of([("paragraph", words(9)), *person, *person])
    apart = judged(personal_data_together, document, [0, 4])
    assert apart.value == 1.0
    assert apart.flags[1] == "chunk 1 holds personal data: 1 × e-mail address, 1 × name, 1 × phone number."
    assert judged(personal_data_together, document, [0, 2]).value == 0.5
    assert judged(personal_data_together, document, [0, 2, 5]).value == 0.0


def test_another_finder_joins_the_rules_and_does_not_replace_them() -> None:
    text = "Grace Hopper wrote to ada@example.org on 5 May."
    results = [
        SimpleNamespace(entity_type="PERSON", start=0, end=12, score=0.85),
        SimpleNamespace(entity_type="URL", start=26, end=37, score=0.9),
        SimpleNamespace(entity_type="EMAIL_ADDRESS", start=22, end=37, score=1.0),
        SimpleNamespace(entity_type="DATE_TIME", start=41, end=46, score=0.85),
        SimpleNamespace(entity_type="UK_NHS", start=13, end=18, score=0.2),
    ]
    find = finder_of(SimpleNamespace(analyze=lambda text, language: results))
    assert [(d.kind, text[d.start : d.end]) for d in find(text)] == [
        ("name", "Grace Hopper"),
        ("e-mail address", "ada@example.org"),
    ]


@pytest.mark.skipif(find_spec("presidio_analyzer") is not None, reason="Presidio is installed")
def test_without_presidio_asking_for_it_is_refused_with_the_remedy() -> None:
    with pytest.raises(ConfigError, match="pip install presidio-analyzer"):
        composite_of(RewardSettings(personal_data="presidio"))


# Composite


def test_a_composite_shows_every_part_and_counts_those_that_apply() -> None:
    document = outline(1, 2, 2)
    scored = Composite.of_rules().score(document, block_spans(document, [0, 3]), SIZES)
    assert scored.parts.keys() == rule_weights().keys()
    weights = {name: w for name, w in rule_weights().items() if scored.parts[name].applies}
    mean = sum(w * scored.parts[n].value for n, w in weights.items()) / sum(weights.values())
    assert scored.value == pytest.approx(mean)
    assert not scored.parts["lists_whole"].applies


def test_a_weight_of_zero_shows_a_part_and_counts_nothing() -> None:
    document = outline(1, 2, 2)
    weights = RewardSettings(**dict.fromkeys(rule_weights(), 0.0) | {"headings_start": 1.0})
    composite = Composite.of_rules(weights)
    scored = composite.score(document, block_spans(document, [0, 3]), SIZES)
    assert scored.value == 0.5
    assert "length_band" in scored.parts
    batch = composite.prepare(document, SIZES).batch([[0, 3]])
    assert (batch.values[0], set(batch.parts)) == (0.5, {n for n, s in scored.parts.items() if s.applies})


def test_spans_that_do_not_tile_the_text_are_refused() -> None:
    document = outline(1, 2)
    with pytest.raises(UsageError, match="do not tile"):
        Composite.of_rules()(document, [(0, 5), (6, len(document.text))], SIZES)
    with pytest.raises(UsageError, match="the chunks end at"):
        Composite.of_rules()(document, [(0, 5)], SIZES)


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_weights_that_make_no_sense_are_refused(weight: float) -> None:
    with pytest.raises(ConfigError, match="length_band"):
        RewardSettings(length_band=weight)
