"""The page cache: the second reading is the first one's page, and nothing that happens to the cache costs a file."""

from __future__ import annotations

import errno
import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docalign.errors import LimitExceededError
from docalign.ingest import IngestOptions, WorkerPool, ingest
from docalign.ingest.page import PageContent, TableArea, TextLine, Word
from docalign.ingest.pages import FileFacts
from docalign.ingest.work import cache as cache_module
from docalign.ingest.work import cache_key
from docalign.ingest.work.cache import PageCache, default_directory
from docalign.ingest.work.cache_key import PageKeys
from docalign.ingest.work.codec import decode, encode
from tests.support.files import encrypted_pdf, picture_of, scanned_pdf, text_pdf

PDF = text_pdf(*([f"Page {n} has a line of text that is long enough"] for n in range(1, 4)))


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(1) as opened:
        yield opened


class Counting(WorkerPool):
    """Counts the calls of each target."""

    def __init__(self) -> None:
        super().__init__(1)
        self.targets: list[str] = []

    def map(self, target, calls, *, limits):  # type: ignore[no-untyped-def]
        self.targets += [target.rpartition(":")[2]] * len(calls)
        return super().map(target, calls, limits=limits)


@pytest.fixture
def counting() -> Iterator[Counting]:
    with Counting() as opened:
        yield opened


def options(folder: Path, **more: object) -> IngestOptions:
    return IngestOptions(use_cache=True, cache_dir=str(folder), **more)  # type: ignore[arg-type]


def entries(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file())


def test_the_second_reading_asks_no_worker_and_gives_the_same_document(tmp_path: Path, counting: Counting) -> None:
    first = ingest(PDF, name="a.pdf", options=options(tmp_path), pool=counting)
    assert counting.targets == ["inspect_file", *["read_page"] * 3]
    assert ingest(PDF, name="a.pdf", options=options(tmp_path), pool=counting) == first
    assert ingest(PDF, name="a.pdf", pool=counting, options=options(tmp_path, workers=2, page_timeout_s=9.0)) == first
    assert len(counting.targets) == 4


def test_a_scan_from_the_cache_is_the_scan(tmp_path: Path, counting: Counting) -> None:
    data = scanned_pdf(picture_of(["A scanned line of text", "and another one"]))
    first = ingest(data, name="a.pdf", options=options(tmp_path), pool=counting)
    assert "scanned line" in first.text
    assert ingest(data, name="a.pdf", options=options(tmp_path), pool=counting) == first
    assert counting.targets.count("read_page") == 1


@pytest.mark.parametrize("change", [{"dpi": 150}, {"ocr": "never"}, {"languages": "eng+osd"}, {"max_pixels": 10**6}])
def test_other_options_are_another_page(tmp_path: Path, change: dict[str, object]) -> None:
    base = IngestOptions()
    assert PageKeys("ab", "r", base).of(0) != PageKeys("ab", "r", replace(base, **change)).of(0)  # type: ignore[arg-type]


def test_everything_a_page_depends_on_is_in_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    base = PageKeys("ab", "r", IngestOptions())
    assert base.of(0) == PageKeys("ab", "r", IngestOptions()).of(0)
    different = {base.of(0), base.of(1), base.of("facts"), PageKeys("ac", "r", IngestOptions()).of(0)}
    different.add(PageKeys("ab", "s", IngestOptions()).of(0))
    for name, value in [("_code", "other"), ("_versions", {"pypdfium2": "0"}), ("_trained_data", {"eng": "0"})]:
        with monkeypatch.context() as patch:
            patch.setattr(cache_key, name, lambda *_, value=value: value)
            different.add(PageKeys("ab", "r", IngestOptions()).of(0))
    assert len(different) == 8
    assert all(len(key) == 64 for key in different)


def test_trained_data_goes_in_by_its_bytes() -> None:
    data = cache_key._trained_data("eng")
    assert all(len(data[name]) == 64 for name in ("eng", "osd"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :],
        lambda data: b"\x00" * len(data),
    ],
    ids=["empty", "cut", "longer", "a bit", "zeros"],
)
def test_a_damaged_entry_is_read_anew_and_mended(tmp_path: Path, counting: Counting, damage) -> None:  # type: ignore[no-untyped-def]
    first = ingest(PDF, name="a.pdf", options=options(tmp_path), pool=counting)
    whole = {path: path.read_bytes() for path in entries(tmp_path)}
    assert len(whole) == 4
    for path, data in whole.items():
        path.write_bytes(damage(data))
    assert ingest(PDF, name="a.pdf", options=options(tmp_path), pool=counting) == first
    assert {path: path.read_bytes() for path in entries(tmp_path)} == whole


def test_an_entry_under_another_name_is_not_believed(tmp_path: Path) -> None:
    cache = PageCache(tmp_path, 64)
    cache.put("ab" + "0" * 62, FileFacts, FileFacts(1, ()))
    (path,) = entries(tmp_path)
    path.rename(path.with_name("1" * 62 + ".page"))
    assert cache.get("ab" + "1" * 62, FileFacts) is None


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_full_disk_costs_one_warning(
    tmp_path: Path, pool: WorkerPool, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(*_: object) -> None:
        raise OSError(code, "No space left on device")

    monkeypatch.setattr(cache_module, "_write", full)
    document = ingest(PDF, name="a.pdf", options=options(tmp_path), pool=pool)
    assert "Page 3" in document.text
    (warning,) = document.warnings
    assert "No space left on device" in warning
    assert str(tmp_path) not in warning


def test_a_folder_that_cannot_be_made_costs_one_warning(tmp_path: Path, pool: WorkerPool) -> None:
    (tmp_path / "file").write_text("in the way")
    document = ingest(PDF, name="a.pdf", options=options(tmp_path / "file" / "cache"), pool=pool)
    assert "Page 3" in document.text
    assert len(document.warnings) == 1


def test_what_a_password_protects_is_not_kept(tmp_path: Path, pool: WorkerPool) -> None:
    ingest(encrypted_pdf("sesame"), name="a.pdf", options=options(tmp_path, password="sesame"), pool=pool)
    assert entries(tmp_path) == []


def test_pages_that_failed_are_not_kept(tmp_path: Path, counting: Counting) -> None:
    broken = PDF.replace(b"/Kids[4 0 R 6 0 R 8 0 R]", b"/Kids[4 0 R 1 0 R 8 0 R]")
    for _ in range(2):
        ingest(broken, name="a.pdf", options=options(tmp_path), pool=counting)
    assert counting.targets.count("read_page") == 4


def test_a_lower_limit_of_pages_holds_for_cached_files_too(tmp_path: Path, pool: WorkerPool) -> None:
    ingest(PDF, name="a.pdf", options=options(tmp_path), pool=pool)
    with pytest.raises(LimitExceededError, match="3 pages"):
        ingest(PDF, name="a.pdf", options=options(tmp_path, max_pages=2), pool=pool)


def test_the_library_keeps_nothing_unless_asked(pool: WorkerPool) -> None:
    ingest(PDF, name="a.pdf", pool=pool)
    assert not default_directory().exists()
    ingest(PDF, name="a.pdf", pool=pool, options=IngestOptions(use_cache=True))
    assert len(entries(default_directory())) == 4
    assert default_directory().stat().st_mode & 0o077 == 0


def test_the_size_is_bounded_and_the_longest_unused_goes_first(tmp_path: Path) -> None:
    cache = PageCache(tmp_path, 1)  # 4 KiB for each of 256 subfolders
    keys = ["ab" + f"{n:062x}" for n in range(12)]
    facts = [FileFacts(n, tuple(str((n * 40 + i) * 0x9E3779B97F4A7C15 % 2**64) for i in range(40))) for n in range(12)]
    for n in range(12):
        cache.put(keys[n], FileFacts, facts[n])
        assert cache.get(keys[0], FileFacts) == facts[0], "used all the time, so it stays"
    assert sum(path.stat().st_size for path in entries(tmp_path)) <= 4096
    assert cache.get(keys[11], FileFacts) == facts[11]
    assert cache.get(keys[1], FileFacts) is None


def test_threads_may_write_and_read_the_same_entries(tmp_path: Path) -> None:
    keys = ["ab" + f"{n:062x}" for n in range(8)]
    wrong: list[object] = []

    def work() -> None:
        cache = PageCache(tmp_path, 1)
        for n, key in enumerate(keys * 20):
            facts = FileFacts(n % 8, ("x" * 300,))
            cache.put(key, FileFacts, facts)
            found = cache.get(key, FileFacts)
            if found not in (None, facts) or cache.problem:
                wrong.append((found, cache.problem))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert not [p for p in entries(tmp_path) if p.suffix != ".page"]


_TEXT = st.text(st.characters(), max_size=8) | st.sampled_from(["\ud800", "a\x00b", "👨‍👩‍👧"])
_FLOAT = st.floats(allow_nan=False, allow_infinity=False)
_BOX = st.tuples(_FLOAT, _FLOAT, _FLOAT, _FLOAT)
_WORD = st.builds(Word, _TEXT, _BOX, _FLOAT, st.booleans(), confidence=st.none() | _FLOAT)
_LINE = st.builds(TextLine, st.lists(_WORD, max_size=3).map(tuple), _BOX)
_ROWS = st.lists(st.lists(_TEXT, max_size=3).map(tuple), max_size=3).map(tuple)
_PAGE = st.builds(
    PageContent,
    st.integers(),
    _FLOAT,
    _FLOAT,
    _TEXT,
    lines=st.lists(_LINE, max_size=3).map(tuple),
    tables=st.lists(st.builds(TableArea, _BOX, _ROWS, st.lists(_BOX, max_size=2).map(tuple)), max_size=1).map(tuple),
    dropped=st.lists(st.tuples(_TEXT, _TEXT), max_size=2).map(tuple),
    error=st.none() | _TEXT,
)


@given(page=_PAGE)
def test_a_page_comes_back_as_it_was(page: PageContent) -> None:
    assert decode(PageContent, encode(PageContent, page)) == page


def test_values_that_cannot_be_kept_are_refused() -> None:
    page = PageContent(1, 612.0, 792.0, "text")
    with pytest.raises(ValueError):
        encode(PageContent, replace(page, width=math.nan))
    for data in (b"[", b"{}", b"[1]", encode(FileFacts, FileFacts(1, ())), b"NaN"):
        with pytest.raises(ValueError):
            decode(PageContent, data)
