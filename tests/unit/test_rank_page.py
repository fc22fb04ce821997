"""The page over HTTP: what it shows and stores, and everything it must refuse without storing or executing anything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from docalign.feedback import store
from docalign.feedback.guideline import guideline_path, load_guideline
from docalign.feedback.values import Task
from docalign.feedback.web import Desk, create_app
from docalign.store import Database
from tests.support.rank_page import EVIL, evil_document, prepare
from tests.support.rankings import client_id, tasks_of

HOME = "http://127.0.0.1:8570"
OWN = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with store.open_store(tmp_path / "rankings.db") as opened:
        yield opened


def desk(database: Database, annotator: str | None = None) -> Desk:
    return Desk(database, annotator=None if annotator is None else store.add_annotator(database, annotator))


def client(database: Database, annotator: str | None = None) -> TestClient:
    return TestClient(create_app(desk(database, annotator)), base_url=HOME, headers=OWN)


@pytest.fixture
def tasks(database: Database) -> list[Task]:
    return tasks_of(database, documents=4)


@pytest.fixture
def ada(database: Database, tasks: list[Task]) -> TestClient:
    return client(database, annotator="Ada")


def sent(task: int, **fields: object) -> dict[str, object]:
    return {
        "id": client_id(),
        "task": task,
        "kind": "ranking",
        "ranking": "[[1],[0]]",
        "guideline": load_guideline().version,
    } | fields


def shown_task(page: str) -> int:
    return int(re.findall(r'data-task="(\d+)"', page)[0])


def nothing_stored(database: Database) -> bool:
    return store.all_judgements(database) == []


def test_a_ranking_is_stored_as_sent_and_answered_with_the_next_task(ada: TestClient, database: Database) -> None:
    task = shown_task(ada.get("/").text)
    form = sent(task, milliseconds=5400, note="close", starts="[0, 3]", corrected_from=1)
    answer = ada.post("/judgements", data=form)
    assert answer.status_code == 200
    assert shown_task(answer.text) != task
    (found,) = store.all_judgements(database)
    assert (found.task_id, found.ranking, found.milliseconds) == (task, ((1,), (0,)), 5400)
    assert (found.note, found.corrected_starts, found.corrected_from) == ("close", (0, 3), 1)
    assert found.guideline_version == load_guideline().version


def test_sending_the_same_judgement_again_stores_it_once(ada: TestClient, database: Database) -> None:
    form = sent(shown_task(ada.get("/").text))
    assert [ada.post("/judgements", data=form).status_code for _ in range(3)] == [200, 200, 200]
    assert len(store.all_judgements(database)) == 1


def test_undo_brings_the_task_back(ada: TestClient, database: Database) -> None:
    form = sent(shown_task(ada.get("/").text))
    page = ada.post("/judgements", data=form).text
    assert f'data-undo="{form["id"]}"' in page
    answer = ada.post("/undo", data={"id": client_id(), "judgement": form["id"]})
    assert shown_task(answer.text) == form["task"]
    assert store.active_judgements(database) == []
    assert ada.post("/undo", data={"id": client_id()}).status_code == 404


def test_reloading_changes_nothing(ada: TestClient) -> None:
    page, ahead = ada.get("/").text, ada.get("/task").text
    assert shown_task(page) == shown_task(ahead)
    assert ada.get(f"/ahead/{shown_task(page)}").status_code == 200
    assert shown_task(ada.get("/").text) == shown_task(page)


def test_nothing_on_the_page_says_who_made_a_candidate(database: Database, tokenizer_path: Path) -> None:
    prepare(database, tokenizer_path, (evil_document(), []))
    page = client(database, annotator="Ada").get("/").text
    names = {c.generator for t in store.list_tasks(database) for c in t.candidates} | {"hash", "temperature"}
    assert len(names) > 3
    assert [name for name in names if re.search(rf"\b{re.escape(name)}\b", page)] == []


def test_two_annotators_sign_in_and_get_different_tasks(database: Database, tasks: list[Task]) -> None:
    seen = []
    for name in ("Ada", "Ben"):
        browser = client(database)
        assert "Your name" in browser.get("/").text
        page = browser.post("/annotator", data={"name": name}).text
        assert name in page
        seen.append(shown_task(page))
    assert seen[0] != seen[1]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"task": 999_999}, 404),
        ({"ranking": "[[0]]"}, 422),
        ({"ranking": "[[0],[1],[2]]"}, 422),
        ({"ranking": "[[0],[0]]"}, 422),
        ({"ranking": "[[],[0,1]]"}, 422),
        ({"ranking": "[[-1],[0]]"}, 422),
        ({"ranking": "[1,0]"}, 422),
        ({"ranking": "[[0],[1]"}, 422),
        ({"ranking": "[" * 4000}, 422),
        ({"ranking": '[["0"],[1e400]]'}, 422),
        ({"kind": "undo", "ranking": ""}, 422),
        ({"kind": "skip", "ranking": ""}, 422),
        ({"kind": "all_bad"}, 422),
        ({"kind": "correction", "ranking": ""}, 422),
        ({"kind": "correction", "ranking": "", "starts": "[3, 2]"}, 422),
        ({"kind": "correction", "ranking": "", "starts": "[0, 99]"}, 422),
        ({"starts": "[0, 2]", "corrected_from": 7}, 422),
        ({"id": "x"}, 422),
        ({"id": "'; drop table judgements; --"}, 422),
        ({"milliseconds": -5}, 422),
        ({"milliseconds": "soon"}, 422),
        ({"milliseconds": 2**70}, 422),
        ({"surprise": 1}, 422),
        ({"guideline": "0-unknown"}, 422),
        ({"guideline": ""}, 422),
        ({"note": "x" * 5000}, 413),
        ({"note": "a\x00b"}, 422),
        ({"note": "x" * 20_000_000}, 413),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_judgement_is_refused_and_not_stored(
    ada: TestClient, database: Database, fields: dict[str, object], status: int
) -> None:
    form = sent(shown_task(ada.get("/").text)) | fields
    answer = ada.post("/judgements", data=form)
    assert answer.status_code == status, answer.text
    assert nothing_stored(database)


def test_a_body_that_is_no_form_is_refused(ada: TestClient, database: Database) -> None:
    for body in (b"\xff\xfe", b"a" * 100, b"&".join(b"k%d=1" % n for n in range(500)), b"id=1&id=2", b""):
        headers = {"content-type": "application/x-www-form-urlencoded"}
        assert ada.post("/judgements", content=body, headers=headers).status_code == 422
    assert nothing_stored(database)


def test_a_body_of_unknown_length_is_cut_off(ada: TestClient, database: Database) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(400):
            yield b"note=" + b"x" * 50_000

    assert ada.post("/judgements", content=endless()).status_code == 413
    assert nothing_stored(database)


def test_another_annotators_task_cannot_be_judged(ada: TestClient, database: Database) -> None:
    ben = client(database, annotator="Ben")
    task = shown_task(ada.get("/").text)
    assert ben.post("/judgements", data=sent(task)).status_code == 403
    assert nothing_stored(database)
    first = sent(task)
    ada.post("/judgements", data=first)
    assert ben.post("/undo", data={"id": client_id(), "judgement": first["id"]}).status_code == 403
    assert ada.post("/judgements", data=sent(task)).status_code == 409
    assert len(store.all_judgements(database)) == 1


def test_nobody_judges_without_a_name(database: Database, tasks: list[Task]) -> None:
    nobody = client(database)
    assert nobody.post("/judgements", data=sent(tasks[0].id)).status_code == 404
    for name in ("", "   ", "x" * 5000, "a\nb"):
        assert nobody.post("/annotator", data={"name": name}).status_code in (413, 422)
    for cookie in ("abc", "-1", "99", "٣", "9" * 400):
        answer = nobody.get("/", headers={"cookie": f"docalign_annotator={cookie}".encode()})
        assert "Your name" in answer.text
    assert nothing_stored(database)
    assert store.list_annotators(database) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {},
    ],
    ids=str,
)
def test_a_judgement_from_another_site_is_refused(
    tasks: list[Task], database: Database, headers: dict[str, str]
) -> None:
    page = TestClient(create_app(desk(database, "Ada")), base_url=HOME)
    form = sent(shown_task(page.get("/").text))
    assert page.post("/judgements", data=form, headers=headers).status_code == 403
    assert nothing_stored(database)
    assert page.post("/judgements", data=form, headers={"origin": HOME}).status_code == 200


def test_only_the_machines_own_names_are_answered(ada: TestClient) -> None:
    assert ada.get("/", headers={"host": "evil.example:8570"}).status_code == 400
    assert ada.get("/", headers={"host": "localhost:8570"}).status_code == 200


def test_beyond_this_machine_a_token_is_asked_for(database: Database, tasks: list[Task]) -> None:
    app = create_app(desk(database, "Ada"), token="the-token")
    page = TestClient(app, base_url="http://library.example:8570", headers=OWN)
    assert page.get("/").status_code == 401
    assert page.get("/?token=wrong").status_code == 401
    assert page.post("/judgements?token=the-token", data=sent(tasks[0].id)).status_code == 401
    let_in = page.get("/?token=the-token", follow_redirects=False)
    assert (let_in.status_code, let_in.headers["location"]) == (303, "/")
    assert "httponly" in let_in.headers["set-cookie"].lower()
    assert page.get("/").status_code == 200


def test_every_answer_forbids_what_is_not_its_own(ada: TestClient) -> None:
    page = ada.get("/").text
    assets = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    assert len(assets) >= 4
    for path in ("/", "/guideline", "/task", "/pictures/1/1", "/assets/x/none.js", *assets):
        answer = ada.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert re.findall(r"(?i)<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|javascript:|https?://", page) == []


def test_markup_in_a_document_stays_text(database: Database, tokenizer_path: Path) -> None:
    assert prepare(database, tokenizer_path, (evil_document(), []))
    page = client(database, annotator=EVIL[:60]).get("/").text
    assert "<script>document" not in page
    assert "<img" not in page
    assert "{{ 7 * 7 }}" in page
    assert "&lt;script&gt;document" in page


def test_pictures_are_served_and_only_pictures(database: Database, tasks: list[Task]) -> None:
    document = tasks[0].stretch.document_id
    store.add_page_picture(database, document, 1, b"\x89PNG...", "image/png")
    store.add_page_picture(database, document, 2, b"<svg onload=alert(1)>", "image/svg+xml")
    ada = client(database, annotator="Ada")
    assert ada.get(f"/pictures/{document}/1").headers["content-type"] == "image/png"
    assert ada.get(f"/pictures/{document}/2").status_code == 404
    assert ada.get(f"/pictures/{document}/99999999999999999999").status_code in (404, 422)


def test_the_same_router_works_below_a_prefix(database: Database, tasks: list[Task]) -> None:
    from fastapi import FastAPI

    from docalign.feedback.web import rank_router

    app = FastAPI()
    app.include_router(rank_router(Desk(database), prefix="/rank"))
    page = TestClient(app, base_url=HOME, headers=OWN)
    assert "Your name" in page.get("/rank/").text
    shown = page.post("/rank/annotator", data={"name": "Ada"}).text
    assert 'hx-post="/rank/judgements"' in shown
    assert page.post("/rank/judgements", data=sent(shown_task(shown))).status_code == 200


def test_one_in_ten_tasks_comes_again_in_another_order(database: Database) -> None:
    tasks_of(database, documents=24)
    ada = client(database, annotator="Ada")
    page = ada.get("/").text
    while 'data-task="' in page:
        page = ada.post("/judgements", data=sent(shown_task(page))).text
    made = {t.id: t for t in store.list_tasks(database)}
    repeats = [t for t in made.values() if t.is_repeat_of is not None]
    assert len(repeats) == 2
    for repeat in repeats:
        original = made[repeat.is_repeat_of or 0]
        assert repeat.candidates == tuple(reversed(original.candidates))
    assert len(store.all_judgements(database)) == 26


def test_the_guideline_is_shown_with_its_version(ada: TestClient) -> None:
    guideline = load_guideline()
    assert guideline.version in ada.get("/guideline").text
    assert guideline.version in ada.get("/").text
    assert re.fullmatch(r"\d+-[0-9a-f]{8}", guideline.version)


def test_another_wording_is_another_version(tmp_path: Path) -> None:
    edited = tmp_path / "GUIDELINE.md"
    edited.write_text(guideline_path().read_text("utf-8") + f"\n{EVIL}\n", "utf-8")
    assert load_guideline(edited).version != load_guideline().version
    assert "<script>" not in load_guideline(edited).html


def test_json_in_the_form_is_read_strictly(ada: TestClient, database: Database) -> None:
    form = sent(shown_task(ada.get("/").text), ranking=json.dumps([[True], [0]]))
    answer = ada.post("/judgements", content=urlencode(form).encode())
    assert answer.status_code == 422
    assert nothing_stored(database)
