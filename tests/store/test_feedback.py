"""Feedback after deployment: only about what was returned, text only where it may be kept, clear refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient

from docalign.errors import DocalignError
from docalign.feedback import store as feedback
from docalign.feedback.tables import METADATA
from docalign.feedback.values import Chunking
from docalign.feedback.web.feedback_routes import feedback_router
from docalign.store import Database
from tests.support.rankings import client_id, letter


def returned(store: Database, *, keep_text: bool = True) -> list[Chunking]:
    """Two chunkings of letter 0 and one of letter 1, as the service would remember them."""
    made = []
    for name, number, starts in (("chunking-a", 0, (0, 4)), ("chunking-b", 0, (0, 2, 4)), ("chunking-c", 1, (0, 4))):
        document = letter(number)
        chunks = tuple(f"{name}-{s}" for s in starts)
        new = Chunking(name, document.sha256, len(document.blocks), starts, chunks, "model 1", 300, 512)
        made.append(feedback.remember_chunking(store, new, document, keep_text=keep_text))
    return made


@pytest.fixture
def client(store: Database) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(feedback_router(lambda: store, keep_text=True, who=lambda request: "key 7"))

    @app.exception_handler(DocalignError)
    def answer(_: Request, error: DocalignError) -> JSONResponse:
        return JSONResponse(error.as_json(), error.http_status)

    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


def test_thumbs_rankings_and_corrections_are_stored_once(store: Database, client: TestClient) -> None:
    returned(store)
    bodies: list[dict[str, Any]] = [
        {"id": client_id(), "chunking_id": "chunking-a", "up": True, "comment": "good"},
        {"id": client_id(), "chunk_id": "chunking-b-2", "up": False},
        {"id": client_id(), "ranking": [["chunking-b"], ["chunking-a"]]},
        {"id": client_id(), "document_sha256": letter(1).sha256, "starts": [0, 1, 4], "simulated": True},
    ]
    for body in bodies + bodies:
        answer = client.post("/v1/feedback", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["id"] == body["id"]
    stored = feedback.list_feedback(store)
    assert [(f.chunking_id, f.kind, f.by, f.simulated) for f in stored] == [
        ("chunking-a", "thumbs", "key 7", False),
        ("chunking-b", "thumbs", "key 7", False),
        ("chunking-b", "ranking", "key 7", False),
        ("chunking-c", "starts", "key 7", True),
    ]
    assert (stored[0].comment, stored[2].ranking, stored[3].starts) == (
        "good", (("chunking-b",), ("chunking-a",)), (0, 1, 4)
    )  # fmt: skip


BAD: dict[str, tuple[dict[str, Any], int]] = {
    "unknown chunking": ({"chunking_id": "nothing-here", "up": True}, 404),
    "unknown chunk": ({"chunk_id": "nothing-here", "up": True}, 404),
    "unknown document": ({"document_sha256": "0" * 64, "up": True}, 404),
    "chunk of another chunking": ({"chunking_id": "chunking-a", "chunk_id": "chunking-c-0", "up": True}, 404),
    "nothing named": ({"up": True}, 422),
    "nothing said": ({"chunking_id": "chunking-a"}, 422),
    "two things said": ({"chunking_id": "chunking-a", "up": True, "starts": [0]}, 422),
    "starts beyond the end": ({"chunking_id": "chunking-a", "starts": [0, 8]}, 422),
    "starts without 0": ({"chunking_id": "chunking-a", "starts": [1]}, 422),
    "starts that are no numbers": ({"chunking_id": "chunking-a", "starts": ["0"]}, 422),
    "ranking of one": ({"ranking": [["chunking-a"]]}, 422),
    "ranking of two documents": ({"ranking": [["chunking-a"], ["chunking-c"]]}, 422),
    "ranked twice": ({"ranking": [["chunking-a"], ["chunking-a", "chunking-b"]]}, 422),
    "ranking of others": ({"chunking_id": "chunking-c", "ranking": [["chunking-a"], ["chunking-b"]]}, 422),
    "empty ranking": ({"chunking_id": "chunking-a", "ranking": []}, 422),
    "unknown field": ({"chunking_id": "chunking-a", "up": True, "thumb": 1}, 422),
    "odd id": ({"id": "<script>", "chunking_id": "chunking-a", "up": True}, 422),
    "long comment": ({"chunking_id": "chunking-a", "up": True, "comment": "x" * 20_000_000}, 413),
    "half a pair in a chunking": ({"chunking_id": "\ud800", "up": True}, 422),
    "half a pair in a chunk": ({"chunk_id": "\ud800", "up": True}, 422),
    "half a pair in a hash": ({"document_sha256": "\ud800", "up": True}, 422),
    "half a pair in a ranking": ({"ranking": [["\ud800"], ["chunking-b"]]}, 422),
    "NUL in a chunk": ({"chunk_id": "a\x00", "up": True}, 422),
    "NUL in comment": ({"chunking_id": "chunking-a", "up": True, "comment": "a\x00b"}, 422),
}


def test_what_cannot_be_stored_is_refused_and_nothing_is_stored(store: Database, client: TestClient) -> None:
    returned(store)
    for case, (body, status) in BAD.items():
        answer = client.post("/v1/feedback", content=json.dumps(body), headers={"Content-Type": "application/json"})
        assert answer.status_code == status, (case, answer.text)
        assert len(answer.text) < 2000, case
    assert feedback.list_feedback(store) == []


def test_an_id_that_is_taken_is_a_conflict(store: Database, client: TestClient) -> None:
    returned(store)
    body = {"id": client_id(), "chunking_id": "chunking-a", "up": True}
    assert client.post("/v1/feedback", json=body).status_code == 200
    assert client.post("/v1/feedback", json=body | {"up": False}).status_code == 409
    assert [f.up for f in feedback.list_feedback(store)] == [True]


def test_what_was_returned_to_one_tenant_is_unknown_to_the_others(store: Database) -> None:
    app = FastAPI()
    app.include_router(feedback_router(lambda: store, tenant=lambda request: request.headers.get("tenant")))

    @app.exception_handler(DocalignError)
    def answer(_: Request, error: DocalignError) -> JSONResponse:
        return JSONResponse(error.as_json(), error.http_status)

    returned(store)  # before there were tenants: nobody's
    document = letter(0)
    for name, starts, tenants in (("chunking-ann", (0, 4), ("ann",)), ("chunking-both", (0, 2), ("ann", "bob"))):
        chunks = tuple(f"{name}-{s}" for s in starts)
        new = Chunking(name, document.sha256, len(document.blocks), starts, chunks, "model 1", 300, 512)
        for tenant in tenants:
            feedback.remember_chunking(store, new, tenant=tenant)
            feedback.remember_chunking(store, new, tenant=tenant)

    def said(tenant: str, **about: Any) -> int:
        body = about if "ranking" in about else about | {"up": True}
        return client.post("/v1/feedback", json=body, headers={"tenant": tenant}).status_code

    with TestClient(app) as client:
        about: list[dict[str, Any]] = [
            {"chunking_id": "chunking-ann"}, {"chunk_id": "chunking-ann-4"},
            {"ranking": [["chunking-both"], ["chunking-ann"]]}, {"ranking": [["chunking-ann"], ["chunking-both"]]},
        ]  # fmt: skip
        assert [said("ann", **a) for a in about] == [200] * 4
        assert [said("bob", **a) for a in about] == [404] * 4
        assert said("bob", chunk_id="chunking-both-2") == 200
        assert [said(t, document_sha256=document.sha256) for t in ("ann", "bob", "eve")] == [200, 200, 404]
        assert said("ann", chunking_id="chunking-a") == 404
        unknown = client.post(
            "/v1/feedback", json={"chunking_id": "chunking-ann", "up": True}, headers={"tenant": "eve"}
        )
        assert unknown.json()["what"] == "there is no chunking chunking-ann."


def test_no_text_is_kept_unless_the_operator_says_so(store: Database) -> None:
    returned(store, keep_text=False)
    app = FastAPI()
    app.include_router(feedback_router(lambda: store))
    with TestClient(app) as client:
        body = {"chunking_id": "chunking-a", "up": False, "comment": "my secret"}
        assert client.post("/v1/feedback", json=body).json()["comment_kept"] is False
    assert feedback.list_documents(store) == []
    with store.reading() as connection:
        rows = [str(row) for table in METADATA.sorted_tables for row in connection.execute(table.select())]
    assert rows
    assert not any("secret" in row or "of letter" in row for row in rows)


def test_deleting_a_document_deletes_chunkings_and_feedback(store: Database, client: TestClient) -> None:
    for keep in (True, False):
        returned(store, keep_text=keep)
        assert client.post("/v1/feedback", json={"chunking_id": "chunking-a", "up": True}).status_code == 200
        assert client.post("/v1/feedback", json={"ranking": [["chunking-b"], ["chunking-a"]]}).status_code == 200
        assert client.post("/v1/feedback", json={"chunking_id": "chunking-c", "up": True}).status_code == 200
        feedback.delete_document(store, letter(0).sha256)
        assert [f.chunking_id for f in feedback.list_feedback(store)] == ["chunking-c"]
        assert list(feedback.list_chunkings(store)) == ["chunking-c"]
        feedback.delete_document(store, letter(1).sha256)
