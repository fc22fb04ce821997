"""Readers of other packages, and readers without pages in a worker: what they break stays theirs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest

from docalign import errors
from docalign.ingest import IngestOptions, WorkerPool, ingest, plugins
from docalign.ingest.formats import detect

MODULE = "tests.support.readers"


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group=plugins.GROUP)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> plugins.Plugins:
    found = plugins.load_all([point("diary", f"{MODULE}:FLOW"), point("broken", "no.such.package:FORMAT")])
    monkeypatch.setattr(plugins, "load", lambda: found)
    monkeypatch.setattr("docalign.ingest.entry.load", lambda: found)
    return found


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(1) as opened:
        yield opened


def test_a_plugin_adds_a_format(installed: plugins.Plugins, pool: WorkerPool) -> None:
    assert detect(b"Dear diary, all is well", "a.diary").name == "diary"
    document = ingest(b"Dear diary, all is well", name="a.diary", pool=pool)
    assert document.text == "Dear diary, all is well"
    (note,) = document.warnings
    assert note != f"read by {os.getpid()}", "a reader without pages must run in a worker"


def test_content_and_name_must_both_fit_and_built_in_formats_go_first(installed: plugins.Plugins) -> None:
    assert detect(b"Something else", "a.diary").name == "plain text"
    assert detect(b"Dear diary", "a.txt").name == "plain text"
    assert detect(b"%PDF-1.7", "a.diary").name == "PDF"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no.such.package:FORMAT", "ModuleNotFoundError"),
        (f"{MODULE}:NOTHING", "AttributeError"),
        (f"{MODULE}:NO_FORMAT", "it is a str"),
        (f"{MODULE}:IN_PLACE", "'paged' or 'flow'"),
        (f"{MODULE}:NO_SUFFIX", "suffixes"),
    ],
)
def test_a_broken_plugin_is_named_and_stops_no_other(value: str, said: str) -> None:
    found = plugins.load_all([point("bad", value), point("diary", f"{MODULE}:FLOW")])
    assert [f.name for f in found.formats] == ["diary"]
    (problem,) = found.problems
    assert f"bad ({value})" in problem
    assert said in problem


def test_a_broken_plugin_is_said_only_where_it_may_have_mattered(installed: plugins.Plugins) -> None:
    assert "plugin broken" in ingest(b"words", name="a.xyz").warnings[0]
    assert ingest(b"words", name="a.txt").warnings == ()
    with pytest.raises(errors.UnsupportedFormatError, match="plugin broken"):
        detect(b"\x7fELF", "a.xyz")


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (b"Dear diary, crash", errors.DamagedInputError, "crashed"),
        (b"Dear diary, hang", errors.PageTimeoutError, "file_timeout_s"),
        (b"Dear diary, refuse", errors.EmptyInputError, "is empty"),
        (b"Dear diary, overlap", errors.InvalidDocumentError, "belongs to no block"),
    ],
)
def test_what_a_reader_without_pages_does_is_a_named_error(
    installed: plugins.Plugins, pool: WorkerPool, text: bytes, kind: type[errors.DocalignError], said: str
) -> None:
    with pytest.raises(kind) as caught:
        ingest(text, name="a.diary", pool=pool, options=IngestOptions(file_timeout_s=1.0))
    assert caught.value.source == "a.diary"
    assert said in str(caught.value)
