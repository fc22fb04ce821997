"""Out of the store and into it: what is exported can be trained on, what was made elsewhere comes in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docalign.cli import run
from docalign.document import Document
from docalign.errors import InvalidPreferenceError
from docalign.feedback import store as feedback
from docalign.feedback.export import export
from docalign.feedback.imports import import_rankings, read_rankings
from docalign.feedback.redact import find_by_rules, mask, redact
from docalign.feedback.values import Candidate, Stretch, Task
from docalign.preference import PreferenceLine, pairs_of, read_preferences, write_preferences
from docalign.store import Database
from docalign.train.corpus import is_held_out
from docalign.train.gold import GoldLine
from tests.support.documents import document_of
from tests.support.rankings import client_id, judgement, letter, tasks_of

THREE = ((0, 4), (0, 2, 4), (0, 1, 2, 3))


def judged(store: Database, number: int = 1, *orders: Any, simulated: bool = False, **more: Any) -> list[Task]:
    """Tasks of three candidates, judged in these orders in turn by one annotator."""
    who = feedback.add_annotator(store, "robot" if simulated else "Ada", simulated=simulated).id
    made = tasks_of(store, number, starts=THREE)
    for task, order in zip(made, [*orders] * number, strict=False):
        assert feedback.next_task(store, who) == task
        feedback.judge(store, judgement(task, who, *order, **more))
    return made


def lines_of(store: Database, view: str = "preferences", **options: Any) -> list[Any]:
    found = export(store, view, **options)
    return [*found.train, *found.held_out]


def test_a_ranking_becomes_a_line_that_training_reads(store: Database, tmp_path: Path) -> None:
    judged(store, 1, ([2], [0, 1]))
    (value,) = lines_of(store)
    line = PreferenceLine.from_json(value)
    assert line.document == letter(0)
    assert (line.candidates, line.ranking) == (THREE, ((2,), (0, 1)))
    assert (line.source, line.annotator, line.target_tokens, line.max_tokens) == ("human", "Ada", 300, 512)
    assert line.makers == ("rule0 1", "rule1 1", "rule2 1")
    assert value["provenance"]["candidates"][0] == {"generator": "rule0", "model_version": "1", "parameters": {"i": 0}}
    (tmp_path / "out.jsonl").write_text(json.dumps(value))
    assert read_preferences(tmp_path / "out.jsonl") == [line]


def test_a_program_is_never_called_human(store: Database) -> None:
    judged(store, 2, ([0], [1], [2]), simulated=True)
    for view in ("preferences", "pairs", "labels"):
        assert {value["source"] for value in lines_of(store, view)} == {"simulated"}


def test_ties_make_no_pair_and_stay_in_preference_lines(store: Database) -> None:
    judged(store, 2, ([0, 1, 2],), ([1], [0, 2]))
    assert [value["ranking"] for value in lines_of(store)] == [[[0, 1, 2]], [[1], [0, 2]]]
    pairs = [(p["chosen"], p["rejected"]) for p in lines_of(store, "pairs")]
    assert pairs == [("[0, 2, 4]", "[0, 4]"), ("[0, 2, 4]", "[0, 1, 2, 3]")]
    labels = [(v["completion"], v["label"]) for v in lines_of(store, "labels")]
    assert labels == [("[0, 4]", False), ("[0, 2, 4]", True), ("[0, 1, 2, 3]", False)]
    assert set(lines_of(store, "pairs")[0]) >= {"prompt", "chosen", "rejected"}
    assert "[7] paragraph 7 of letter 1" in lines_of(store, "pairs")[0]["prompt"]


def test_a_correction_is_gold_and_beats_what_it_came_from(store: Database) -> None:
    judged(store, 1, ([2], [0], [1]), corrected_starts=(0, 3, 4), corrected_from=2)
    (gold,) = lines_of(store, "gold")
    assert GoldLine.from_json(gold).starts == (0, 3, 4)
    ranking, correction = (PreferenceLine.from_json(v) for v in lines_of(store))
    assert [(correction.candidates[p.chosen], correction.candidates[p.rejected]) for p in pairs_of(correction)] == [
        ((0, 3, 4), THREE[2])
    ]
    assert ranking.candidates == THREE


def test_all_bad_orders_nothing_and_labels_everything(store: Database) -> None:
    ada = feedback.add_annotator(store, "Ada").id
    (task,) = tasks_of(store, starts=THREE)
    feedback.next_task(store, ada)
    more: dict[str, Any] = {"kind": "all_bad", "ranking": (), "corrected_starts": (0, 5)}
    feedback.judge(store, judgement(task, ada, **more))
    assert [v["label"] for v in lines_of(store, "labels")] == [False, False, False, True]
    chosen = {(p["chosen"], p["rejected"]) for p in lines_of(store, "pairs")}
    assert chosen == {("[0, 5]", json.dumps(list(starts))) for starts in THREE}


def test_the_split_is_by_document(store: Database) -> None:
    ada = feedback.add_annotator(store, "Ada").id
    for number in range(20):
        document = replace(letter(number), source=f"letter-{number}.pdf")
        stored = feedback.add_document(store, document)
        for first, after in ((0, 4), (4, 8)):
            stretch = feedback.add_stretch(store, feedback_stretch(stored.id, first, after))
            shown = feedback.add_candidates(store, stretch, [candidate((0,)), candidate((0, 2))])
            feedback.add_task(store, Task(stretch, shown, 0))
            task = feedback.next_task(store, ada)
            assert task is not None
            feedback.judge(store, judgement(task, ada, [first // 4], [1 - first // 4]))
    found = export(store, "preferences")
    sides = [{v["document"]["source"] for v in side} for side in (found.train, found.held_out)]
    assert sides[0].isdisjoint(sides[1])
    assert {is_held_out(name) for name in sides[1]} == {True}
    assert {is_held_out(name) for name in sides[0]} == {False}
    assert len(found.train) + len(found.held_out) == 40
    # Stretches of one file that were ordered differently do not contradict each other.
    assert found.contradicted == 0


def feedback_stretch(document_id: int, first: int, after: int) -> Stretch:
    return Stretch(document_id, first, after, 300, 512)


def candidate(starts: tuple[int, ...]) -> Candidate:
    return Candidate(starts, f"rule{len(starts)}")


def test_two_answers_to_one_question_share_its_weight(store: Database) -> None:
    tasks_of(store, 2)
    for name, overlap in (("Ada", 2), ("Bo", 2)):
        who = feedback.add_annotator(store, name).id
        while (task := feedback.next_task(store, who, overlap=overlap)) is not None:
            if name == "Bo" and task.seed == 1:
                feedback.judge(store, judgement(task, who, kind="skip", ranking=(), reason="no"))
            else:
                feedback.judge(store, judgement(task, who))
    weights = {(v["annotator"], v["provenance"]["seed"]): v.get("weight", 1.0) for v in lines_of(store)}
    assert weights == {("Ada", 0): 0.5, ("Bo", 0): 0.5, ("Ada", 1): 1.0}


def test_repeats_and_what_was_contradicted_later_stay_out(store: Database, tmp_path: Path) -> None:
    (task,) = judged(store, 1, ([0], [1], [2]))
    ada = feedback.add_annotator(store, "Ada").id
    feedback.add_task(store, Task(task.stretch, task.candidates[::-1], 1, is_repeat_of=task.id, for_annotator=ada))
    repeat = feedback.next_task(store, ada)
    assert repeat is not None
    feedback.judge(store, judgement(repeat, ada))
    assert export(store, "preferences").repeats == 1
    feedback.add_task(store, Task(task.stretch, task.candidates[:2], 2))
    other = feedback.next_task(store, ada)
    assert other is not None
    feedback.judge(store, judgement(other, ada, [1], [0]))
    found = export(store, "preferences")
    assert (len(found.train) + len(found.held_out), found.contradicted) == (1, 1)


def test_lines_survive_the_way_out_and_in_again(store: Database, tmp_path: Path) -> None:
    judged(store, 3, ([2], [0, 1]), ([0, 1, 2],), ([1], [2], [0]))
    before = [PreferenceLine.from_json(v) for v in lines_of(store)]
    write_preferences(tmp_path / "a.jsonl", [replace(line, weight=0.25) for line in before])
    with feedback.open_store(tmp_path / "other.db") as other:
        first = import_rankings(other, tmp_path / "a.jsonl")
        again = import_rankings(other, tmp_path / "a.jsonl")
        after = [PreferenceLine.from_json(v) for v in lines_of(other)]
    assert ((first.stored, first.known), (again.stored, again.known)) == ((3, 0), (0, 3))
    assert [replace(line, id="", weight=1.0) for line in after] == [replace(line, id="") for line in before]
    assert {line.weight for line in after} == {0.25}


def test_lines_that_nobody_ranked_are_left_out(tmp_path: Path) -> None:
    line = PreferenceLine("a", letter(0), ((0,), (0, 4)), ((0,), (1,)), "rule", "length")
    write_preferences(tmp_path / "a.jsonl", [line])
    with feedback.open_store(tmp_path / "a.db") as store:
        with pytest.raises(InvalidPreferenceError, match="nobody ranked it"):
            import_rankings(store, tmp_path / "a.jsonl")
        assert feedback.list_documents(store) == []


def label_studio() -> list[dict[str, Any]]:
    """Tasks as Label Studio exports them (JSON), ranked with a List and a Ranker, with buckets, and with Pairwise."""
    document = letter(0).to_json()

    def task(number: int, kind: str, value: Any, candidates: Any = THREE, **more: Any) -> dict[str, Any]:
        result = [
            {"from_name": "rank", "id": "Dx", "to_name": "results", "type": kind, "origin": "manual", "value": value}
        ]
        annotation = {
            "id": 100 + number,
            "result": result,
            "was_cancelled": False,
            "completed_by": 10,
            "lead_time": 4.25,
        }
        return {
            "id": number,
            "data": {"document": document, "candidates": candidates},
            "annotations": [annotation | more],
            "predictions": [],
            "project": 83,
        }

    return [
        task(1, "ranker", {"ranker": {"rank": ["2", "0", "1"]}}),
        task(2, "ranker", {"ranker": ["1", "0", "2"]}, completed_by={"id": 11, "email": "b@example.org"}),
        task(3, "ranker", {"ranker": {"good": ["0", "2"], "bad": ["1"]}}, completed_by=12),
        task(4, "pairwise", {"selected": "right"}, THREE[:2], completed_by=13),
        task(5, "ranker", {"ranker": {"rank": ["0", "1", "2"]}}, was_cancelled=True),
        task(6, "ranker", {"ranker": {"rank": ["0", "7"]}}, completed_by=14),
    ]


def test_label_studio_exports_come_in(store: Database, tmp_path: Path) -> None:
    (tmp_path / "ls.json").write_text(json.dumps(label_studio()))
    found = import_rankings(store, tmp_path / "ls.json")
    assert (found.stored, len(found.left_out)) == (4, 1)
    assert "'7'" in found.left_out[0]
    lines = {v["annotator"]: v for v in lines_of(store)}
    rankings = {who: v["ranking"] for who, v in lines.items()}
    assert rankings == {
        "label-studio 10": [[2], [0], [1]],
        "label-studio b@example.org": [[1], [0], [2]],
        "label-studio 12": [[0, 2], [1]],
        "label-studio 13": [[1], [0]],
    }
    assert lines["label-studio 10"]["provenance"]["milliseconds"] == 4250
    assert import_rankings(store, tmp_path / "ls.json").known == 4


def argilla(form: str) -> Any:
    """The same two records in the forms that Argilla writes; the second user's response is a draft."""
    document = json.dumps(letter(0).to_json())
    options = {f"option-{i}": list(starts) for i, starts in enumerate(THREE)}
    fields = {"document": document, "candidates": json.dumps(options)}
    best_first = ["option-1", "option-2", "option-0"]
    ranked = {"rank": [2, 1, 1], "value": ["option-0", "option-1", "option-2"]}
    if form == "2":
        responses = {
            "ranking": [{"value": best_first, "user_id": "u-1"}],
            "comment": [{"value": "x", "user_id": "u-1"}],
        }
        return [
            {"id": "r1", "fields": fields, "metadata": {}, "suggestions": {}, "responses": responses, "vectors": {}}
        ]
    if form == "2 flat":
        row = {"id": "r1", **fields, "ranking.responses": [best_first, best_first[::-1]]}
        row |= {"ranking.responses.users": ["u-1", "u-2"], "ranking.responses.status": ["submitted", "draft"]}
        return {name: [value] for name, value in row.items()}
    rows = [
        {"user_id": "u-1", "value": ranked, "status": "submitted"},
        {"user_id": "u-2", "value": ranked, "status": "discarded"},
    ]
    answers: Any = rows if form == "1 rows" else {name: [row[name] for row in rows] for name in rows[0]}
    return [{**fields, "ranking": answers, "ranking-suggestion": None, "external_id": "r1", "metadata": "{}"}]


@pytest.mark.parametrize("form", ["2", "2 flat", "1 rows", "1 columns"])
def test_argilla_exports_come_in(form: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(argilla(form)))
    with feedback.open_store(tmp_path / "a.db") as store:
        found = import_rankings(store, tmp_path / "a.json")
        (value,) = lines_of(store)
    assert (found.stored, found.left_out) == (1, ())
    assert value["annotator"] == "argilla u-1"
    assert value["ranking"] == ([[1], [2], [0]] if form.startswith("2") else [[1, 2], [0]])


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "[1]", '{"a": ', '[{"id": 1, "data": {}, "annotations": []}]', "\x00"]
)
def test_files_of_which_nothing_can_be_used_are_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with feedback.open_store(tmp_path / "a.db") as store, pytest.raises(InvalidPreferenceError):
        import_rankings(store, tmp_path / "a.json")


ODD = (None, 5, -1, True, "x", "", [], {}, [1], [None], {"a": 1}, float("inf"), 10**400, "\ud800\x00", "[" * 100_000)


def mutants(value: Any) -> Iterator[Any]:
    """`value` with one of its parts replaced by each odd value, or left out; documents stay whole."""
    yield from ODD
    if isinstance(value, dict):
        for key, part in value.items():
            yield {k: v for k, v in value.items() if k != key}
            if key != "document":
                yield from (value | {key: odd} for odd in mutants(part))
    elif isinstance(value, list):
        for i, part in enumerate(value):
            yield from ([*value[:i], odd, *value[i + 1 :]] for odd in mutants(part))


@pytest.mark.parametrize("form", ["label-studio", "2", "2 flat", "1 rows", "1 columns"])
def test_odd_records_are_named_by_their_place_and_the_others_read(form: str, tmp_path: Path) -> None:
    (good, *_) = label_studio() if form == "label-studio" else argilla(form) if form != "2 flat" else [argilla(form)]
    if form == "2 flat":
        good = {name: column[0] for name, column in good.items()}
    odd = list(mutants(good))
    (tmp_path / "a.json").write_text(json.dumps([*odd, good]))
    left_out: list[str] = []
    (*_, last) = read_rankings(tmp_path / "a.json", "auto", left_out)
    assert last.where.endswith(f"a.json:{len(odd) + 1}")
    assert len(left_out) > 50
    assert all(re.match(rf"{re.escape(str(tmp_path))}/a.json:\d+: \S", why) for why in left_out)


def test_odd_annotations_leave_those_beside_them(store: Database, tmp_path: Path) -> None:
    (task, *_) = label_studio()
    (good,) = task["annotations"]
    odd = [5, good | {"lead_time": 1e999}, good | {"result": 5}, good | {"result": [{"type": "ranker", "value": [1]}]}]
    task["annotations"] = [*odd, good]
    (tmp_path / "ls.json").write_text(json.dumps(task))
    found = import_rankings(store, tmp_path / "ls.json")
    assert found.stored == 1
    assert re.findall(r"ls\.json:1: annotation (\d): ", "\n".join(found.left_out)) == ["1", "2", "3", "4"]
    assert "lead_time" in found.left_out[1]


def test_lines_that_no_store_keeps_are_named_and_leave_nothing(store: Database, tmp_path: Path) -> None:
    good = PreferenceLine("good", letter(0), ((0,), (0, 4)), ((0,), (1,)), "human", "Ada").to_json()
    other = letter(1).to_json()
    odd = [
        {"annotator": "\ud800"}, {"annotator": "\n"}, {"makers": ["\ud800", "b"]}, {"max_tokens": 10**30},
        {"document": other | {"sha256": "\ud800"}}, {"document": other | {"sha256": "a" * 500}},
        {"weight": 10**400}, {"weight": float("nan")}, {"candidates": [[0], [0, 10**30]]}, {"ranking": [[0], [10**30]]},
    ]  # fmt: skip
    lines = [json.dumps(good | more) for more in odd]
    (tmp_path / "a.jsonl").write_text("\n".join([*lines, "no JSON", "[" * 100_000, json.dumps(good)]))
    found = import_rankings(store, tmp_path / "a.jsonl")
    assert found.stored == 1
    assert sorted(int(why.partition("a.jsonl:")[2].partition(":")[0]) for why in found.left_out) == [*range(1, 13)]
    assert [d.sha256 for d in feedback.list_documents(store)] == [letter(0).sha256]
    assert [a.name for a in feedback.list_annotators(store)] == ["Ada"]


def test_columns_of_different_lengths_are_refused_whole(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(argilla("2 flat") | {"id": ["r1", "r2"]}))
    with feedback.open_store(tmp_path / "a.db") as store, pytest.raises(InvalidPreferenceError, match="lengths"):
        import_rankings(store, tmp_path / "a.json")


def test_a_time_that_is_shortened_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (task, *_) = label_studio()
    task["annotations"][0]["lead_time"] = 30 * 3600
    (tmp_path / "ls.json").write_text(json.dumps([task]))
    assert run(["feedback", "import", str(tmp_path / "ls.json"), "--store", str(tmp_path / "a.db")]) == 0
    assert "ls.json:1: a time on task of 30.0 h is kept as 24 h" in capsys.readouterr().err
    with feedback.open_store(tmp_path / "a.db") as store:
        assert [j.milliseconds for j in feedback.all_judgements(store)] == [24 * 3600 * 1000]


PRIVATE = [
    "jane.doe+x@mail.example.org",
    "+49 (0)30 901820-15",
    "030 9018 2015",
    "(212) 555-0147",
    "DE89 3704 0044 0532 0130 00",
    "4111 1111 1111 1111",
    "078-05-1120",
    "192.168.17.4",
    "X1234567",
]
KEPT = ["12,345.67", "2024-11-25", "3.14159", "section 4.2.1", "1990-2004", "7 of 2,000", "RFC 2119"]


def test_rules_find_what_identifies_and_nothing_else() -> None:
    text = f"Write to {PRIVATE[0]} or call {PRIVATE[1]}, {PRIVATE[2]} or {PRIVATE[3]}; IBAN {PRIVATE[4]} of the bank. "
    text += f"Card {PRIVATE[5]}, SSN {PRIVATE[6]}, from {PRIVATE[7]}, passport no. {PRIVATE[8]}. "
    text += "Not these: " + "; ".join(KEPT) + "."
    clean = mask(text, list(find_by_rules(text)))
    assert len(clean) == len(text)
    assert [p for p in PRIVATE if p in clean] == []
    assert [k for k in KEPT if k not in clean] == []
    assert "of the bank." in clean
    assert "xxxx.xxx+x@xxxx.xxxxxxx.xxx" in clean


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40), max_size=8))
def test_redaction_masks_what_was_found_and_nothing_else(parts: list[str]) -> None:
    text = " ".join(p + q for p, q in zip(parts, PRIVATE, strict=False))
    spans = list(find_by_rules(text))
    clean = mask(text, spans)
    inside = {i for start, end in spans for i in range(start, end)}
    assert len(clean) == len(text)
    for i, (before, after) in enumerate(zip(text, clean, strict=True)):
        hidden = "0" if before.isdecimal() else "x" if before.isalnum() else before
        assert after == (hidden if i in inside else before)


def test_a_redacted_export_still_fits_its_document(store: Database) -> None:
    ada = feedback.add_annotator(store, "Ada").id
    document = document_of(
        [("heading", "To jane@example.org"), ("paragraph", "Call +49 30 901820 now, Jane."), ("paragraph", "b")]
    )
    stored = feedback.add_document(store, document)
    stretch = feedback.add_stretch(store, feedback_stretch(stored.id, 0, 3))
    feedback.add_task(
        store, Task(stretch, feedback.add_candidates(store, stretch, [candidate((0,)), candidate((0, 2))]), 0)
    )
    task = feedback.next_task(store, ada)
    assert task is not None
    feedback.judge(store, judgement(task, ada))

    def names(text: str) -> list[tuple[int, int]]:
        """What Presidio would add."""
        return [(m.start(), m.end()) for m in re.finditer("Jane", text)]

    (value,) = lines_of(store, rewrite=lambda d: redact(d, find_by_rules, names))
    line = PreferenceLine.from_json(value)
    assert line.document.text == "To xxxx@xxxxxxx.xxx\n\nCall +00 00 000000 now, xxxx.\n\nb"
    assert [(b.start, b.end) for b in line.document.blocks] == [(b.start, b.end) for b in document.blocks]
    assert Document.from_json(line.document.to_json()).sha256 == document.sha256


def test_the_commands_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docalign.toml").write_text('[feedback]\nstore = "kept.db"\n')
    assert run(["feedback", "export"]) == 2
    assert "no such store" in capsys.readouterr().err
    with feedback.open_store(tmp_path / "kept.db") as store:
        judged(store, 4, ([2], [0, 1]), ([0], [1], [2]))
        feedback.undo(store, client_id(), 1)
    assert run(["feedback", "export", "--out", "prefs.jsonl", "--redact"]) == 0
    assert run(["feedback", "import", "prefs.jsonl", "--store", "other.db"]) == 0
    said = capsys.readouterr().err
    assert "3 lines to train on" in said
    assert "3 rankings stored" in said
    assert run(["feedback", "export", "--view", "gold"]) == 3
    assert run(["feedback", "export", "--view", "nothing"]) == 2
    assert run(["feedback", "delete", letter(0).sha256]) == 0
    assert run(["feedback", "delete", letter(0).sha256]) == 2
    capsys.readouterr()
    assert run(["feedback", "report", "--format", "json"]) == 0
    counts = json.loads(capsys.readouterr().out)["counts"]
    assert (counts["documents"], counts["ranking"], counts["undone"]) == (3, 2, 1)
