"""The page in a browser, by key and by click, then the database. No console error is let pass anywhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from docalign.cli import run
from docalign.document import Document
from docalign.feedback import store
from docalign.feedback.guideline import load_guideline
from docalign.feedback.values import Judgement
from docalign.feedback.web import Desk, create_app
from docalign.ingest import ingest
from docalign.preference import read_preferences
from docalign.store import Database
from docalign.train.gold import read_gold
from docalign.view import page_images
from tests.support.rank_page import evil_document, prepare, serving

SAMPLES = Path(__file__).parent.parent.parent / "data" / "samples"
AXE = Path(__file__).parent.parent / "support" / "axe" / "axe.min.js"
WIDE, PHONE = (1280, 800), (390, 844)

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def report() -> tuple[Document, list[bytes | None]]:
    document = ingest(SAMPLES / "report.pdf")
    return document, page_images(SAMPLES / "report.pdf", document)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with store.open_store(tmp_path / "rankings.db") as opened:
        yield opened


@pytest.fixture
def open_page(chromium: Any, database: Database) -> Iterator[Open]:
    """Opens the page over the database for an annotator, in a browser profile of its own."""
    problems: list[str] = []
    contexts = []
    with serving(create_app(Desk(database))) as address:

        def opened(name: str = "Ada", size: tuple[int, int] = WIDE, **options: Any) -> Any:
            context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, **options)
            contexts.append(context)
            page = context.new_page()
            page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
            page.on("pageerror", lambda e: problems.append(str(e)))
            page.on("request", lambda r: r.url.startswith(address) or problems.append(f"fetched {r.url}"))
            page.goto(address)
            page.fill("#name", name)
            page.keyboard.press("Enter")
            page.wait_for_selector("#prompt:not(:empty)")  # the script is there
            return page

        opened.expected = []  # type: ignore[attr-defined]
        yield opened
        for context in contexts:
            context.close()
    assert [p for p in problems if p not in opened.expected] == []


def task_of(page: Any) -> int:
    return int(page.locator("#candidates").get_attribute("data-task"))


def next_one(page: Any, before: int) -> None:
    page.wait_for_selector(f'#candidates:not([data-task="{before}"]), .nothing')


def press(page: Any, *keys: str) -> None:
    """The last key answers the task: waits for the next one."""
    before = task_of(page)
    for key in keys:
        page.keyboard.press(key)
    next_one(page, before)


def stored(database: Database) -> list[Judgement]:
    return store.all_judgements(database)


def starts_shown(page: Any, candidate: int) -> tuple[int, ...]:
    cuts = page.locator(f"#candidate{candidate} .gap:has(.cut:not([hidden]))")
    return tuple(int(c.get_attribute("data-gap")) for c in cuts.all())


def test_ranking_by_keyboard_only(open_page: Open, database: Database, tokenizer_path: Path, report: Any) -> None:
    prepare(database, tokenizer_path, report)
    page = open_page()
    first, second, third, fourth = (task_of(page), 0, 0, 0)
    press(page, "2")
    second = task_of(page)
    press(page, "=")
    third = task_of(page)
    press(page, "b")
    fourth = task_of(page)
    page.keyboard.press("s")
    page.wait_for_selector("#skip[open]")
    page.keyboard.press("ArrowDown")
    press(page, "Enter")
    made = stored(database)
    assert [(j.task_id, j.kind, j.ranking) for j in made] == [
        (first, "ranking", ((1,), (0,))),
        (second, "ranking", ((0, 1),)),
        (third, "all_bad", ()),
        (fourth, "skip", ()),
    ]
    assert made[3].reason == "The page or its text is unreadable"
    assert {j.guideline_version for j in made} == {load_guideline().version}
    assert all(0 < j.milliseconds < 60_000 for j in made)
    assert len({j.id for j in made}) == 4


def test_what_was_judged_on_the_page_comes_out_as_preferences_and_gold(
    open_page: Open, database: Database, tokenizer_path: Path, report: Any, tmp_path: Path
) -> None:
    prepare(database, tokenizer_path, report)
    page = open_page()
    first, kept = store.task(database, task_of(page)), starts_shown(page, 1)
    page.keyboard.press("c")
    page.keyboard.press("ArrowDown")  # into the chunk that is over the limit: without it the correction is gold
    page.keyboard.press("Space")
    corrected = starts_shown(page, 1)
    assert set(corrected) > set(kept)
    page.keyboard.press("r")
    press(page, "2")
    tied = store.task(database, task_of(page))
    press(page, "=")
    press(page, "u")
    press(page, "=")
    where = str(tmp_path / "rankings.db")
    for view in ("preferences", "gold"):
        assert run(["feedback", "export", "--view", view, "--store", where, "--out", str(tmp_path / view)]) == 0

    def written(view: str) -> list[Path]:  # the one for held-out documents may be empty, or the other
        return [file for file in sorted(tmp_path.glob(f"{view}*")) if file.stat().st_size]

    lines = [line for file in written("preferences") for line in read_preferences(file)]
    ranked = {line.candidates: line.ranking for line in lines}
    a, b = (c.starts for c in first.candidates)
    assert ranked[a, b] == ((1,), (0,))
    assert ranked[corrected, a] == ((0,), (1,))
    assert ranked[tuple(c.starts for c in tied.candidates)] == ((0, 1),)
    assert {(line.source, line.annotator) for line in lines} == {("human", "Ada")}
    assert len(lines) == 3
    (gold,) = [line for file in written("gold") for line in read_gold(file)]
    assert gold.starts == corrected


def test_undo_by_key_brings_the_task_back(
    open_page: Open, database: Database, tokenizer_path: Path, report: Any
) -> None:
    prepare(database, tokenizer_path, report)
    page = open_page()
    assert page.locator('[data-do="undo"]').is_disabled()
    first = task_of(page)
    press(page, "1")
    press(page, "u")
    assert task_of(page) == first
    assert page.locator("#said").inner_text().startswith("Taken back.")
    press(page, "2")
    assert [j.kind for j in stored(database)] == ["ranking", "undo", "ranking"]
    (standing,) = store.active_judgements(database)
    assert standing.ranking == ((1,), (0,))


def test_three_candidates_with_a_tie_among_the_last(
    open_page: Open, database: Database, tokenizer_path: Path, report: Any
) -> None:
    prepare(database, tokenizer_path, report, width=3)
    page = open_page()
    assert page.locator(".panel").count() == 3
    page.keyboard.press("3")
    page.keyboard.press("1")
    page.keyboard.press("Escape")  # forget both
    press(page, "2", "3", "=", "1")
    (made,) = stored(database)
    assert made.ranking == ((1,), (2, 0))


def test_the_same_by_buttons(open_page: Open, database: Database, tokenizer_path: Path, report: Any) -> None:
    prepare(database, tokenizer_path, report)
    page = open_page()
    for selector in ("#candidate2 [data-pick]", '[data-do="tie"]', '[data-do="bad"]'):
        before = task_of(page)
        page.click(selector)
        next_one(page, before)
    page.click('[data-do="note"]')
    page.fill("#remark", "both cut the table")
    page.click("#note .main")
    page.click('[data-do="skip"]')
    page.fill("#other", "no time")
    page.click("#skip .main")
    page.locator("#said", has_text="Skipped").wait_for()
    page.click('[data-do="undo"]')
    page.locator("#said", has_text="Taken back").wait_for()
    assert [j.kind for j in stored(database)] == ["ranking", "ranking", "all_bad", "skip", "undo"]
    assert (stored(database)[3].reason, stored(database)[3].note) == ("no time", "both cut the table")


def test_correcting_by_key_moves_a_cut(open_page: Open, database: Database, tokenizer_path: Path, report: Any) -> None:
    prepare(database, tokenizer_path, report)
    page = open_page()
    task = store.task(database, task_of(page))
    before = task.candidates[1].starts
    assert starts_shown(page, 2) == before
    page.keyboard.press("ArrowRight")
    page.keyboard.press("c")
    focused = int(page.evaluate("document.activeElement.closest('.gap').dataset.gap"))
    assert focused == before[1]
    page.keyboard.press("Space")  # the cut is removed, and added again one place further down
    page.keyboard.press("ArrowDown")
    if focused + 1 not in before:
        page.keyboard.press("Space")
    expected = tuple(sorted({*before, focused + 1} - {focused}))
    assert starts_shown(page, 2) == expected
    page.keyboard.press("Shift+ArrowUp")  # and moved back
    moved = tuple(sorted({*expected, focused} - {focused + 1}))
    assert starts_shown(page, 2) == moved
    page.keyboard.press("Shift+ArrowDown")
    press(page, "Enter")
    (made,) = stored(database)
    assert (made.kind, made.corrected_starts, made.corrected_from) == ("correction", expected, 1)


def test_correcting_by_click_goes_with_the_ranking(
    open_page: Open, database: Database, tokenizer_path: Path, report: Any
) -> None:
    prepare(database, tokenizer_path, report)
    page = open_page()
    before = starts_shown(page, 1)
    page.click("#candidate1 [data-mend]")
    page.click(f'#candidate1 .gap[data-gap="{before[-1]}"] .toggle')
    tile = next(
        b
        for b in range(1, 99)
        if b not in before and page.locator(f'#candidate1 .tile[data-block="{b}"][data-first]').count()
    )
    page.click(f'#candidate1 .tile[data-block="{tile}"][data-first] .area')
    expected = tuple(sorted({*before[:-1], tile}))
    assert starts_shown(page, 1) == expected
    on_page = page.locator("#candidate1 .tile.cut").all()
    assert {int(t.get_attribute("data-block")) for t in on_page} == set(expected)
    page.click('[data-do="keep"]')
    page.reload()
    page.wait_for_selector("#candidate1.corrected")
    assert starts_shown(page, 1) == expected
    press(page, "1")
    (made,) = stored(database)
    assert (made.kind, made.ranking) == ("ranking", ((0,), (1,)))
    assert (made.corrected_starts, made.corrected_from) == (expected, 0)


def test_a_correction_can_be_given_up(open_page: Open, database: Database, tokenizer_path: Path, report: Any) -> None:
    prepare(database, tokenizer_path, report)
    page = open_page()
    before = starts_shown(page, 1)
    page.keyboard.press("c")
    page.keyboard.press("Space")
    assert starts_shown(page, 1) != before
    for gap in starts_shown(page, 1)[1:]:
        page.click(f'#candidate1 .gap[data-gap="{gap}"] .toggle')
    assert "over the limit of 300" in page.inner_text("#prompt")  # said while it can be mended
    page.keyboard.press("Escape")
    assert starts_shown(page, 1) == before
    press(page, "1")
    assert stored(database)[0].corrected_starts is None


def test_reloading_in_the_middle_keeps_the_task_and_the_digits(
    open_page: Open, database: Database, tokenizer_path: Path, report: Any
) -> None:
    prepare(database, tokenizer_path, report, width=3)
    page = open_page()
    task, texts = task_of(page), page.locator(".texts").all_inner_texts()
    page.keyboard.press("3")
    page.reload()
    page.wait_for_selector('[data-pick="2"][aria-pressed=true]')
    assert task_of(page) == task
    assert page.locator(".texts").all_inner_texts() == texts
    press(page, "2", "1")
    assert stored(database)[0].ranking == ((2,), (1,), (0,))


def test_two_annotators_at_once_never_share_a_task(
    open_page: Open, database: Database, tokenizer_path: Path, report: Any
) -> None:
    prepare(database, tokenizer_path, report)
    ada, ben = open_page("Ada"), open_page("Ben")
    for _ in range(2):
        assert task_of(ada) != task_of(ben)
        press(ada, "1")
        press(ben, "2")
    made = stored(database)
    assert len({j.task_id for j in made}) == 4
    names = {a.id: a.name for a in store.list_annotators(database)}
    assert [names[j.annotator_id] for j in made] == ["Ada", "Ben", "Ada", "Ben"]


def test_a_lost_answer_is_sent_again_and_stored_once(
    open_page: Open, database: Database, tokenizer_path: Path, report: Any
) -> None:
    prepare(database, tokenizer_path, report)
    page = open_page()
    tries = []

    def lose_the_first_answer(route: Any) -> None:
        tries.append(route.request.post_data)
        if len(tries) == 1:
            route.fetch()  # the server stores it
            route.fulfill(status=503, body="")
        else:
            route.continue_()

    page.route("**/judgements", lose_the_first_answer)
    open_page.expected.append(
        "Failed to load resource: the server responded with a status of 503 (Service Unavailable)"
    )  # type: ignore[attr-defined]
    with page.expect_response(lambda r: r.url.endswith("/judgements") and r.status == 200):
        page.keyboard.press("1")
    assert len(tries) == 2
    assert tries[0] == tries[1]
    assert len(stored(database)) == 1


def test_a_server_that_was_away_gets_the_judgement_when_it_is_back(
    chromium: Any, database: Database, tokenizer_path: Path, report: Any
) -> None:
    prepare(database, tokenizer_path, report)
    app = create_app(Desk(database, annotator=store.add_annotator(database, "Ada")))
    context = chromium.new_context()
    page = context.new_page()
    with serving(app) as address:
        page.goto(address)
        page.wait_for_selector("#prompt:not(:empty)")
        before = task_of(page)
    page.keyboard.press("2")
    page.locator("#problem", has_text="Not saved yet").wait_for()
    assert stored(database) == []
    with serving(app, port=int(address.rsplit(":", 1)[1])):
        next_one(page, before)
        assert page.locator("#problem").inner_text() == ""
        context.close()
    (made,) = stored(database)
    assert (made.task_id, made.ranking) == (before, ((1,), (0,)))


def test_a_task_that_is_gone_is_said_and_left(
    open_page: Open, database: Database, tokenizer_path: Path, report: Any
) -> None:
    prepare(database, tokenizer_path, report, (evil_document(), []), comparisons=1)
    page = open_page()
    gone = store.document(database, store.task(database, task_of(page)).stretch.document_id)
    store.delete_document(database, gone.sha256)
    open_page.expected.append("Failed to load resource: the server responded with a status of 404 (Not Found)")  # type: ignore[attr-defined]
    before = task_of(page)
    page.keyboard.press("1")
    page.locator("#problem", has_text="Not saved:").wait_for()
    page.click("#problem button")
    next_one(page, before)
    press(page, "1")
    assert len(stored(database)) == 1


def test_markup_in_a_document_does_nothing(open_page: Open, database: Database, tokenizer_path: Path) -> None:
    assert prepare(database, tokenizer_path, (evil_document(), []))
    page = open_page()
    assert page.title() == "Which chunks are better?"
    assert page.locator("#task script, #task img, #about b").count() == 0
    assert "<script>" in page.locator("#candidate1 .texts").inner_text()
    page.keyboard.press("c")
    page.keyboard.press("Escape")
    press(page, "1")
    assert page.title() == "Which chunks are better?"


def test_the_end_is_said(open_page: Open, database: Database, tokenizer_path: Path) -> None:
    tasks = prepare(database, tokenizer_path, (evil_document(), []), comparisons=1)
    page = open_page()
    for _ in range(tasks):
        press(page, "1")
    assert "That is all" in page.locator("#task").inner_text()
    assert page.locator('[data-do="tie"]').is_disabled()
    assert re.search(rf"\b{tasks} judged, 0 to go", page.locator("#pace").inner_text())


def test_the_next_difference_comes_into_view(
    open_page: Open, database: Database, tokenizer_path: Path, report: Any
) -> None:
    prepare(database, tokenizer_path, report)
    page = open_page()
    differing = set(starts_shown(page, 1)) ^ set(starts_shown(page, 2))
    seen = set()
    for _ in differing:
        page.keyboard.press("d")
        sought = page.locator("#candidate1 .gap.sought")
        seen.add(int(sought.get_attribute("data-gap")))
        assert sought.is_visible()
        inside = "e => { const a = e.getBoundingClientRect(), b = e.closest('.texts').getBoundingClientRect();"
        assert sought.evaluate(inside + " return a.top >= b.top - 2 && a.top <= b.bottom; }")
    assert seen == differing


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (PHONE, "dark")], ids=["wide-light", "phone-dark"])
def test_axe_finds_no_serious_violation(
    open_page: Open, database: Database, tokenizer_path: Path, report: Any, size: tuple[int, int], scheme: str
) -> None:
    prepare(database, tokenizer_path, report, (evil_document(), []), comparisons=1)
    page = open_page(size=size, color_scheme=scheme, bypass_csp=True)  # axe itself is injected

    def check() -> None:
        if not page.evaluate("typeof axe === 'object'"):
            page.add_script_tag(path=AXE)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        bad = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
        assert [(v["id"], v["nodes"][0]["html"][:200], v["nodes"][0]["failureSummary"]) for v in bad] == []

    check()
    page.click(".panel.active [data-mend]")
    check()
    page.keyboard.press("Escape")
    for dialog in ("?", "s", "n"):
        page.keyboard.press(dialog)
        check()
        page.keyboard.press("Escape")
    home = page.url
    page.goto(home + "guideline")
    check()
    page.goto(home)
    while page.locator("#candidates").count():  # text-only documents, and the end
        press(page, "1")
        check()


def test_on_a_phone_one_candidate_is_shown_and_tabs_switch(
    open_page: Open, database: Database, tokenizer_path: Path, report: Any
) -> None:
    prepare(database, tokenizer_path, report)
    page = open_page(size=PHONE, has_touch=True, is_mobile=True)
    assert page.locator(".panel:visible").count() == 1
    page.tap('[data-tab="1"]')
    assert page.locator("#candidate2").is_visible()
    assert not page.locator("#candidate1").is_visible()
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE[0]
    for button in page.locator(".buttons button:visible, .pick:visible, .tabs button:visible").all():
        assert button.bounding_box()["height"] >= 32
    before = task_of(page)
    page.tap("#candidate2 [data-pick]")
    next_one(page, before)
    assert stored(database)[0].ranking == ((1,), (0,))
