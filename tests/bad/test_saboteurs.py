"""Readers and engines that misbehave: a named error or a retried page, and the rest of the file is read."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from docalign import errors
from docalign.document import Document
from docalign.ingest import IngestOptions, WorkerPool, ingest, plugins
from tests.support.files import make_pdf, stream, text_pdf
from tests.support.readers import ROTTEN
from tests.unit.test_pool import gone, wait_for


@pytest.fixture(autouse=True)
def rotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "load", lambda: plugins.Plugins((ROTTEN,)))


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(2) as opened:
        yield opened


def read(pool: WorkerPool, *acts: str, **options: object) -> Document:
    data = "\n".join(acts).encode()
    return ingest(data, name="a.rotten", pool=pool, options=IngestOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("act", "said", "options"),
    [
        ("crash", "crashed (exit status 17)", {}),
        ("abort", "2048 MiB a worker may have", {}),
        ("hang", "longer than 2 s", {"page_timeout_s": 2.0}),
        ("raise", "ZeroDivisionError: sabotage", {}),
        ("fill:300", "200 MiB a worker may have. Raise worker_memory_mib", {"worker_memory_mib": 200}),
        ("bad_alloc", "2048 MiB a worker may have. Raise worker_memory_mib", {}),
        ("ocr-fail", "out of order", {}),
        ("garbage", "", {}),
    ],
)
def test_a_bad_page_is_named_and_the_others_are_read(
    pool: WorkerPool, act: str, said: str, options: dict[str, object]
) -> None:
    document = read(pool, "first", act, "third", **options)
    assert document.text.split() == ["first", "third"]
    (warning,) = document.warnings
    assert warning.startswith("page 2: ")
    assert said in warning
    sizes = [(page.width, page.height) for page in document.pages]
    assert sizes == [(100.0, 500.0), (612.0, 792.0) if act == "abort" else (200.0, 500.0), (300.0, 500.0)]


def test_strict_makes_a_bad_page_the_files_error(pool: WorkerPool) -> None:
    with pytest.raises(errors.DamagedInputError) as caught:
        read(pool, "first", "crash", "third", strict=True)
    assert caught.value.source == "a.rotten"
    assert caught.value.what.startswith("page 2: the reader crashed")
    with pytest.raises(errors.PageTimeoutError, match="page 1: it took longer"):
        read(pool, "hang", strict=True, page_timeout_s=1.0)
    assert read(pool, "first", strict=True).text == "first"


def test_a_page_that_fails_once_is_read_at_the_second_try(pool: WorkerPool, tmp_path: Path) -> None:
    document = read(pool, "first", f"once:{tmp_path / 'a'}", f"ocr-once:{tmp_path / 'b'}", "last", strict=True)
    assert document.warnings == ()
    assert len(document.pages) == 4


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        ("open crash", errors.DamagedInputError),
        ("open hang", errors.PageTimeoutError),
        ("open fill:300", errors.LimitExceededError),
        ("open refuse", errors.EmptyInputError),
    ],
)
def test_a_crash_while_opening_is_the_files_error(pool: WorkerPool, act: str, kind: type[errors.DocalignError]) -> None:
    with pytest.raises(kind) as caught:
        read(pool, act, "second", page_timeout_s=3.0, worker_memory_mib=200)
    assert type(caught.value) is kind
    assert caught.value.source


def test_a_page_with_an_endless_answer_is_a_limit(pool: WorkerPool) -> None:
    document = read(pool, "first", "babble:3", "third", worker_output_mib=1)
    assert document.text.split() == ["first", "third"]
    assert "page 2: it gives 3 MiB" in document.warnings[0]
    assert "worker_output_mib" in document.warnings[0]


def bomb_pdf(*, picture_mib: int = 0, content_mib: int = 0) -> bytes:
    """A page whose picture or whose drawing commands unpack to so much."""
    picture = zlib.compress(bytes(picture_mib << 20), 9)
    content = zlib.compress(b"q 612 0 0 792 0 0 cm /I1 Do Q " + b"BT (word) Tj ET " * (content_mib << 16), 9)
    side = 1 << 15
    entries = b"/Type/XObject/Subtype/Image/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode"
    return make_pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</XObject<</I1 5 0 R>>>>/Contents 4 0 R>>",
            stream(content, b"/Filter/FlateDecode"),
            stream(picture, entries + b"/Width %d/Height %d" % (side, (picture_mib << 20) // side)),
        ]
    )


def bomb_tiff(side: int, pages: int) -> bytes:
    buffer = io.BytesIO()
    images = [Image.new("1", (side, side), 1) for _ in range(pages)]
    images[0].save(buffer, "TIFF", compression="group4", save_all=True, append_images=images[1:])
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("picture.pdf", lambda: bomb_pdf(picture_mib=256), "32768 × 8192 pixels"),
        ("content.pdf", lambda: bomb_pdf(content_mib=512), ""),
        ("fax.tiff", lambda: bomb_tiff(9900, 2), "300 MiB"),
    ],
)
def test_a_bomb_ends_in_a_named_error_within_its_limits(pool: WorkerPool, name: str, data, said: str) -> None:  # type: ignore[no-untyped-def]
    packed = data()
    assert len(packed) < 2 << 20
    with pytest.raises(errors.DocalignError) as caught:
        ingest(packed, name=name, pool=pool, options=IngestOptions(worker_memory_mib=300, page_timeout_s=15.0))
    assert caught.value.remedy
    assert said in caught.value.what
    assert max(peaks_mib(), default=0) < 450


def peaks_mib() -> Iterator[float]:
    """The largest resident size that each child process still living has had."""
    for listed in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # threads and processes come and go
            for pid in listed.read_text().split():
                for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith("VmHWM"):
                        yield int(line.split()[1]) / 1024


def test_a_full_temporary_folder_is_a_named_error(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.RawIOBase):
        name = "/tmp/none"

        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("docalign.ingest.source.tempfile.NamedTemporaryFile", lambda **_: Full())
    with pytest.raises(errors.OutputError, match="No space left") as caught:
        ingest(text_pdf(["words"]), name="a.pdf", pool=pool)
    assert "TMPDIR" in caught.value.remedy


def test_no_temporary_folder_is_a_named_error(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent/folder")
    with pytest.raises(errors.OutputError, match="No such file"):
        ingest(text_pdf(["words"]), name="a.pdf", pool=pool)


def test_a_killed_parent_leaves_no_worker_mid_page(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    (tmp_path / "a.rotten").write_text(f"first\nhold:{marker}")
    code = (
        "from docalign.ingest import ingest, plugins\n"
        "from tests.support.readers import ROTTEN\n"
        "plugins.load = lambda: plugins.Plugins((ROTTEN,))\n"
        f"ingest({str(tmp_path / 'a.rotten')!r})\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    wait_for(marker.exists)
    worker = int(marker.read_text())
    assert not gone(worker)
    parent.kill()
    parent.wait()
    wait_for(lambda: gone(worker))
