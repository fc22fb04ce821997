"""Tokens and quotas: only hashes are kept, who has none gets nothing, and tenants do not use up each other's share."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from docalign.cli import run
from docalign.config import ServeSettings, Settings
from docalign.errors import BusyError, ConfigError, LimitExceededError, NotAllowedError, UsageError
from service.admission import Admission, Cost, estimate
from service.auth import Caller, Tokens, new_token
from service.settings import checked, is_loopback
from tests.support.serving import Running, serving, settings_for

ANN, BOB = Caller("ann", requests=1, pages_per_minute=10), Caller("bob")


def file_with(folder: Path, text: str) -> Path:
    path = folder / "tokens.toml"
    path.write_text(text)
    return path


def test_a_new_token_is_admitted_by_its_table_which_does_not_hold_it(tmp_path: Path) -> None:
    token, table = new_token("acme")
    other, _ = new_token("acme")
    assert token != other
    assert token not in table
    tokens = Tokens.read(file_with(tmp_path, table))
    assert tokens.caller(f"Bearer {token}") == Caller("acme")
    assert tokens.caller(f"bearer {token}").tenant == "acme"
    for header in (None, "", token, "Basic x", "Bearer ", f"Bearer {other}", "Bearer \udcff", f"Bearer {token}x"):
        with pytest.raises(NotAllowedError):
            tokens.caller(header)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "token = 3",
        "x = 1",
        '[[token]]\nsha256 = "abc"\ntenant = "a"',
        f'[[token]]\nsha256 = "{"0" * 64}"',
        f'[[token]]\nsha256 = "{"0" * 64}"\ntenant = "a b"',
        f'[[token]]\nsha256 = "{"0" * 64}"\ntenant = "a"\njbos = 3',
        f'[[token]]\nsha256 = "{"0" * 64}"\ntenant = "a"\njobs = true',
        f'[[token]]\nsha256 = "{"0" * 64}"\ntenant = "a"\nadmin = 1',
    ],
)
def test_a_tokens_file_is_read_strictly(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        Tokens.read(file_with(tmp_path, text))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org"])
def test_without_tokens_nobody_else_may_reach_it(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(UsageError, match="token"):
        checked(Settings(serve=ServeSettings(host=host)))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_loopback_needs_none(host: str) -> None:
    assert checked(Settings(serve=ServeSettings(host=host)))


def test_settings_that_make_no_sense_are_refused() -> None:
    for settings in (ServeSettings(max_pages=0), ServeSettings(port=70_000), ServeSettings(tokens_file="/nowhere")):
        with pytest.raises(UsageError):
            checked(Settings(serve=settings))


# Over HTTP


@pytest.fixture(scope="module")
def tokens() -> dict[str, str]:
    return {name: f"token-of-{name}" for name in ("ann", "bob", "root")}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, tokens: dict[str, str]) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("auth")
    tables = [
        f'[[token]]\nsha256 = "{hashlib.sha256(token.encode()).hexdigest()}"\ntenant = "{name}"\n'
        f"admin = {str(name == 'root').lower()}\n{'jobs = 0' if name == 'bob' else ''}\n"
        for name, token in tokens.items()
    ]
    path = file_with(folder, "\n".join(tables))
    with serving(settings_for(folder, tokens_file=str(path), job_workers=0)) as running:
        yield running


def asking(service: Running, token: str | None) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=service.url, headers=headers, timeout=60)


def test_every_address_of_the_api_needs_a_token(service: Running, tokens: dict[str, str]) -> None:
    paths = [
        (m.upper(), p) for p, item in httpx.get(f"{service.url}/openapi.json").json()["paths"].items() for m in item
    ]
    guarded = [(m, p) for m, p in paths if p.startswith("/v1/")]
    assert len(guarded) >= 7
    with asking(service, None) as nobody, asking(service, "wrong") as stranger:
        for method, path in guarded:
            for client in (nobody, stranger):
                answer = client.request(method, path.replace("{job}", "0" * 32))
                assert answer.status_code == 401, (method, path)
                assert answer.headers["www-authenticate"] == "Bearer"
                assert answer.json()["error"] == "NotAllowedError"
        for path in ("/livez", "/readyz", "/metrics", "/", "/openapi.json"):
            assert nobody.get(path).status_code == 200


def test_jobs_belong_to_their_tenant(service: Running, tokens: dict[str, str]) -> None:
    with asking(service, tokens["ann"]) as ann, asking(service, tokens["root"]) as root:
        job = ann.post("/v1/jobs", files={"file": ("a.txt", b"words")}).json()["id"]
        assert ann.get(f"/v1/jobs/{job}").status_code == 200
        for answer in (root.get(f"/v1/jobs/{job}"), root.get(f"/v1/jobs/{job}/result"), root.delete(f"/v1/jobs/{job}")):
            assert answer.status_code == 404


def test_feedback_is_about_what_the_tenant_was_given(service: Running, tokens: dict[str, str]) -> None:
    text = {"content": b"some words of ann", "headers": {"Content-Type": "text/plain"}}
    with asking(service, tokens["ann"]) as ann, asking(service, tokens["bob"]) as bob:
        chunking = ann.post("/v1/chunk", **text).headers["docalign-chunking"]
        said = {"chunking_id": chunking, "up": True}
        assert bob.post("/v1/feedback", json=said).status_code == 404
        assert ann.post("/v1/feedback", json=said).status_code == 200
        assert bob.post("/v1/chunk", **text).headers["docalign-chunking"] == chunking
        assert bob.post("/v1/feedback", json=said).status_code == 200


def test_a_tenant_without_jobs_is_told_so(service: Running, tokens: dict[str, str]) -> None:
    with asking(service, tokens["bob"]) as bob:
        answer = bob.post("/v1/jobs", files={"file": ("a.txt", b"words")})
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0


def test_only_an_admin_changes_the_model(service: Running, tokens: dict[str, str]) -> None:
    with asking(service, tokens["ann"]) as ann, asking(service, tokens["root"]) as root:
        assert ann.put("/v1/models/current", json={"name": "x"}).status_code == 401
        assert root.put("/v1/models/current", json={"name": "x"}).status_code == 404
        half = root.put(
            "/v1/models/current", content=b'{"name": "\\ud800"}', headers={"Content-Type": "application/json"}
        )
        assert half.status_code == 400


# Admission


def test_places_are_counted_in_pages_and_tokens_and_given_back() -> None:
    admission = Admission(requests=3, pages=10, tokens=1000)
    with admission.enter(BOB, Cost(6, 100)) as place:
        with pytest.raises(BusyError):
            admission.enter(BOB, Cost(5, 1))
        with pytest.raises(BusyError):
            admission.enter(BOB, Cost(1, 950))
        place.correct(pages=1)
        with admission.enter(BOB, Cost(5, 1)):
            assert admission.used == Cost(6, 101)
    assert admission.used == Cost(0, 0)
    with pytest.raises(LimitExceededError):
        admission.enter(BOB, Cost(11, 1))


def test_a_tenant_at_its_limit_leaves_room_for_others() -> None:
    admission = Admission(requests=5, pages=100, tokens=1000)
    with admission.enter(ANN, Cost(1, 1)):
        with pytest.raises(BusyError):
            admission.enter(ANN, Cost(1, 1))
        with admission.enter(BOB, Cost(1, 1)):
            pass


def test_pages_of_a_minute_are_paid_for_even_if_they_were_underestimated() -> None:
    admission = Admission(requests=5, pages=100, tokens=1000)
    with admission.enter(ANN, Cost(1, 1)) as place:
        place.correct(pages=40)
    with pytest.raises(BusyError) as caught:
        admission.enter(ANN, Cost(1, 1))
    assert 1 <= caught.value.retry_after_s <= 60


def test_when_to_come_again_follows_the_work_there_is() -> None:
    admission = Admission(requests=1, pages=100, tokens=100_000, rate=lambda: 1000.0)
    with admission.enter(BOB, Cost(1, 40_000)), pytest.raises(BusyError) as caught:
        admission.enter(BOB, Cost(1, 1))
    assert caught.value.retry_after_s == 20


def test_a_cost_is_estimated_from_the_size_alone() -> None:
    assert estimate(0, paged=False, most_pages=60).pages == 0
    assert estimate(10**9, paged=True, most_pages=60).pages == 60
    assert estimate(1000, paged=True, most_pages=60).pages == 1


def test_a_port_in_use_is_said_before_anything_is_loaded(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(["serve", "--port", str(port)]) == 2
    said = capfd.readouterr().err
    assert f"port {port}" in said
    assert "--port" in said
