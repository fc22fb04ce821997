"""The store: every judgement exactly once, every task to one annotator, nothing left of what is deleted."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from docalign.document import Document
from docalign.errors import (
    AlreadyJudgedError,
    FeedbackError,
    NotYourTaskError,
    RankingError,
    TooLongError,
    UnknownItemError,
    UnknownTaskError,
)
from docalign.feedback import store as feedback
from docalign.feedback.excerpt import excerpt
from docalign.feedback.tables import METADATA
from docalign.feedback.values import Candidate, Stretch, Task
from docalign.store import Database
from tests.support.documents import document_of, paged_document
from tests.support.rankings import client_id, judgement, letter, tasks_of

MINUTE_MS = 60_000


def two_annotators(store: Database) -> tuple[int, int]:
    return feedback.add_annotator(store, "Ada").id, feedback.add_annotator(store, "Bo").id


def test_what_goes_in_comes_out(store: Database) -> None:
    (task,) = tasks_of(store)
    assert feedback.task(store, task.id) == task
    assert [c.starts for c in task.candidates] == [(0, 4), (0, 2, 4)]
    assert feedback.stretch_document(store, task.stretch) == letter(0)


def test_documents_that_no_database_would_take_are_kept(store: Database) -> None:
    odd = document_of([("paragraph", "a NUL \x00, half a pair \ud800 and an e\u0301")])
    stored = feedback.add_document(store, odd)
    assert feedback.document(store, stored.id) == odd


def test_adding_the_same_again_adds_nothing(store: Database) -> None:
    first, again = tasks_of(store) + tasks_of(store)
    assert first.stretch == again.stretch
    assert first.candidates == again.candidates
    assert len(feedback.list_documents(store)) == 1


def test_a_stretch_is_the_documents_text_and_places() -> None:
    document = paged_document([("heading", "H" * 50)] + [("paragraph", f"{i} " * 40) for i in range(9)])
    part = excerpt(document, 3, 7)
    for ours, theirs in zip(part.blocks, document.blocks[3:7], strict=True):
        assert part.block_text(ours) == document.block_text(theirs)
        assert (ours.boxes, ours.page) == (theirs.boxes, theirs.page)
        spans = [(part.text[n.start : n.end], n.box) for n in ours.lines]
        assert spans == [(document.text[n.start : n.end], n.box) for n in theirs.lines]
    assert part.sha256 == document.sha256
    assert Document.from_json(part.to_json()) == part


def test_a_judgement_sent_twice_is_stored_once(store: Database) -> None:
    ada, _ = two_annotators(store)
    (task,) = tasks_of(store)
    feedback.next_task(store, ada)
    sent = judgement(task, ada, [1], [0], note="ok")
    first = feedback.judge(store, sent)
    assert feedback.judge(store, sent) == first
    assert feedback.all_judgements(store) == [first]
    with pytest.raises(AlreadyJudgedError, match="taken"):
        feedback.judge(store, replace(sent, ranking=((0,), (1,))))
    with pytest.raises(AlreadyJudgedError, match="already"):
        feedback.judge(store, replace(sent, id=client_id()))
    assert feedback.all_judgements(store) == [first]


def test_the_same_judgement_from_many_threads_is_stored_once(store: Database) -> None:
    ada, _ = two_annotators(store)
    (task,) = tasks_of(store)
    feedback.next_task(store, ada)
    sent = judgement(task, ada)
    with ThreadPoolExecutor(8) as pool:
        answers = {pool.submit(feedback.judge, store, sent).result() for _ in range(16)}
    assert len(answers) == len(feedback.all_judgements(store)) == 1


@pytest.mark.parametrize("overlap", [1, 2])
def test_a_task_goes_to_as_many_annotators_as_overlap_asks(store: Database, overlap: int) -> None:
    made = tasks_of(store, 6)
    ids = [feedback.add_annotator(store, f"a{i}").id for i in range(4)]
    got: list[tuple[int, int]] = []
    barrier = threading.Barrier(len(ids))

    def work(annotator_id: int) -> None:
        barrier.wait()
        while (task := feedback.next_task(store, annotator_id, overlap=overlap)) is not None:
            feedback.judge(store, judgement(task, annotator_id))
            got.append((task.id, annotator_id))

    with ThreadPoolExecutor(len(ids)) as pool:
        for future in [pool.submit(work, i) for i in ids]:
            future.result()
    assert Counter(task for task, _ in got) == {task.id: overlap for task in made}
    assert len(set(got)) == len(got)


def test_reloading_gives_the_same_task_and_prefetching_the_next(store: Database) -> None:
    ada, bo = two_annotators(store)
    one, two, three = tasks_of(store, 3)
    assert feedback.next_task(store, ada) == one
    assert feedback.next_task(store, ada) == one
    assert feedback.next_task(store, ada, exclude=[one.id]) == two
    assert feedback.next_task(store, bo) == three
    assert feedback.next_task(store, ada) == one
    feedback.judge(store, judgement(one, ada))
    assert feedback.next_task(store, ada) == two


def test_a_lease_that_ends_frees_the_task(store: Database) -> None:
    ada, bo = two_annotators(store)
    (task,) = tasks_of(store)
    assert feedback.next_task(store, ada, now=0, lease_s=60) == task
    assert feedback.next_task(store, bo, now=MINUTE_MS - 1) is None
    assert feedback.next_task(store, bo, now=MINUTE_MS) == task
    with pytest.raises(NotYourTaskError, match="another annotator has it"):
        feedback.judge(store, judgement(task, ada), now=MINUTE_MS + 1)
    feedback.judge(store, judgement(task, bo), now=MINUTE_MS + 1)


def test_a_late_judgement_counts_where_nobody_else_took_the_task(store: Database) -> None:
    ada, _ = two_annotators(store)
    (task,) = tasks_of(store)
    feedback.next_task(store, ada, now=0, lease_s=60)
    assert feedback.judge(store, judgement(task, ada), now=10 * MINUTE_MS).created_ms == 10 * MINUTE_MS


def test_a_task_given_back_is_free_at_once(store: Database) -> None:
    ada, bo = two_annotators(store)
    (task,) = tasks_of(store)
    feedback.next_task(store, ada)
    feedback.release(store, task.id, ada)
    assert feedback.next_task(store, bo) == task


def test_a_skipped_task_goes_to_others_and_not_back(store: Database) -> None:
    ada, bo = two_annotators(store)
    (task,) = tasks_of(store)
    feedback.next_task(store, ada)
    feedback.judge(store, judgement(task, ada, kind="skip", ranking=(), reason="not my language"))
    assert feedback.next_task(store, ada) is None
    assert feedback.next_task(store, bo) == task


def test_undo_brings_the_task_back_and_keeps_the_record(store: Database) -> None:
    ada, bo = two_annotators(store)
    one, two = tasks_of(store, 2)
    feedback.next_task(store, ada)
    first = feedback.judge(store, judgement(one, ada))
    assert feedback.next_task(store, ada) == two
    name = client_id()
    undone = feedback.undo(store, name, ada)
    assert (undone.kind, undone.undo_of) == ("undo", first.id)
    assert feedback.undo(store, name, ada) == undone
    assert feedback.next_task(store, ada) == one
    assert feedback.next_task(store, bo) is None
    second = feedback.judge(store, judgement(one, ada, [1], [0]))
    assert feedback.active_judgements(store) == [second]
    assert feedback.all_judgements(store) == [first, undone, second]
    with pytest.raises(AlreadyJudgedError):
        feedback.undo(store, client_id(), ada, first.id)
    with pytest.raises(NotYourTaskError):
        feedback.undo(store, client_id(), bo, second.id)
    with pytest.raises(UnknownItemError):
        feedback.undo(store, client_id(), bo)


def test_undoing_a_skip_does_not_take_the_task_from_who_has_it_now(store: Database) -> None:
    ada, bo = two_annotators(store)
    (task,) = tasks_of(store)
    feedback.next_task(store, ada)
    feedback.judge(store, judgement(task, ada, kind="skip", ranking=(), reason="too long"))
    feedback.next_task(store, bo)
    feedback.undo(store, client_id(), ada)
    assert feedback.next_task(store, ada) is None
    with pytest.raises(NotYourTaskError):
        feedback.judge(store, judgement(task, ada))
    assert feedback.judge(store, judgement(task, bo)).number


def test_a_repeat_goes_to_its_annotator_only_and_priorities_order_the_rest(store: Database) -> None:
    ada, bo = two_annotators(store)
    one, two = tasks_of(store, 2)
    again = Task(one.stretch, one.candidates[::-1], 9, is_repeat_of=one.id, for_annotator=ada, priority=2.0)
    repeat = feedback.add_task(store, again)
    assert repeat.candidates == one.candidates[::-1]
    feedback.set_priorities(store, {two.id: 1.0, 10**6: 5.0})
    assert feedback.next_task(store, bo) == replace(two, priority=1.0)
    assert feedback.next_task(store, ada) == repeat


def test_corrections_and_all_bad_are_kept(store: Database) -> None:
    ada, _ = two_annotators(store)
    one, two = tasks_of(store, 2)
    for task, kind in ((one, "all_bad"), (two, "correction")):
        assert feedback.next_task(store, ada) == task
        more = {"ranking": (), "corrected_starts": (0, 1, 5), "corrected_from": 1}
        stored = feedback.judge(store, judgement(task, ada, kind=kind, **more))
        assert feedback.active_judgements(store)[-1] == stored
        assert (stored.corrected_starts, stored.corrected_from) == ((0, 1, 5), 1)


def test_progress_counts_what_stands(store: Database) -> None:
    ada, _ = two_annotators(store)
    made = tasks_of(store, 5)
    for task, milliseconds in zip(made[:3], (1000, 9000, 4000), strict=True):
        feedback.next_task(store, ada)
        feedback.judge(store, judgement(task, ada, milliseconds=milliseconds))
    feedback.next_task(store, ada)
    feedback.judge(store, judgement(made[3], ada, kind="skip", ranking=(), reason="blank"))
    found = feedback.progress(store, ada)
    assert (found.judged, found.skipped, found.open, found.median_ms, found.judged_last_hour) == (3, 1, 1, 4000, 3)


BAD = {
    "no task": ({"task_id": 999}, UnknownTaskError),
    "missing rank": ({"ranking": ((0,),)}, RankingError),
    "rank twice": ({"ranking": ((0,), (1, 0))}, RankingError),
    "rank of none": ({"ranking": ((0,), (1,), (2,))}, RankingError),
    "negative rank": ({"ranking": ((0,), (-1,))}, RankingError),
    "empty rank": ({"ranking": ((0,), (), (1,))}, RankingError),
    "no ranks": ({"ranking": ()}, RankingError),
    "long note": ({"note": "x" * 20_000_000}, TooLongError),
    "long reason": ({"reason": "x" * 5000}, TooLongError),
    "NUL in note": ({"note": "a\x00"}, FeedbackError),
    "half a pair in note": ({"note": "a\ud800"}, FeedbackError),
    "no id": ({"id": ""}, FeedbackError),
    "odd id": ({"id": "'; DROP TABLE judgements; --"}, FeedbackError),
    "long id": ({"id": "x" * 65}, FeedbackError),
    "starts without 0": ({"corrected_starts": (1, 4)}, RankingError),
    "starts beyond the end": ({"corrected_starts": (0, 8)}, RankingError),
    "starts out of order": ({"corrected_starts": (0, 4, 4)}, RankingError),
    "no starts": ({"corrected_starts": ()}, RankingError),
    "corrected from none": ({"corrected_starts": (0, 4), "corrected_from": 2}, RankingError),
    "from without starts": ({"corrected_from": 1}, FeedbackError),
    "skip without reason": ({"kind": "skip", "ranking": ()}, FeedbackError),
    "skip with ranks": ({"kind": "skip", "reason": "x"}, FeedbackError),
    "correction without starts": ({"kind": "correction", "ranking": ()}, FeedbackError),
    "undo": ({"kind": "undo", "ranking": ()}, FeedbackError),
}


def test_what_cannot_be_stored_is_named_and_nothing_is_stored(store: Database) -> None:
    ada, _ = two_annotators(store)
    (task,) = tasks_of(store)
    feedback.next_task(store, ada)
    for case, (changes, error) in BAD.items():
        with pytest.raises(FeedbackError) as caught:
            feedback.judge(store, replace(judgement(task, ada), **changes))
        assert type(caught.value) is error, case
        assert 400 <= caught.value.http_status < 500
        assert len(str(caught.value)) < 400, case
    assert feedback.all_judgements(store) == []
    assert feedback.next_task(store, ada) == task


def test_another_annotators_task_cannot_be_judged(store: Database) -> None:
    ada, bo = two_annotators(store)
    (task,) = tasks_of(store)
    feedback.next_task(store, ada)
    with pytest.raises(NotYourTaskError):
        feedback.judge(store, judgement(task, bo))


def test_a_program_cannot_take_a_persons_name(store: Database) -> None:
    ada, _ = two_annotators(store)
    with pytest.raises(FeedbackError, match="person"):
        feedback.add_annotator(store, "Ada", simulated=True)
    assert feedback.annotator(store, ada).simulated is False
    for bad in ("", "  ", "a\nb", "x" * 101):
        with pytest.raises(FeedbackError):
            feedback.add_annotator(store, bad)


def test_tasks_that_compare_nothing_are_refused(store: Database) -> None:
    one, two = tasks_of(store, 2)
    for shown in (one.candidates[:1], one.candidates[:1] * 2):
        with pytest.raises(RankingError):
            feedback.add_task(store, Task(one.stretch, shown, 0))
    with pytest.raises(UnknownItemError):
        feedback.add_task(store, Task(one.stretch, (one.candidates[0], two.candidates[1]), 0))
    with pytest.raises(RankingError):
        feedback.add_candidates(store, one.stretch, [Candidate((0, 99), "rule")])
    with pytest.raises(FeedbackError):
        feedback.add_stretch(store, Stretch(one.stretch.document_id, 3, 99))


def test_deleting_a_document_deletes_all_that_came_from_it(store: Database) -> None:
    ada, _ = two_annotators(store)
    one, two = tasks_of(store, 2)
    feedback.add_page_picture(store, one.stretch.document_id, 1, b"picture")
    assert feedback.page_picture(store, one.stretch.document_id, 1) == (b"picture", "image/png")
    for _ in range(2):
        task = feedback.next_task(store, ada)
        assert task is not None
        feedback.judge(store, judgement(task, ada))
    feedback.undo(store, client_id(), ada)
    feedback.add_task(store, Task(one.stretch, one.candidates, 1, is_repeat_of=one.id, for_annotator=ada))
    for gone in (0, 1):
        assert feedback.delete_document(store, letter(gone).sha256) == 1
    with store.reading() as connection:
        left = {
            t.name: connection.execute(sa.select(sa.func.count()).select_from(t)).scalar()
            for t in METADATA.sorted_tables
        }
    assert {name for name, rows in left.items() if rows} == {"annotators"}
    with pytest.raises(UnknownTaskError):
        feedback.judge(store, judgement(two, ada))
    with pytest.raises(UnknownItemError):
        feedback.delete_document(store, letter(0).sha256)
    assert min(task.id for task in tasks_of(store)) > two.id


def test_deleted_text_is_not_in_the_file_any_more(tmp_path: Path) -> None:
    with feedback.open_store(tmp_path / "a.db") as store:
        tasks_of(store, 2)
        feedback.delete_document(store, letter(0).sha256)
        bytes_ = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"of letter 1" in bytes_
    assert b"of letter 0" not in bytes_
