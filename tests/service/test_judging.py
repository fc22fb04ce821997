"""The ranking page of the service: behind its tokens, open to those who may judge, each tenant's people their own."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from docalign.config import FeedbackSettings, ServeSettings, Settings
from docalign.errors import ConfigError, UsageError
from docalign.feedback import store
from docalign.feedback.guideline import load_guideline
from docalign.store import Database
from service.auth import Caller, Tokens
from service.settings import checked
from tests.support.rankings import tasks_of
from tests.support.serving import Running, serving, settings_for

TOKENS = {"ann": "judge = true", "bob": "judge = true", "eve": "", "root": "admin = true"}


def table(name: str, more: str) -> str:
    digest = hashlib.sha256(f"token-of-{name}".encode()).hexdigest()
    return f'[[token]]\nsha256 = "{digest}"\ntenant = "{name}"\n{more}\n'


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("judging")
    tokens = folder / "tokens.toml"
    tokens.write_text("\n".join(table(name, more) for name, more in TOKENS.items()))
    with serving(settings_for(folder, tokens_file=str(tokens), job_workers=0)) as running:
        tasks_of(database_of(running), 6)
        yield running


def database_of(running: Running) -> Database:
    opinions = running.service.work.opinions
    assert opinions is not None
    return opinions.database


@pytest.fixture
def browser(service: Running) -> Iterator[httpx.Client]:
    """As a browser on the page: keeps cookies, and says where a form comes from."""
    with httpx.Client(base_url=service.url, headers={"Origin": service.url}, timeout=60) as client:
        yield client


def handed_in(browser: httpx.Client, tenant: str) -> httpx.Response:
    return browser.post("/rank/sign-in", data={"token": f"token-of-{tenant}"})


def signed_in(browser: httpx.Client, tenant: str, name: str) -> str:
    assert handed_in(browser, tenant).status_code == 303
    return browser.post("/rank/annotator", data={"name": name}, follow_redirects=True).text


def sent(task: int) -> dict[str, str | int]:
    ranking = {"kind": "ranking", "ranking": json.dumps([[1], [0]])}
    return {"id": str(uuid.uuid4()), "task": task, "guideline": load_guideline().version, **ranking}


def task_of(page: str) -> int:
    return int(re.findall(r'data-task="(\d+)"', page)[0])


def test_without_a_token_there_is_a_form_for_it_and_nothing_else(service: Running, browser: httpx.Client) -> None:
    asked = browser.get("/rank/")
    assert (asked.status_code, asked.headers["location"]) == (303, "/rank/sign-in")
    form = browser.get("/rank/sign-in")
    assert 'type="password"' in form.text
    style = re.findall(r'href="(/rank/assets/[^"]+css)"', form.text)
    assert [browser.get(address).status_code for address in style] == [200, 200]
    assert "default-src 'none'" in form.headers["content-security-policy"]
    before = len(store.all_judgements(database_of(service)))
    for method, path in (("GET", "/rank/task"), ("GET", "/rank/pictures/1/1"), ("GET", "/rank/guideline")):
        assert browser.request(method, path).status_code == 401, path
    for path in ("/rank/judgements", "/rank/annotator", "/rank/undo"):
        refused = browser.post(path, data=sent(1))
        assert refused.status_code == 401, path
        assert "/rank/sign-in" in refused.text
    assert len(store.all_judgements(database_of(service))) == before


def test_only_who_may_judge_is_let_in(browser: httpx.Client) -> None:
    for tenant in ("eve", "nobody"):
        refused = handed_in(browser, tenant)
        assert refused.status_code == 401
        assert "set-cookie" not in refused.headers
        assert f"token-of-{tenant}" not in refused.text
        assert browser.get("/rank/", headers={"Authorization": f"Bearer token-of-{tenant}"}).status_code != 200
    assert handed_in(browser, "root").status_code == 303
    assert "Your name" in browser.get("/rank/").text


def test_a_judgement_lands_in_the_services_store_under_its_tenant(service: Running, browser: httpx.Client) -> None:
    page = signed_in(browser, "ann", "Ada")
    task = task_of(page)
    assert "ann/Ada" in page
    assert browser.post("/rank/judgements", data=sent(task)).status_code == 200
    (judgement,) = (j for j in store.active_judgements(database_of(service)) if j.task_id == task)
    assert store.annotator(database_of(service), judgement.annotator_id).name == "ann/Ada"
    assert judgement.ranking == ((1,), (0,))


def test_the_cookie_opens_the_page_and_not_the_api(browser: httpx.Client) -> None:
    cookie = handed_in(browser, "ann").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/rank/" in cookie
    value = {"Cookie": "docalign_rank_token=token-of-ann"}
    assert browser.get("/rank/", headers=value).status_code == 200
    for path in ("/v1/models", "/rankings", "/v1/jobs/rank"):
        assert browser.get(path, headers=value).status_code == 401


def test_nobody_signs_in_as_somebody_of_another_tenant(service: Running, browser: httpx.Client) -> None:
    mine = signed_in(browser, "ann", "Ada")
    (ada,) = (a for a in store.list_annotators(database_of(service)) if a.name == "ann/Ada")
    with httpx.Client(base_url=service.url, headers={"Origin": service.url}, timeout=60) as other:
        stolen = {"Cookie": f"docalign_rank_token=token-of-bob; docalign_annotator={ada.id}"}
        assert "Your name" in other.get("/rank/", headers=stolen).text
        assert other.post("/rank/judgements", data=sent(task_of(mine)), headers=stolen).status_code == 404
        assert "bob/ann/Ada" in signed_in(other, "bob", "ann/Ada")


def test_forms_of_other_sites_are_refused(browser: httpx.Client) -> None:
    away = {"Origin": "https://elsewhere.example"}
    assert browser.post("/rank/sign-in", data={"token": "token-of-ann"}, headers=away).status_code == 403
    page = signed_in(browser, "ann", "Ada")
    assert browser.post("/rank/judgements", data=sent(task_of(page)), headers=away).status_code == 403


def test_a_note_of_20_megabytes_is_refused(service: Running, browser: httpx.Client) -> None:
    task = task_of(signed_in(browser, "bob", "Bo"))
    refused = browser.post("/rank/judgements", data={**sent(task), "note": "x" * (20 << 20)})
    assert (refused.status_code, "That did not work" in refused.text) == (413, True)  # the page's own words
    shown = browser.post("/rank/judgements", content=b"note=" + b"x" * 200_000, headers={"HX-Request": "true"})
    assert (shown.status_code, "Not saved" in shown.text) == (413, True)
    form = browser.post("/rank/sign-in", data={"token": "x" * 200_000})
    assert (form.status_code, "<form" in form.text) == (413, True)
    assert all(j.task_id != task for j in store.all_judgements(database_of(service)))


def test_without_tokens_only_this_machines_own_names_are_answered(tmp_path: Path) -> None:
    kept = tmp_path / "kept.db"  # where `docalign rank --prepare-only` puts tasks with the same docalign.toml
    with store.open_store(kept) as database:
        tasks_of(database, 1)
    settings = replace(settings_for(tmp_path, job_workers=0), feedback=FeedbackSettings(store=str(kept)))
    with serving(settings) as running:
        assert "Your name" in httpx.get(f"{running.url}/rank/").text
        assert httpx.get(f"{running.url}/rank/", headers={"Host": "evil.example"}).status_code == 401
        with httpx.Client(base_url=running.url, headers={"Origin": running.url}, timeout=60) as client:
            shown = client.post("/rank/annotator", data={"name": "Ada"}, follow_redirects=True).text
            assert client.post("/rank/judgements", data=sent(task_of(shown))).status_code == 200
    with store.open_store(kept, read_only=True) as database:
        assert [a.name for a in store.list_annotators(database)] == ["Ada"]
        assert len(store.active_judgements(database)) == 1


def test_the_tables_and_settings_are_read_strictly(tmp_path: Path) -> None:
    file = tmp_path / "tokens.toml"
    file.write_text(table("ann", "judge = true"))
    assert Tokens.read(file).caller("Bearer token-of-ann") == Caller("ann", judge=True)
    file.write_text(table("ann", "judge = 1"))
    with pytest.raises(ConfigError, match="judge"):
        Tokens.read(file)
    with pytest.raises(UsageError, match="overlap"):
        checked(Settings(serve=ServeSettings(), feedback=FeedbackSettings(overlap=0)))
