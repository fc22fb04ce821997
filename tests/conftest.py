"""What every test may use: a tokenizer file made on the spot, a browser, and Hypothesis profiles without deadlines.

`DOCALIGN_TEST_FULL=1` (set by `make test-full`) runs 2,000 examples a property in place of 150.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.policies import bpe_tokenizer

_NUMBERS = count()
_CHROMIUM_ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
_QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large)
settings.register_profile("quick", max_examples=150, deadline=None, derandomize=True, suppress_health_check=_QUIET)
settings.register_profile("full", max_examples=2000, deadline=None, suppress_health_check=_QUIET)
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # Shells start background jobs with Ctrl-C ignored, and every process a test starts would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.load_profile("full" if os.environ.get("DOCALIGN_TEST_FULL") == "1" else "quick")


@pytest.fixture(scope="session")
def tokenizer_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `tokenizer.json` of a small byte-level BPE; nothing is downloaded."""
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    bpe_tokenizer().save(str(path))
    return path


@pytest.fixture
def quick_model(tokenizer_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`Chunker.load` gives a chunker around an engine of hashes, which costs nothing."""
    from docalign.chunker.chunker import Chunker
    from tests.support.policies import stand_in_chunker

    def load(cls: type[Chunker], path: Any = None, **_: Any) -> Chunker:
        return stand_in_chunker(tokenizer_path)

    monkeypatch.setattr(Chunker, "load", classmethod(load))


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test uses the user's cache, nor what another test left in one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / f"cache-{next(_NUMBERS)}"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright; tests that ask for it skip by name where there is none.

    For one module only: while Playwright runs, no test in this process can run an event loop of its own.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: the extra `dev`")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_CHROMIUM_ARGS)
        yield browser
        browser.close()
