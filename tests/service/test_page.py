"""The page at `/` in a real browser: drop a file, watch it, see its chunks over its pages; nothing from elsewhere."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.serving import Running, serving, settings_for

SAMPLES = Path(__file__).parents[2] / "data" / "samples"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(settings_for(tmp_path_factory.mktemp("page"))) as running:
        yield running


def test_the_policy_allows_nothing_from_elsewhere(service: Running) -> None:
    answer = httpx.get(service.url)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "<script>" not in answer.text
    assert "style=" not in answer.text
    for name in ("page.js", "page.css"):
        assert httpx.get(f"{service.url}/static/{name}").status_code == 200
    assert httpx.get(f"{service.url}/static/__init__.py").status_code == 404


def test_the_policy_allows_the_view_that_the_page_shows(service: Running) -> None:
    """The frame inherits the policy: the style and script of the view must be in it as they are."""
    policy = httpx.get(service.url).headers["content-security-policy"]
    headers = {"Content-Type": "text/plain"}
    view = httpx.post(f"{service.url}/v1/chunk?format=html", content=b"Words.", headers=headers, timeout=60).text
    named = set(re.findall(r"'sha256-[^']+'", view))
    assert len(named) == 2
    assert named <= set(policy.replace(";", "").split())


def test_the_api_is_described_without_anything_from_elsewhere(service: Running) -> None:
    answer = httpx.get(f"{service.url}/docs")
    assert answer.headers["content-security-policy"] == httpx.get(service.url).headers["content-security-policy"]
    assert not re.search(r"<script|style=|\son\w+=|(src|href)=.(https?:)?//", answer.text)
    described = httpx.get(f"{service.url}/openapi.json").json()
    for path, operations in described["paths"].items():
        for method in operations:
            assert f"<h2><code>{method.upper()} {path}</code></h2>" in answer.text
    for name in ("max_tokens", "application/x-ndjson", "Authorization: Bearer"):
        assert name in answer.text
    links = set(re.findall(r'href="#([^"]+)"', answer.text))
    assert links <= set(re.findall(r'id="([^"]+)"', answer.text))


def test_text_of_the_description_stays_text() -> None:
    from service.page.api import api_page

    hostile = {"description": "<script>alert(1)</script> `<b>`", "summary": "a & b", "responses": {"200": {}}}
    page = api_page({"info": {"title": "<i>", "version": "1"}, "paths": {'/"><x>': {"get": hostile}}})
    assert "<script>" not in page
    assert "<x>" not in page
    assert "<i>" not in page
    assert "<code>&lt;b&gt;</code>" in page


@pytest.fixture
def page(chromium: Any, service: Running) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    made = context.new_page()
    made.complaints = []
    made.on("console", lambda message: made.complaints.append(message.text) if message.type == "error" else None)
    made.on(
        "request",
        lambda r: None if r.url.startswith((service.url, "data:", "blob:")) else made.complaints.append(r.url),
    )
    made.goto(service.url)
    yield made
    context.close()


def test_a_file_becomes_chunks_over_its_pages(page: Any) -> None:
    page.get_by_text("ready", exact=True).wait_for(timeout=60_000)
    page.set_input_files("#file", str(SAMPLES / "contract.pdf"))
    page.wait_for_selector("#view:not([hidden])", timeout=120_000)
    frame = page.frame_locator("#view")
    frame.locator("figure.page svg a.region").first.wait_for(timeout=30_000)
    assert frame.locator("figure.page img").count() >= 1
    assert "chunks on" in page.inner_text("#stage")
    frame.locator("#cards").first.wait_for()
    assert page.complaints == []
    if shots := os.environ.get("DOCALIGN_TEST_SHOTS"):
        page.screenshot(path=f"{shots}/page.png")


def test_a_file_that_cannot_be_read_says_why(page: Any) -> None:
    files = [{"name": "bad.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 garbage"}]
    page.set_input_files("#file", files)
    page.wait_for_selector("#problem:not([hidden])", timeout=60_000)
    assert page.inner_text("#problem").strip()
    assert page.is_hidden("#view")


def test_the_page_of_the_api_shows_under_its_policy(page: Any, service: Running) -> None:
    page.goto(f"{service.url}/docs")
    page.click("a[href='#post-v1-chunk']")
    assert page.locator("#post-v1-chunk h2").is_visible()
    assert page.complaints == []


def test_stopping_forgets_the_file(page: Any, service: Running) -> None:
    page.set_input_files("#file", [{"name": "a.md", "mimeType": "text/markdown", "buffer": b"# Hello\n\nWords.\n"}])
    page.wait_for_selector("#view:not([hidden])", timeout=60_000)
    with page.expect_response(lambda r: r.request.method == "DELETE") as gone:
        page.click("#cancel")
    assert gone.value.status == 204
    page.wait_for_selector("#work", state="hidden")


def test_it_can_be_used_with_the_keyboard_alone(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") in ("drop", "file")
    with page.expect_file_chooser():
        page.focus("#drop")
        page.keyboard.press("Enter")
