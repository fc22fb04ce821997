"""`evaluate`: the fixed fields, means by document, groups apart, and no promise broken unseen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from docalign.errors import UsageError
from docalign.evaluate.boundaries import boundary_f1
from docalign.evaluate.run import by_rule, evaluate, evaluate_line, paired_difference, summarise
from docalign.evaluate.spans import spans_of
from docalign.rewards.rules import RULE_REWARDS
from docalign.train.corpus import is_held_out, read_corpus
from docalign.train.devset import data_directory, development_lines, window_lines
from docalign.train.gold import GoldLine
from docalign.train.policy_gold import CONDITIONS, SIZES, gold_line

FIXTURE = json.loads((Path(__file__).parent / "gold_fixture.json").read_text(encoding="utf-8"))
FIXED_FIELDS = {
    "documents", "boundary_f1", "pk", "windowdiff", "boundary_similarity", "rewards", "over_limit", "orphan_headings",
    "lost_characters", "blocks_per_s",
}  # fmt: skip


@pytest.fixture
def line() -> GoldLine:
    made = gold_line(FIXTURE["document"], target=FIXTURE["target"], limit=FIXTURE["limit"], condition="marked")
    assert made is not None
    return made


@pytest.fixture
def transcript(line: GoldLine) -> GoldLine:
    return replace(line, id="talk/1", source="talk", target_tokens=None, max_tokens=None, starts=(0, 7, 15))


def gold_starts(line: GoldLine) -> list[int]:
    return list(line.starts)


def test_gold_against_itself_is_perfect_and_has_the_fixed_fields(line: GoldLine) -> None:
    result = evaluate([line], by_rule(gold_starts))
    assert result.keys() >= FIXED_FIELDS
    assert (result["documents"], result["boundary_f1"], result["boundary_similarity"]) == (1, 1.0, 1.0)
    assert (result["pk"], result["windowdiff"], result["lost_characters"]) == (0.0, 0.0, 0)
    assert {"length_band", "headings_kept", "within_limit"} <= result["rewards"].keys() <= RULE_REWARDS.keys()
    assert result["blocks_per_s"] > 0
    assert json.loads(json.dumps(result)) == result


def test_metrics_are_averaged_over_documents_not_blocks(line: GoldLine) -> None:
    hard = replace(line, id="fixture/hard", starts=(0, 1))
    result = evaluate([line, hard], lambda given: spans_of(given.document, line.starts))
    assert result["boundary_f1"] == pytest.approx((1.0 + boundary_f1(line.starts, (0, 1))) / 2, abs=1e-6)


def test_transcripts_and_sources_are_reported_apart(line: GoldLine, transcript: GoldLine) -> None:
    result = evaluate([line, transcript], by_rule(lambda given: [0] if given.is_transcript else list(given.starts)))
    assert result["groups"]["headed"]["boundary_f1"] == 1.0
    assert result["groups"]["transcripts"]["boundary_f1"] == 0.0
    assert {name: part["documents"] for name, part in result["sources"].items()} == {"fixture": 1, "talk": 1}
    assert result["boundary_f1"] == 0.5


def test_broken_promises_are_counted(line: GoldLine) -> None:
    text = line.document.text
    lost = evaluate([line], lambda _: [(0, 10), (14, len(text) - 3)])
    assert lost["lost_characters"] == 7
    assert lost["over_limit"] == 1
    orphaned = evaluate([line], by_rule(lambda given: list(range(len(given.document.blocks)))))
    assert orphaned["orphan_headings"] > 0
    assert orphaned["rewards"]["headings_kept"] < 1.0


def test_a_limit_that_nobody_stated_cannot_be_broken(line: GoldLine, transcript: GoldLine) -> None:
    def broken(given: GoldLine) -> int:
        return int(evaluate([replace(given, counter="chars")], by_rule(lambda _: [0]))["over_limit"])

    assert broken(transcript) == 0
    assert broken(line) == 1


def test_only_the_lines_own_order_matters_for_a_paired_difference(line: GoldLine, transcript: GoldLine) -> None:
    lines = [line, transcript]
    ours = [evaluate_line(given, by_rule(gold_starts)) for given in lines]
    theirs = [evaluate_line(given, by_rule(lambda _: [0])) for given in lines]
    assert paired_difference(ours, theirs) == (1.0, 1.0, 1.0)
    with pytest.raises(UsageError, match="different lines"):
        paired_difference(ours, theirs[::-1])


def test_nothing_to_evaluate_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no gold lines"):
        evaluate([], by_rule(gold_starts))
    with pytest.raises(UsageError):
        summarise([])


def test_unknown_counter_is_a_usage_error(line: GoldLine) -> None:
    with pytest.raises(UsageError, match="cannot count tokens"):
        evaluate([replace(line, counter="./none.json")], by_rule(gold_starts))


def test_evaluation_loads_no_heavy_library() -> None:
    heavy = {"torch", "onnxruntime", "numpy", "pdfplumber", "PIL", "tokenizers"}
    program = f"import sys, docalign.evaluate.run, docalign.train.devset; sys.exit(bool({heavy!r} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=30).returncode == 0


# Development gold


def test_windows_follow_each_other_through_a_document() -> None:
    blocks = [
        {"kind": "heading", "level": 1, "text": f"Part {i}"}
        if i % 4 == 0
        else {"kind": "paragraph", "level": None, "text": " ".join(["word"] * 40)}
        for i in range(300)
    ]
    long = {"id": "made/long", "domain": None, "blocks": blocks}
    lines = list(window_lines([long], "marked", windows=2))
    assert [given.id for given in lines] == ["made/long", "made/long@120"]
    assert lines[1].document.text.startswith("Part 120")
    assert len(list(window_lines([long], "marked", windows=9))) == 3


def test_without_data_the_variable_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for value in ("", str(tmp_path / "none")):
        monkeypatch.setenv("DOCALIGN_DATA", value)
        with pytest.raises(UsageError, match="DOCALIGN_DATA"):
            data_directory()


def test_development_gold_holds_nothing_to_train_on() -> None:
    if not os.environ.get("DOCALIGN_DATA"):
        pytest.skip("DOCALIGN_DATA is not set: the corpora are outside the repository")
    data = data_directory()
    by_condition = {c: list(development_lines(data, c)) for c in CONDITIONS}
    trained = {d["id"] for d in read_corpus(data / "corpora/train") if not is_held_out(d["id"])}
    for lines in by_condition.values():
        assert len(lines) >= 300
        assert len({given.id for given in lines}) == len(lines)
        assert not trained & {given.document.source for given in lines}
        assert all(given.is_transcript or given.sizes in SIZES for given in lines)
    sizes = [{given.id: given.sizes for given in lines} for lines in by_condition.values()]
    assert all(sizes[0].get(name, size) == size for other in sizes for name, size in other.items())
