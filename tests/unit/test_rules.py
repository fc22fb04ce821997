"""Rule baselines give the reference tool's numbers; rule rewards lose points for what they name, and only for that."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docalign.counting import count_words
from docalign.document import Block, Document, Kind
from docalign.evaluate.rules import RULES, every, kind_and_policy, looks_like_heading, outline_hint, pack
from docalign.evaluate.run import by_rule, evaluate
from docalign.evaluate.spans import spans_of, starts_of
from docalign.rewards.reward import Sizes
from docalign.rewards.rules import RULE_REWARDS, headings_kept, length_band
from docalign.train.gold import GoldLine, read_gold
from docalign.train.policy_gold import CONDITIONS, Condition, gold_line
from tests.support.documents import document_of as text_document

FIXTURE = json.loads((Path(__file__).parent / "gold_fixture.json").read_text(encoding="utf-8"))
FLAGS: dict[Condition, list[str]] = {"marked": [], "bare": ["--strip"], "headless": ["--headless"]}


def fixture_line(condition: Condition) -> GoldLine:
    line = gold_line(FIXTURE["document"], target=FIXTURE["target"], limit=FIXTURE["limit"], condition=condition)
    assert line is not None
    return line


def document_of(*blocks: tuple[Kind, int]) -> Document:
    """A document of blocks given as (kind, words)."""
    text, made = "", []
    for i, (kind, words) in enumerate(blocks):
        text += "\n\n" if text else ""
        start = len(text)
        text += " ".join(["word"] * words)
        made.append(Block(id=i, start=start, end=len(text), kind=kind, level=1 if kind == "heading" else None))
    return Document(source="made", sha256="", text=text, blocks=tuple(made)).check()


# Baselines


def test_kinds_and_policy_find_all_of_marked_gold() -> None:
    line = fixture_line("marked")
    assert kind_and_policy(line) == list(line.starts)


def test_guessed_headings_find_most_of_bare_gold_and_packing_does_not() -> None:
    scores = {name: evaluate([fixture_line("bare")], by_rule(rule))["boundary_f1"] for name, rule in RULES.items()}
    assert scores["guess+policy"] > scores["pack"]
    assert scores["guess+policy"] > scores["kind+policy"]


def test_pack_fills_to_the_target_and_every_cuts_everywhere() -> None:
    document = document_of(("paragraph", 20), ("paragraph", 20), ("paragraph", 20), ("paragraph", 90))
    line = GoldLine("a", None, document, (0,), target_tokens=60, max_tokens=80)
    assert pack(line) == [0, 2, 3]  # 27 tokens each, then 122
    assert every(line) == [0, 1, 2, 3]


def test_rules_do_not_look_at_the_gold() -> None:
    line = fixture_line("bare")
    blind = GoldLine(line.id, line.domain, line.document, (0,), line.counter, line.target_tokens, line.max_tokens)
    assert [rule(line) for rule in RULES.values()] == [rule(blind) for rule in RULES.values()]


def test_lengths_are_counted_by_the_lines_own_counter() -> None:
    document = document_of(("paragraph", 2), ("paragraph", 2), ("paragraph", 2))  # 9 characters each, 3 tokens
    by_words = GoldLine("a", None, document, (0,), target_tokens=9, max_tokens=12)
    by_chars = GoldLine("a", None, document, (0,), "chars", 9, 12)
    assert pack(by_words) == [0]
    assert pack(by_chars) == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("How it was built", True),
        ("§ 12 Scope", True),
        ("(a) Definitions", True),
        ("It ended.", False),
        ("and so on", False),
        ("- An item", False),
        ("One two three four five six seven eight nine ten eleven twelve thirteen", False),
    ],
)
def test_what_looks_like_a_heading(text: str, heading: bool) -> None:
    assert looks_like_heading(text) is heading


@pytest.mark.parametrize("condition", CONDITIONS)
def test_same_numbers_as_the_reference_tool(tmp_path: Path, condition: Condition) -> None:
    if not os.environ.get("DOCALIGN_DATA"):
        pytest.skip("DOCALIGN_DATA is not set: the corpora and the reference tool are outside the repository")
    data = Path(os.environ["DOCALIGN_DATA"])
    gold = tmp_path / "gold.jsonl"
    make = [sys.executable, data / "tools/gold_lines.py", data / "corpora/dev", gold, *FLAGS[condition], "--per", "60"]
    subprocess.run(make, check=True, capture_output=True, timeout=60)
    measure = [sys.executable, data / "tools/rule_baselines.py", gold]
    printed = subprocess.run(measure, check=True, capture_output=True, text=True, timeout=60).stdout
    theirs = {line.split()[0]: dict(re.findall(r"(\S+)=(\S+)", line)) for line in printed.splitlines() if "=" in line}
    lines = list(read_gold(gold))
    for name, rule in RULES.items():
        if name == "outline":  # the prompt's own; the reference tool has none
            continue
        summary = evaluate(lines, by_rule(rule))
        ours = {
            "ALL": summary["groups"]["headed"],
            "TRANSCRIPTS": summary["groups"]["transcripts"],
            **summary["sources"],
        }
        assert {k: f"{v['boundary_f1']:.2f}" for k, v in ours.items()} == theirs[name]
        assert summary["lost_characters"] == 0
    if condition == "bare":
        assert theirs["guess+policy"]["ALL"] == "0.89"


def test_the_outline_rule_knows_headings_that_end_like_sentences_and_no_list_items() -> None:
    blocks = []
    for number in range(1, 6):
        blocks += [("paragraph", f"§ 1-10{number}. Powers of the board."), ("paragraph", "The board may act. " * 12)]
        blocks += [("list_item", "Minutes of Meetings"), ("paragraph", "Members are paid by the day. " * 9)]
    line = GoldLine("a", None, text_document(blocks), tuple(range(0, 20, 4)), target_tokens=150, max_tokens=200)
    assert outline_hint(line) == list(line.starts)
    assert RULES["guess+policy"](line) != list(line.starts)
    marked = fixture_line("marked")
    assert len(set(outline_hint(marked)) ^ set(kind_and_policy(marked))) <= 2


# Spans and starts


def test_spans_tile_the_text_and_go_back_to_the_same_starts() -> None:
    document = fixture_line("bare").document
    for starts in ([0], [0, 4, 9], list(range(len(document.blocks)))):
        spans = spans_of(document, starts)
        assert "".join(document.text[s:e] for s, e in spans) == document.text
        assert starts_of(document, spans) == starts


def test_a_cut_inside_a_block_is_no_start_and_one_in_the_gap_before_it_is() -> None:
    document = document_of(("paragraph", 3), ("paragraph", 3), ("paragraph", 3))
    second = document.blocks[1]
    end = len(document.text)
    assert starts_of(document, [(0, second.start + 5), (second.start + 5, end)]) == [0]
    assert starts_of(document, [(0, second.start - 1), (second.start - 1, end)]) == [0, 1]
    assert starts_of(document, [(0, second.start - 2), (second.start - 2, end)]) == [0, 1]
    assert starts_of(document, [(0, second.start - 3), (second.start - 3, end)]) == [0]


# Rewards


def test_a_short_document_in_one_chunk_has_a_good_length() -> None:
    document = document_of(("paragraph", 5))
    assert length_band(document, spans_of(document, [0]), Sizes(100, 200, count_words)).value == 1.0


def test_headings_kept_names_the_heading_that_was_left_behind() -> None:
    document = document_of(("heading", 2), ("paragraph", 10), ("heading", 3), ("paragraph", 10))
    sizes = Sizes(20, 40, count_words)
    assert headings_kept(document, spans_of(document, [0, 2]), sizes).value == 1.0
    score = headings_kept(document, spans_of(document, [0, 3]), sizes)
    assert score.value == 0.5
    assert "block 2" in score.reasons[0]


@pytest.mark.parametrize("name", RULE_REWARDS)
def test_rewards_of_an_empty_document_are_whole(name: str) -> None:
    score = RULE_REWARDS[name](Document(source="empty", sha256="", text=""), [], Sizes(10, 20, count_words))
    assert (score.value, score.reasons) == (1.0, ())
