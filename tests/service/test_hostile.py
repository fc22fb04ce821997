"""Files made to hurt: each ends in a named error, and the next request is served as if nothing had been."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from docalign.config import IngestSettings
from tests.support.serving import Running, serving, settings_for


def pdf(*objects: bytes) -> bytes:
    """A PDF of these objects, numbered from 1; the first is the catalogue."""
    data, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return data + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
        % (size, table, size, len(data))
    )


def one_page(content: bytes, more: bytes = b"") -> bytes:
    return pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d%s>>stream\n%s\nendstream" % (len(content), more, content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )


BOMB = zlib.compress(zlib.compress(b"q " * (400 << 20 >> 1), 9), 9)
HOSTILE = {
    "memory": one_page(BOMB, b"/Filter[/FlateDecode/FlateDecode]"),
    "loop": one_page(b"BT /F1 12 Tf 72 700 Td " + b"(x) Tj 0 -1 Td " * 400_000 + b"ET"),
    "tree": pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R]/Count 999999>>"),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = settings_for(tmp_path_factory.mktemp("hostile"))
    small = IngestSettings(workers=2, use_cache=False, page_timeout_s=8.0, worker_memory_mib=700)
    with serving(replace(settings, ingest=small)) as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_an_error_of_its_own(service: Running, kind: str) -> None:
    with httpx.Client(base_url=service.url, timeout=120) as client:
        answer = client.post("/v1/chunk", files={"file": (f"{kind}.pdf", HOSTILE[kind])})
        assert answer.status_code in (200, 413, 422), answer.text
        if answer.status_code != 200:
            assert answer.json()["error"] in (
                "LimitExceededError",
                "PageTimeoutError",
                "DamagedInputError",
                "EmptyInputError",
            )
        assert client.post("/v1/chunk", files={"file": ("ok.txt", b"Words.")}).status_code == 200
        assert client.get("/readyz").status_code == 200
