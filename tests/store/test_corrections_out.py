"""What an export writes and what it leaves out: corrections that break the limit, files without a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from docalign.cli import run
from docalign.counting import WORDS, counter
from docalign.document import Document
from docalign.feedback import store as feedback
from docalign.feedback.export import export
from docalign.feedback.fits import chunks_over
from docalign.feedback.values import Candidate, Stretch, Task
from tests.support.documents import document_of
from tests.support.rankings import judgement, tasks_of


def document_with_a_long_end() -> Document:
    """A heading, five paragraphs of 16 tokens and one that is longer than the limit of 40 in these tests."""
    words = " ".join(["word"] * 12)
    return document_of([("heading", "One"), *[("paragraph", words)] * 5, ("paragraph", " ".join(["word."] * 60))])


def test_a_correction_over_the_limit_stays_a_preference_and_is_no_gold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = document_with_a_long_end()
    with feedback.open_store(tmp_path / "kept.db") as store:
        kept = feedback.add_document(store, document)
        stretch = feedback.add_stretch(store, Stretch(kept.id, 0, len(document.blocks), 30, 40))
        shown = feedback.add_candidates(store, stretch, [Candidate((0, 2), "a"), Candidate((0, 3), "b")])
        task = feedback.add_task(store, Task(stretch, shown, seed=1))
        ada = feedback.add_annotator(store, "Ada").id
        feedback.next_task(store, ada)
        feedback.judge(store, judgement(task, ada, [0], [1], corrected_starts=(0, 2, 5, 6), corrected_from=0))
        found = export(store, "gold")
        assert (found.train, found.held_out, found.over_limit) == ((), (), 1)
        preferences = export(store, "preferences")
    ranking, corrected = [*preferences.train, *preferences.held_out]
    assert corrected["candidates"][0] == [0, 2, 5, 6]
    assert corrected["provenance"]["corrected_chunks_over_limit"] == [1]
    assert ranking["ranking"] == [[0], [1]]
    assert run(["feedback", "export", "--view", "gold", "--store", str(tmp_path / "kept.db")]) == 3
    assert "over the limit" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("starts", "over"),
    [((0,), (0,)), ((0, 3), (1,)), ((0, 2, 4, 6), ()), ((0, 2, 4), ()), ((0, 1, 2, 3, 4, 5, 6), ())],
)
def test_only_what_no_cut_inside_a_block_can_mend_is_over(starts: tuple[int, ...], over: tuple[int, ...]) -> None:
    """The last block is longer than the limit and cut at run time, so no chunk is over because it ends with it."""
    document = document_with_a_long_end()
    assert chunks_over(document, starts, 40, counter(WORDS)) == over


def test_no_held_out_document_leaves_no_dev_file(tmp_path: Path) -> None:
    with feedback.open_store(tmp_path / "kept.db") as store:
        (task,) = tasks_of(store, 1)
        ada = feedback.add_annotator(store, "Ada").id
        feedback.next_task(store, ada)
        feedback.judge(store, judgement(task, ada, [1], [0]))
    (tmp_path / "prefs.dev.jsonl").write_text("of an earlier export\n")
    assert (
        run(["feedback", "export", "--store", str(tmp_path / "kept.db"), "--out", str(tmp_path / "prefs.jsonl")]) == 0
    )
    assert (tmp_path / "prefs.jsonl").read_text().count("\n") == 1
    assert not (tmp_path / "prefs.dev.jsonl").exists()
