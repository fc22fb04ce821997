"""Preference lines: what is read back is what was written, and what cannot be trusted is named."""

from __future__ import annotations

import json

import pytest

from docalign.errors import InvalidPreferenceError, MissingInputError
from docalign.preference import PreferenceLine, graded, pairs_of, read_preferences, refuse_leaks, write_preferences
from tests.support.documents import document_of

PARTS = [("heading", "A"), ("paragraph", "one two"), ("heading", "B"), ("paragraph", "three"), ("paragraph", "four")]


def line(**changes) -> PreferenceLine:
    made = {
        "id": "made/1",
        "document": document_of(PARTS),
        "candidates": ((0, 2), (0, 1, 3), (0,)),
        "ranking": ((0,), (1, 2)),
        "source": "human",
        "annotator": "a",
        "target_tokens": 30,
        "max_tokens": 50,
    }
    return PreferenceLine(**(made | changes))


def written(path, *values) -> str:
    path.write_text("".join(json.dumps(v) + "\n" for v in values), "utf-8")
    return str(path)


@pytest.mark.parametrize("name", ["p.jsonl", "p.jsonl.xz"])
def test_what_is_written_is_read_back(tmp_path, name):
    lines = [line(), line(id="made/2", annotator="b", weight=2.5, scores=(0.9, 0.1, 0.1), makers=("x", "y", "z"))]
    assert write_preferences(tmp_path / name, lines) == 2
    assert read_preferences(tmp_path / name) == lines


def test_the_fixed_fields_are_those_of_the_design():
    assert list(line().to_json())[:9] == [
        "schema", "id", "document", "target_tokens", "max_tokens", "candidates", "ranking", "source", "annotator",
    ]  # fmt: skip
    bare = {k: v for k, v in line().to_json().items() if k != "counter"}
    assert PreferenceLine.from_json(bare) == line()


def test_ties_make_no_pair_and_the_pairs_of_a_line_share_its_weight():
    found = pairs_of(line(weight=3.0))
    assert [(p.chosen, p.rejected, p.weight) for p in found] == [(0, 1, 1.5), (0, 2, 1.5)]
    assert pairs_of(line(ranking=((0, 1, 2),))) == []
    assert [(p.chosen, p.rejected) for p in pairs_of(line(scores=(0.5, 0.45, 0.0)), margin=0.1)] == [(0, 2)]


def test_only_the_best_and_the_worst_place_are_graded():
    assert graded(line(ranking=((2,), (0,), (1,)))) == {2: True, 1: False}
    assert graded(line(ranking=((0, 1, 2),))) == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": "docalign.gold/1"}, "not a docalign.preference/1"),
        ({"document": {}}, "its document is invalid"),
        ({"candidates": [[0, 2]], "ranking": [[0]]}, "1 candidate; a preference needs two"),
        ({"candidates": [[0, 2], [0, 9]]}, "block 9, but the document has 5"),
        ({"candidates": [[0, 2], [1, 2]]}, "first start of candidate 1"),
        ({"candidates": [[0, 2], [0, 3, 3]]}, "3 follows 3"),
        ({"candidates": [[0, 2], [0, 2.5]]}, "candidate 1 must be"),
        ({"candidates": "all"}, "candidates must be"),
        ({"ranking": [[0], [0, 1]]}, "contradicts itself: candidate 0 is in it twice"),
        ({"candidates": [[0, 2], [0, 2]], "ranking": [[0], [1]]}, "same chunking as one in another place"),
        ({"ranking": [[0], [7]]}, "of the candidates 0 to 2"),
        ({"ranking": [[0], []]}, "ranking must be"),
        ({"ranking": [[1]]}, "at least two"),
        ({"ranking": None}, "ranking must be"),
        ({"source": "hearsay"}, "source must be one of human"),
        ({"annotator": ""}, "annotator must be"),
        ({"target_tokens": 60}, "over max_tokens 50"),
        ({"max_tokens": 0}, "max_tokens must be"),
        ({"counter": "/no/tokenizer.json"}, "no such file"),
        ({"counter_sha256": "0" * 64}, "another tokenizer"),
        ({"weight": 0}, "weight must be"),
        ({"weight": float("nan")}, "weight must be"),
        ({"scores": [1.0]}, "a number for each candidate"),
        ({"makers": [1, 2, 3]}, "a text for each candidate"),
    ],
)
def test_a_bad_line_is_refused_with_its_place_or_quarantined(tmp_path, change, words):
    good, bad = line().to_json(), line(id="bad").to_json() | change
    path = written(tmp_path / "p.jsonl", good, bad)
    with pytest.raises(InvalidPreferenceError, match=words) as caught:
        read_preferences(path)
    assert caught.value.source == f"{path}:2"
    assert caught.value.remedy
    assert caught.value.exit_code == 3
    told: list[InvalidPreferenceError] = []
    assert read_preferences(path, quarantine=told.append) == [line()]
    assert [e.source for e in told] == [f"{path}:2"]


def test_lines_of_one_annotator_that_contradict_each_other_are_both_left_out(tmp_path):
    turned = line(id="made/2", candidates=((0, 1, 3), (0, 2)), ranking=((0,), (1,)))
    other = line(id="made/3", annotator="b", ranking=((1,), (0, 2)))
    path = written(tmp_path / "p.jsonl", line().to_json(), turned.to_json(), other.to_json())
    with pytest.raises(InvalidPreferenceError, match="the other way round"):
        read_preferences(path)
    told: list[InvalidPreferenceError] = []
    assert read_preferences(path, quarantine=told.append) == [other], "people may disagree with one another"
    assert sorted(str(e.source) for e in told) == [f"{path}:1", f"{path}:2"]


def test_other_sizes_are_another_question(tmp_path):
    turned = line(id="made/2", ranking=((1, 2), (0,)), target_tokens=10)
    path = written(tmp_path / "p.jsonl", line().to_json(), turned.to_json())
    assert len(read_preferences(path)) == 2


def test_an_empty_missing_or_damaged_file_is_named(tmp_path):
    (tmp_path / "empty.jsonl").write_text("\n\n")
    with pytest.raises(InvalidPreferenceError, match="holds no preference lines"):
        read_preferences(tmp_path / "empty.jsonl")
    with pytest.raises(MissingInputError):
        read_preferences(tmp_path / "none.jsonl")
    (tmp_path / "p.jsonl").write_text(json.dumps(line().to_json()) + "\n{")
    with pytest.raises(InvalidPreferenceError, match="not JSON") as caught:
        read_preferences(tmp_path / "p.jsonl")
    assert str(caught.value.source).endswith("p.jsonl:2")
    told: list[InvalidPreferenceError] = []
    assert len(read_preferences(tmp_path / "p.jsonl", quarantine=told.append)) == 1
    assert len(told) == 1
    (tmp_path / "p.jsonl").write_text("{")
    with pytest.raises(InvalidPreferenceError, match="holds no"):
        read_preferences(tmp_path / "p.jsonl", quarantine=told.append)


def test_a_document_that_is_held_out_is_not_trained_on():
    assert refuse_leaks([line()], {"other.pdf"}) == [line()]
    with pytest.raises(InvalidPreferenceError, match="held-out data too"):
        refuse_leaks([line()], {"made.json"})
    told: list[InvalidPreferenceError] = []
    assert refuse_leaks([line()], {"made.json"}, quarantine=told.append) == []
    assert len(told) == 1
