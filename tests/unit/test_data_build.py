"""`docalign data build`: structured files to gold, repeats left out, and the same bytes after a kill."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docalign import errors
from docalign.train.corpus import is_held_out
from docalign.train.gold import read_gold
from docalign.train.policy_gold import Unit, precut
from docalign.train.prepare import BuildOptions, build_gold, run
from docalign.train.prepare.duplicates import NearDuplicates
from docalign.train.prepare.run import dev_path
from docalign.train.prepare.sources import SourceFiles, read_sources
from docalign.train.prepare.tree_policy import tree_starts

ANIMALS = ("heron", "otter", "badger", "kestrel", "adder", "lapwing", "marten", "pike", "newt", "osprey")


def chapter(name: str, sections: int = 12) -> str:
    parts = [f"# The {name} of the valley\n"]
    for number in range(1, sections + 1):
        parts.append(f"\n## {number} The {name} in month {number}\n")
        for line in range(3):
            parts.append(f"\nOn day {line * number} the {name} came {number * 7 + line} times, the {name} fed near ")
            parts.append(f"ford {line}, and the {name} left with {number + line} young of the {name} behind it.\n")
        parts.append(f"\n- a nest of the {name} in tree {number}\n- another of {number + 1}\n")
    return "".join(parts)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "notes"
    home.mkdir()
    for name in ANIMALS:
        (home / f"{name}.md").write_text(chapter(name), encoding="utf-8")
    (home / "again.md").write_text(chapter("otter") + "\nOne more line.\n", encoding="utf-8")
    (home / "plain.md").write_text("No heading is here. " * 30, encoding="utf-8")
    (home / ".hidden.md").write_text(chapter("ghost"), encoding="utf-8")
    return home


OPTIONS = BuildOptions(targets=(60, 200), seed=3)


def test_markdown_becomes_gold_with_repeats_and_plain_files_left_out(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "gold.jsonl"
    report = build_gold([str(folder)], out, OPTIONS)
    lines = [*read_gold(out), *(read_gold(dev_path(out)) if dev_path(out).exists() else ())]
    assert [name for name, _ in report.duplicates] == ["otter.md"]  # the copy comes first by name
    assert [p.path.name for p in report.passed] == ["plain.md"]
    assert {line.document.source for line in lines} <= {f"{a}.md" for a in ANIMALS if a != "otter"} | {"again.md"}
    assert {line.condition for line in lines} & {"native"}
    assert sum(report.train_lines.values()) + sum(report.dev_lines.values()) == len(lines)


def test_held_out_documents_go_to_the_dev_file_only(folder: Path, tmp_path: Path) -> None:
    number = next(n for n in range(1000) if is_held_out(f"held{n}.md"))
    (folder / f"held{number}.md").write_text(chapter("wolf"), encoding="utf-8")
    out = tmp_path / "gold.jsonl"
    build_gold([str(folder)], out, OPTIONS)
    assert all(is_held_out(line.document.source) for line in read_gold(dev_path(out)))
    assert not any(is_held_out(line.document.source) for line in read_gold(out))


def test_native_lines_are_stretches_of_what_ingestion_finds(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "gold.jsonl"
    build_gold([str(folder)], out, BuildOptions(targets=(60, 200), forms={"native": 1.0}))
    for line in read_gold(out):
        assert line.condition == "native"
        assert "#" in line.document.text  # Markdown's own marks are what the model sees at run time
        headings = {b.id for b in line.document.blocks if b.kind == "heading"}
        assert all(s in headings or s == 0 for s in line.starts[:1])


def test_a_build_broken_off_anywhere_ends_in_the_same_bytes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = tmp_path / "whole.jsonl", tmp_path / "broken.jsonl"
    build_gold([str(folder)], whole, OPTIONS)
    real, calls = run.make_line, 0

    def dies(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls % 4 == 0:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "make_line", dies)
    for _ in range(40):
        try:
            build_gold([str(folder)], broken, OPTIONS)
            break
        except KeyboardInterrupt:
            journal = tmp_path / ".broken.jsonl.part"
            data = journal.read_bytes()
            journal.write_bytes(data[: -(calls % 29) or None])  # a torn last line
    assert broken.read_bytes() == whole.read_bytes()
    assert not list(tmp_path.glob(".*.part"))


def test_a_journal_of_another_build_is_not_overwritten(folder: Path, tmp_path: Path) -> None:
    journal = tmp_path / ".gold.jsonl.part"
    journal.write_text('{"asked": "something else"}\n')
    with pytest.raises(errors.UsageError, match="unfinished build"):
        build_gold([str(folder)], tmp_path / "gold.jsonl", OPTIONS)
    assert journal.exists()


def test_sources_without_structure_and_without_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("words " * 90)
    with pytest.raises(errors.EmptyInputError, match="headings"):
        build_gold([str(tmp_path / "a.txt")], tmp_path / "gold.jsonl")
    with pytest.raises(errors.MissingInputError):
        build_gold([str(tmp_path / "none")], tmp_path / "gold.jsonl")
    (tmp_path / "empty").mkdir()
    with pytest.raises(errors.EmptyInputError, match="no file"):
        build_gold([str(tmp_path / "empty")], tmp_path / "gold.jsonl")


@pytest.mark.parametrize(
    "bad", [{"policy": "mine"}, {"targets": (9, 3)}, {"number": 0}, {"forms": {"video": 1.0}}, {"forms": {}}]
)
def test_options_that_make_no_sense(bad: dict[str, object]) -> None:
    with pytest.raises(errors.UsageError):
        BuildOptions(**bad)  # type: ignore[arg-type]


JATS = """<article><front><article-meta><title-group><article-title>On <i>herons</i></article-title></title-group>
<abstract><p>Herons are birds.</p></abstract></article-meta></front>
<body><sec><label>1</label><title>Methods</title><p>We looked.</p><sec><title>Places</title><p>By the ford:</p>
<list><list-item><p>north</p></list-item></list><table-wrap><label>Table 1</label><caption><p>Counts</p></caption>
<table><tr><th>day</th><th>n</th></tr><tr><td>1</td><td>7</td></tr></table></table-wrap></sec></sec></body>
<back><ref-list><ref>Nobody 1999</ref></ref-list></back></article>"""
TEI = """<TEI xmlns="http://www.tei-c.org/ns/1.0"><teiHeader><fileDesc><titleStmt><title>Letters</title></titleStmt>
</fileDesc></teiHeader><text><body><div><head>First letter</head><p>Dear <hi>friend</hi>,</p><div>
<head>Postscript</head><p>One more thing.</p></div></div></body></text></TEI>"""


@pytest.mark.parametrize(
    ("name", "text", "outline"),
    [
        ("a.nxml", JATS, [("On herons", 1), ("Abstract", 2), ("Methods", 2), ("Places", 3)]),
        ("b.xml", TEI, [("Letters", 1), ("First letter", 2), ("Postscript", 3)]),
    ],
)
def test_scholarly_xml_keeps_its_outline(tmp_path: Path, name: str, text: str, outline: list[tuple[str, int]]) -> None:
    (tmp_path / name).write_text(text)
    (document,) = read_sources(SourceFiles.of([str(tmp_path / name)]))
    assert [(b["text"], b["level"]) for b in document.blocks if b["kind"] == "heading"] == outline
    assert "Nobody" not in document.text
    if name == "a.nxml":
        kinds = {b["text"]: b["kind"] for b in document.blocks}
        assert kinds["day | n\n1 | 7"] == "table"
        assert kinds["Counts"] == "caption"
        assert kinds["north"] == "list_item"


def test_entities_in_scholarly_xml_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text('<!DOCTYPE x [<!ENTITY a "b">]>' + TEI)
    files = SourceFiles.of([str(tmp_path / "a.xml")])
    assert list(read_sources(files)) == []
    assert "entities" in files.passed[0].why


def test_near_duplicates_are_found_and_cousins_are_not() -> None:
    seen = NearDuplicates()
    heron = chapter("heron")
    assert seen.repeats("a", heron) is None
    assert seen.repeats("b", heron.replace("valley", "plain")) == "a"
    assert seen.repeats("c", " ".join(f"word{n} of another text" for n in range(400))) is None


UNITS = st.lists(
    st.tuples(
        st.sampled_from(["heading", "paragraph", "paragraph", "list_item", "table", "caption"]),
        st.integers(1, 5),
        st.integers(1, 60),
        st.booleans(),
    ),
    min_size=1,
    max_size=40,
)


def units_of(drawn: Sequence[tuple[str, int, int, bool]]) -> list[Unit]:
    made = [
        Unit.of("word " * words + ("here:" if colon else "."), kind, level if kind == "heading" else None)
        for kind, level, words, colon in drawn
    ]
    return list(precut(made, 100))


@given(UNITS)
def test_the_tree_policy_keeps_the_limit_and_leaves_no_heading(drawn: list[tuple[str, int, int, bool]]) -> None:
    units = units_of(drawn)
    starts = tree_starts(units, target=70, limit=100)
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    for first, end in pairwise([*starts, len(units)]):
        size = sum(u.tokens for u in units[first:end])
        assert size <= 100 or end - first == 1
        if end < len(units) and units[end - 1].is_heading:
            run = end - 1
            while run > first and units[run - 1].is_heading:
                run -= 1
            # A heading may end a chunk only where it cannot stand with what follows it.
            assert run == first
            assert sum(u.tokens for u in units[first : end + 1]) > 100


def test_the_tree_policy_respects_parents_and_keeps_tables_with_captions() -> None:
    def text(n: int) -> Unit:
        return Unit.of("word " * n, "paragraph", None)

    def head(level: int) -> Unit:
        return Unit.of("Title", "heading", level)

    # Two chapters of two small sections each: the second chapter's first section does not join the first chapter.
    units = [head(1), head(2), text(30), head(2), text(30), head(1), head(2), text(30), head(2), text(30)]
    assert tree_starts(units, target=100, limit=150) == [0, 5]
    caption, table = Unit.of("Table 1 Counts of birds", "caption", None), Unit.of("a | b " * 20, "table", None)
    units = [head(1), text(60), text(30), caption, table, text(60)]
    starts = tree_starts(units, target=120, limit=150)
    assert 4 not in starts


def test_corpus_lines_are_sources_too(tmp_path: Path) -> None:
    blocks = [{"kind": "paragraph", "level": None, "text": f"turn {n} of the talk"} for n in range(60)]
    value = {"id": "talks/1", "source": "talks", "domain": "meeting", "blocks": blocks, "topic_starts": [0, 20, 40]}
    (tmp_path / "talks.jsonl").write_text(json.dumps(value) + "\n")
    out = tmp_path / "gold.jsonl"
    report = build_gold([str(tmp_path / "talks.jsonl")], out)
    (line,) = read_gold(out if out.exists() else dev_path(out))
    assert line.is_transcript
    assert line.starts == (0, 20, 40)
    assert report.documents["meeting"] == 1
