"""The service as its callers meet it: the same bytes as the command line, and every refusal by name."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from docalign.chunker import Chunker, ChunkOptions
from docalign.cli import run
from docalign.ingest import ingest
from docalign.output import render
from docalign.output.jsonout import render_document
from tests.support.serving import Running, serving, settings_for

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
TEXT = "# One\n\nA first paragraph of some words.\n\n## Two\n\nA second one, about something else.\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(settings_for(tmp_path_factory.mktemp("service"), max_pages=40)) as running:
        yield running


@pytest.fixture(scope="module")
def client(service: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=120) as made:
        yield made


def command_line(*arguments: str, capture: pytest.CaptureFixture[bytes]) -> bytes:
    assert run(["chunk", *arguments]) == 0
    return capture.readouterr().out


SLOW_SAMPLES = [pytest.param(n, marks=pytest.mark.slow) for n in ("report.pdf", "report-scan.pdf", "letter.jpg")]


@pytest.mark.parametrize("name", ["contract.pdf", "transcript.txt", *SLOW_SAMPLES])
def test_a_sample_gives_the_bytes_of_the_command_line(
    client: httpx.Client, name: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    expected = command_line(str(SAMPLES / name), capture=capfdbinary)
    answer = client.post("/v1/chunk", files={"file": (name, (SAMPLES / name).read_bytes())})
    assert answer.status_code == 200
    assert answer.content == expected
    assert answer.headers["content-type"] == "application/x-ndjson"


@pytest.mark.parametrize("form", ["json", "md", "preview", pytest.param("html", marks=pytest.mark.slow)])
def test_options_and_formats_are_those_of_the_command_line(
    client: httpx.Client, form: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = SAMPLES / "contract.pdf" if form == "html" else tmp_path / "text.md"
    if form != "html":
        path.write_text(TEXT)
    options = ["--max-tokens", "80", "--target-tokens", "60", "--embed-text", "--overlap", "5", "--tokenizer", "chars"]
    expected = command_line(str(path), *options, "--format", form, capture=capfdbinary)
    query = {"max_tokens": 80, "target_tokens": 60, "embed_text": True, "overlap": 5, "tokenizer": "chars"}
    files = {"file": (path.name, path.read_bytes())}
    answer = client.post("/v1/chunk", params=query | {"format": form}, files=files)
    assert answer.content == expected


def test_text_and_documents_are_bodies_too(client: httpx.Client) -> None:
    chunker = Chunker.load()
    for media_type, body, name in (
        ("text/plain", TEXT.encode(), "-"),
        ("text/markdown", TEXT.encode(), "-.md"),
        ("application/json", render_document(ingest(TEXT.encode(), name="x.md")), "-.json"),
    ):
        expected = render("jsonl", (d := ingest(body, name=name)), chunker.chunk(d))
        answer = client.post("/v1/chunk", content=body, headers={"Content-Type": media_type})
        assert answer.content == expected, media_type
    named = client.post("/v1/chunk?name=n.md", content=TEXT.encode(), headers={"Content-Type": "text/plain"})
    assert json.loads(named.text.splitlines()[0])["doc"] == "n.md"


def test_thirty_two_clients_at_once_get_what_each_gets_alone(client: httpx.Client) -> None:
    chunker = Chunker.load()
    texts = {
        f"{n}.md": f"# Part {n}\n\n" + "".join(f"Sentence {i} of {n}.\n\n" for i in range(n)) for n in range(1, 33)
    }
    alone = {
        name: render("jsonl", (d := ingest(text.encode(), name=name)), chunker.chunk(d, ChunkOptions(max_tokens=60)))
        for name, text in texts.items()
    }

    def ask(name: str) -> bytes:
        while True:
            answer = client.post("/v1/chunk?max_tokens=60", files={"file": (name, texts[name].encode())})
            if answer.status_code != 429:
                assert answer.status_code == 200
                return answer.content
            time.sleep(int(answer.headers["retry-after"]) / 10)

    with ThreadPoolExecutor(32) as pool:
        assert dict(zip(texts, pool.map(ask, texts), strict=True)) == alone


def test_every_answer_says_which_request_and_which_model(client: httpx.Client, service: Running) -> None:
    for path in ("/livez", "/readyz", "/metrics", "/v1/models", "/nowhere", "/"):
        answer = client.get(path, headers={"X-Request-Id": "mine-1"})
        assert answer.headers["x-request-id"] == "mine-1"
        assert answer.headers["docalign-model"] == service.service.models.version
    assert client.get("/livez", headers={"X-Request-Id": "not an id"}).headers["x-request-id"] != "not an id"


@pytest.mark.parametrize(
    ("body", "headers", "query", "status", "error"),
    [
        (b"", {"Content-Type": "text/plain"}, {}, 422, "EmptyInputError"),
        (b"x", {"Content-Type": "video/mp4"}, {}, 415, "UnsupportedFormatError"),
        (b"%PDF-1.4 garbage", {"Content-Type": "application/pdf"}, {}, 422, "DamagedInputError"),
        (b"{}", {"Content-Type": "application/json"}, {}, 422, "InvalidDocumentError"),
        (b"x", {"Content-Type": "text/plain"}, {"max_tokens": 0}, 400, "UsageError"),
        (b"x", {"Content-Type": "text/plain"}, {"max_tokns": 5}, 400, "UsageError"),
        (b"x", {"Content-Type": "text/plain"}, {"max_tokens": 5, "target_tokens": 9}, 400, "UsageError"),
        (b"x", {"Content-Type": "text/plain"}, {"tokenizer": "/etc/passwd"}, 400, "UsageError"),
        (b"x", {"Content-Type": "text/plain"}, {"languages": "xyz"}, 400, "UsageError"),
        (b"no form", {"Content-Type": "multipart/form-data"}, {}, 400, "UsageError"),
        (b"no form", {"Content-Type": "multipart/form-data; boundary=x"}, {}, 400, "UsageError"),
    ],
)
def test_what_cannot_be_done_is_a_problem_with_a_name(
    client: httpx.Client, body: bytes, headers: dict[str, str], query: dict[str, str], status: int, error: str
) -> None:
    answer = client.post("/v1/chunk", content=body, headers=headers, params=query)
    problem = answer.json()
    assert (answer.status_code, problem["error"]) == (status, error)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["detail"]


def test_unknown_addresses_and_methods_are_problems(client: httpx.Client) -> None:
    for answer, status in ((client.get("/v1/nothing"), 404), (client.delete("/v1/chunk"), 405)):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


def test_pages_beyond_the_bound_are_refused_and_sent_to_jobs(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, max_pages=1)) as running:
        path = SAMPLES / "report.pdf"
        answer = httpx.post(f"{running.url}/v1/chunk", files={"file": (path.name, path.read_bytes())}, timeout=60)
        assert answer.status_code == 413
        assert answer.json()["error"] == "LimitExceededError"


def raw(url: str, head: str, body: bytes = b"") -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=30)
    connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
    return connection


def test_a_body_too_long_is_refused_before_it_is_sent(service: Running) -> None:
    head = "POST /v1/chunk HTTP/1.1\nHost: x\nContent-Type: text/plain\nContent-Length: 99999999999"
    with raw(service.url, head) as connection:
        assert b" 413 " in connection.recv(1000)


def test_a_body_that_hides_its_length_is_cut_off(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, max_upload_mib=1)) as running:

        def pieces() -> Iterator[bytes]:
            for _ in range(40):
                yield b"word " * 20_000

        headers = {"Content-Type": "text/plain"}
        answer = httpx.post(f"{running.url}/v1/chunk", content=pieces(), headers=headers, timeout=60)
        assert answer.status_code == 413


def test_a_client_that_hangs_up_leaves_no_work_behind(service: Running) -> None:
    body = b"".join(b"Paragraph %d says something of its own.\n\n" % i for i in range(20_000))
    head = f"POST /v1/chunk HTTP/1.1\nHost: x\nContent-Type: text/plain\nContent-Length: {len(body)}"
    before = service.service.metrics.tokens._value.get()
    connection = raw(service.url, head, body)
    wait_for(lambda: service.service.metrics.tokens._value.get() > before)
    connection.close()
    wait_for(lambda: service.service.admission.requests == 0)
    assert service.service.metrics.gone._value.get() >= 1
    current = service.service.models.current
    assert current is not None
    assert current.batcher.waiting_tokens == 0


def wait_for(condition: object, timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def test_what_takes_longer_than_it_may_is_told_so_and_a_job_ends(tmp_path: Path) -> None:
    text = b"A paragraph of some words.\n\n" * 4000
    with (
        serving(settings_for(tmp_path, request_timeout_s=0.5, job_timeout_s=0.5)) as running,
        httpx.Client(base_url=running.url, timeout=120) as client,
    ):
        answer = client.post("/v1/chunk", content=text, headers={"Content-Type": "text/plain"})
        assert (answer.status_code, answer.json()["error"]) == (413, "LimitExceededError")
        job = client.post("/v1/jobs", content=text, headers={"Content-Type": "text/plain"}).json()["id"]
        end = time.monotonic() + 60
        while (seen := client.get(f"/v1/jobs/{job}").json())["state"] != "failed":
            assert time.monotonic() < end, seen
            time.sleep(0.05)
        assert (seen["error"]["error"], seen["attempts"]) == ("LimitExceededError", 1)


def test_a_full_queue_says_when_to_come_again_and_loses_nobody(tmp_path: Path) -> None:
    with serving(settings_for(tmp_path, active_requests=2)) as running, httpx.Client(timeout=60) as client:
        body = b"".join(b"Paragraph %d says something.\n\n" % i for i in range(30))

        def ask(_: int) -> httpx.Response:
            return client.post(f"{running.url}/v1/chunk", content=body, headers={"Content-Type": "text/plain"})

        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(ask, range(32)))
    codes = [a.status_code for a in answers]
    assert set(codes) == {200, 429}
    assert all(1 <= int(a.headers["retry-after"]) <= 60 for a in answers if a.status_code == 429)
    assert len({a.content for a in answers if a.status_code == 200}) == 1


def test_readiness_tells_the_truth_about_disk_and_model(
    service: Running, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/readyz").json()["status"] == "ok"
    monkeypatch.setattr("service.disk.tempfile.gettempdir", lambda: "/nowhere")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "temporary folder" in answer.json()["checks"]["disk"]
    monkeypatch.undo()
    monkeypatch.setattr(service.service.models.current.batcher, "_broken_since", time.monotonic())  # type: ignore[union-attr]
    assert client.get("/readyz").json()["checks"]["model"] == "the engine failed"
    answer = client.post("/v1/chunk", content=b"x", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert client.get("/livez").status_code == 200


def test_a_model_is_swapped_while_requests_run(service: Running, client: httpx.Client) -> None:
    old = service.service.models.current
    stop, codes = threading.Event(), list[int]()

    def ask() -> None:
        while not stop.is_set():
            answer = client.post("/v1/chunk", content=TEXT.encode(), headers={"Content-Type": "text/plain"})
            codes.append(answer.status_code)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        assert client.put("/v1/models/current", json={"name": None}).status_code == 200
        assert service.service.models.current is not old
        assert client.put("/v1/models/current", json={"name": "../../etc"}).status_code == 404
    finally:
        stop.set()
        thread.join()
    assert set(codes) == {200}
    models = client.get("/v1/models").json()["models"]
    assert [m["name"] for m in models if m["current"]] == ["docalign-smollm2-16l"]


def test_a_model_that_cannot_be_loaded_leaves_the_old_one(
    service: Running, client: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = service.service.models.current
    (tmp_path / "docalign.json").write_text("{}")
    monkeypatch.setattr(service.service.models, "_path", str(tmp_path))
    answer = client.put("/v1/models/current", json={"name": None})
    assert (answer.status_code, answer.json()["error"]) == (503, "ModelIncompatibleError")
    assert service.service.models.current is old


def test_metrics_count_and_name_nothing(client: httpx.Client) -> None:
    client.post("/v1/chunk", files={"file": ("secret-name.md", TEXT.encode())})
    text = client.get("/metrics").text
    assert 'docalign_requests_total{method="POST",route="/v1/chunk",status="200"}' in text
    assert "docalign_padding_tokens_total" in text
    assert "secret-name" not in text


def test_logs_hold_no_text_and_no_names(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "docalign.service")
    client.post("/v1/chunk", files={"file": ("secret-name.md", b"Confidential words here.")})
    client.post("/v1/chunk", files={"file": ("secret-name.pdf", b"%PDF-1.4 Confidential")})
    assert "/v1/chunk" in caplog.text
    assert "onfidential" not in caplog.text
    assert "secret-name" not in caplog.text


def test_an_unforeseen_error_is_a_problem_without_a_traceback(
    service: Running, client: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    said = " ".join(["secret", "words"])

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError(said)

    monkeypatch.setattr(service.service.work, "do", fail)
    answer = client.post("/v1/chunk", content=b"x", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret words" not in answer.text
    assert "secret words" not in caplog.text


def test_feedback_names_what_was_returned(client: httpx.Client) -> None:
    answer = client.post("/v1/chunk", content=TEXT.encode(), headers={"Content-Type": "text/markdown"})
    chunk = json.loads(answer.text.splitlines()[0])["id"]
    said = client.post("/v1/feedback", json={"chunk_id": chunk, "up": True, "comment": "not kept"})
    assert said.status_code == 200
    assert said.json()["chunking_id"] == answer.headers["docalign-chunking"]
    assert said.json()["comment_kept"] is False
    half = client.post(
        "/v1/feedback", content=b'{"chunk_id": "\\ud800", "up": true}', headers={"Content-Type": "application/json"}
    )
    assert (half.status_code, half.json()["error"]) == (422, "FeedbackError")
    unknown = client.post("/v1/feedback", json={"chunk_id": "0" * 16, "up": True})
    assert (unknown.status_code, unknown.json()["error"]) == (404, "UnknownItemError")
