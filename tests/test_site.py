"""The documentation's site builds without a warning, has every command, setting and error, and needs no other host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typer

from docalign import errors
from docalign.cli import app
from docalign.config import SECTIONS

pytest.importorskip("material", reason="mkdocs-material is not installed: the extra `docs`")
pytest.importorskip("mkdocstrings", reason="mkdocstrings is not installed: the extra `docs`")

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(out)],
        cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return out


class _Fetched(HTMLParser):
    """What a browser fetches by itself for a page, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self.links.append(given.get("href") or "")
        elif tag != "form":
            self.fetched += [value for name in ("src", "href") if (value := given.get(name))]


def pages(site: Path) -> Iterator[tuple[Path, _Fetched]]:
    for path in sorted(site.rglob("*.html")):
        parser = _Fetched()
        parser.feed(path.read_text("utf-8"))
        yield path, parser


def words(page: Path) -> str:
    """The text of a page, without markup."""
    return re.sub(r"<[^>]+>", "", page.read_text("utf-8"))


def test_a_page_fetches_from_its_own_host_only(site: Path) -> None:
    foreign = {link for _, page in pages(site) for link in page.fetched if re.match(r"(\w+:)?//", link)}
    assert foreign == set()


def test_links_to_files_of_the_repository_lead_to_copies(site: Path) -> None:
    for path, page in pages(site):
        if path.name == "404.html":  # it is shown at any address, so its links begin at the root
            continue
        for link in page.links:
            target = link.partition("#")[0]
            if target and not re.match(r"\w+:", target):
                assert (path.parent / target).exists(), f"{path.name}: {link}"


def test_the_reference_has_every_command_and_option(site: Path) -> None:
    text = words(site / "cli.html")

    def look(command: object, name: str) -> None:
        for key, below in getattr(command, "commands", {}).items():
            look(below, f"{name} {key}")
        if not hasattr(command, "commands"):
            assert name in text
            for option in (o for p in command.params for o in p.opts if o.startswith("--")):  # type: ignore[attr-defined]
                assert option in text, f"{name} {option}"

    look(typer.main.get_command(app), "docalign")


def test_every_setting_and_its_default_is_there(site: Path) -> None:
    text = words(site / "settings.html")
    for section, kind in SECTIONS.items():
        assert f"[{section}]" in text
        assert all(field.name in text for field in fields(kind))


def test_every_error_is_under_its_exit_code(site: Path) -> None:
    parts = re.split(r'<h2 id="exit-code-(\d)"', (site / "errors.html").read_text("utf-8"))
    by_code = dict(zip(map(int, parts[1::2]), parts[2::2], strict=True))
    for name in errors.__all__:
        assert name in by_code[getattr(errors, name).exit_code]
    assert "qpdf --decrypt IN OUT" in by_code[4]


def test_the_benchmark_page_says_what_the_committed_run_says_or_that_there_is_none(site: Path) -> None:
    measured = (ROOT / "benchmarks" / "card" / "bench.json").is_file()
    assert ("Not measured yet" in words(site / "benchmark.html")) is not measured
