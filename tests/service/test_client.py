"""The client and `docalign chunk --server`: the same bytes, the same errors, patience where it is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

import docalign
from docalign import errors
from docalign.cli import run
from docalign.client import Client
from tests.support.serving import Running, serving, settings_for

TEXT = "# One\n\nA paragraph.\n\n## Two\n\nAnother, about something else.\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(settings_for(tmp_path_factory.mktemp("client"))) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    (made / "sub").mkdir(parents=True)
    (made / "a.md").write_text(TEXT)
    (made / "sub" / "b.txt").write_text("Plain words.\n\nMore of them.\n")
    (made / "bad.pdf").write_bytes(b"%PDF-1.4 garbage")
    return made


def test_one_file_gives_the_same_bytes_here_and_there(
    service: Running, folder: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    for options in ([], ["--max-tokens", "20", "--format", "md"], ["--format", "preview"]):
        assert run(["chunk", str(folder / "a.md"), *options]) == 0
        here = capfdbinary.readouterr()
        assert run(["chunk", str(folder / "a.md"), "--server", service.url, *options]) == 0
        assert capfdbinary.readouterr() == here


def test_a_folder_gives_the_same_files_and_is_completed(service: Running, folder: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    assert run(["chunk", str(folder), "--out", str(here), "--quiet"]) == 1
    assert run(["chunk", str(folder), "--out", str(there), "--server", service.url, "--quiet"]) == 1

    def contents(root: Path) -> dict[str, bytes]:
        return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file() and p.name[0] != "."}

    assert contents(there) == contents(here)
    before = service.service.metrics.requests.labels("/v1/chunk", "POST", "200")._value.get()
    assert run(["chunk", str(folder), "--out", str(there), "--server", service.url, "--quiet"]) == 1
    assert service.service.metrics.requests.labels("/v1/chunk", "POST", "200")._value.get() == before


def test_errors_are_those_of_the_command_line(
    service: Running, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["chunk", str(folder / "bad.pdf"), "--server", service.url]) == 3
    assert "bad.pdf" in capsys.readouterr().err
    assert run(["chunk", str(folder / "none.pdf"), "--server", service.url]) == 3
    assert run(["chunk", str(folder / "a.md"), "--server", service.url, "--tokenizer", "/x.json"]) == 2
    assert run(["chunk", str(folder / "a.md"), "--server", service.url, "--model", "x"]) == 2
    assert run(["chunk", str(folder / "a.md"), "--server", "http://127.0.0.1:9"]) == 1
    assert run(["chunk", str(folder / "a.md"), "--server", "ftp://x"]) == 2


def test_what_is_too_large_for_a_request_goes_through_a_job(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, max_upload_mib=1)) as running, Client(running.url) as client:
        stages: list[str] = []
        big = b"<h1>Title</h1><p>Words.</p><!--" + b"x" * (5 << 18) + b"-->"
        answer = client.chunk(big, name="big.html", progress=lambda stage, done, total: stages.append(stage))
        assert [c["doc"] for c in answer.chunks()] == ["big.html"]
        assert stages
        assert running.service.jobs is not None
        assert running.service.jobs.counts()[0]["done"] == 0, "the job is forgotten when its result is here"


def scripted(*answers: httpx.Response) -> tuple[Client, list[float]]:
    left, slept = list(answers), list[float]()
    transport = httpx.MockTransport(lambda request: left.pop(0))
    return Client("http://x", transport=transport, sleep=slept.append, retries=2), slept


def refusal(status: int, error: str, **headers: str) -> httpx.Response:
    body = {"error": error, "detail": "no.", "remedy": "", "source": None}
    return httpx.Response(status, json=body, headers=headers)


def test_it_waits_as_long_as_it_is_told() -> None:
    client, slept = scripted(
        refusal(429, "BusyError", **{"Retry-After": "7"}),
        refusal(503, "NotReadyError", **{"Retry-After": "2"}),
        httpx.Response(200, content=b"{}\n"),
    )
    assert client.chunk(b"x").content == b"{}\n"
    assert 7 <= slept[0] <= 7 * 1.3
    assert 2 <= slept[1] <= 2 * 1.3


def test_it_gives_up_after_its_tries() -> None:
    client, slept = scripted(*[refusal(429, "BusyError", **{"Retry-After": "1"}) for _ in range(3)])
    with pytest.raises(errors.BusyError):
        client.chunk(b"x")
    assert len(slept) == 2


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda: refusal(422, "EncryptedInputError"), errors.EncryptedInputError),
        (lambda: refusal(401, "NotAllowedError"), errors.NotAllowedError),
        (lambda: refusal(500, "os"), errors.ServiceError),
        (lambda: refusal(503, "OcrMissingError"), errors.OcrMissingError),
        (lambda: httpx.Response(502, text="<html>bad gateway"), errors.ServiceError),
        (lambda: httpx.Response(500, json=[1]), errors.ServiceError),
    ],
)
def test_a_problem_is_the_error_it_names(answer: Callable[[], httpx.Response], kind: type[Exception]) -> None:
    client, _ = scripted(answer())
    with pytest.raises(kind):
        client.chunk(b"x")


def test_the_token_goes_into_the_header_and_nowhere_else() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=json.dumps({"schema": "docalign.chunk/1"}).encode())

    with Client("http://x", token="secret", transport=httpx.MockTransport(answer)) as client:
        client.chunk(b"words", max_tokens=9, password="open")
    assert seen[0].headers["authorization"] == "Bearer secret"
    assert b"secret" not in seen[0].content
    assert "open" not in str(seen[0].url)
    assert dict(seen[0].url.params) == {"max_tokens": "9", "name": "-"}


def test_it_is_docalign_client() -> None:
    assert docalign.Client is Client
