"""`docalign bench` in miniature: placing, fakes that break promises, light peers where they are, page and table."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docalign.bench.ask import Ask, Peer, Piece, Setup
from docalign.bench.boundaries import choose_sizes, measure_lines
from docalign.bench.cost import growth
from docalign.bench.data import BenchData, load_data
from docalign.bench.guarantees import kept_promises, nasty_documents, stress
from docalign.bench.markdown import markdown_of
from docalign.bench.noise import misread
from docalign.bench.page import page
from docalign.bench.peers.cluster import best_chunks
from docalign.bench.peers.lumber import first_change
from docalign.bench.place import place
from docalign.bench.probe import generated
from docalign.bench.profiles import QUICK
from docalign.bench.registry import OURS, PEERS, chosen, load_all
from docalign.bench.run import Order, run_bench
from docalign.bench.samples import heading_questions, repository_documents
from docalign.cli import run
from docalign.commands.bench import parse_policies
from docalign.counting import WORDS, counter
from docalign.document import Block, Document, Kind
from docalign.errors import ModelMissingError, UsageError
from docalign.train.gold import GoldLine
from docalign.train.policy_gold import SIZES

ROOT = Path(__file__).parents[2]


def document(*parts: tuple[Kind, str]) -> Document:
    blocks, texts, position = [], [], 0
    for kind, text in parts:
        level = 2 if kind == "heading" else None
        blocks.append(Block(len(blocks), position, position + len(text), kind, level=level))
        texts.append(text)
        position += len(text) + 2
    text = "\n\n".join(texts)
    return Document("t", hashlib.sha256(text.encode()).hexdigest(), text, tuple(blocks)).check()


REPORT = document(
    ("heading", "Rivers"),
    ("paragraph", "The river rose in March. It fell again in May."),
    ("table", "March | 4.1\nMay | 2.2"),
    ("heading", "Bridges"),
    ("paragraph", "Two bridges were closed. Both stand again."),
)
LINE = GoldLine("t", None, REPORT, (0, 3), WORDS, 20, 40)


def ask(given: Document = REPORT) -> Ask:
    return Ask(given, 20, 40, WORDS)


def peer(name: str, cut: Any, **more: Any) -> Peer:
    return Peer(name, None, "text", "a fake", lambda _: cut, **more)


# Placing


def test_pieces_are_found_without_their_white_space_and_tile() -> None:
    found = place(REPORT, [Piece("Rivers The river  rose in March."), Piece("It fell again in May.\nMarch | 4.1")])
    assert found.altered == 0
    assert found.tiles[0] == (0, found.spans[1][0])
    assert found.tiles[-1][1] == len(REPORT.text)
    assert found.lost == len("May|2.2BridgesTwobridgeswereclosed.Bothstandagain.")
    assert found.wrong_offsets is None


def test_repeated_text_is_not_taken_for_its_first_occurrence() -> None:
    again = document(*[("paragraph", "The same line.")] * 4)
    found = place(again, [Piece("The same line.")] * 4)
    assert [s for s, _ in found.spans] == [b.start for b in again.blocks]
    assert found.lost == 0


def test_a_heading_only_in_metadata_goes_with_what_follows() -> None:
    body = [REPORT.block_text(REPORT.blocks[i]) for i in (1, 2, 4)]
    found = place(REPORT, [Piece(body[0] + "\n" + body[1]), Piece(body[2])])
    assert [s for s, _ in found.tiles] == [0, REPORT.blocks[3].start]
    assert found.lost == len("RiversBridges")


def test_what_a_peer_makes_up_is_altered_and_its_claims_are_checked() -> None:
    pieces = [Piece(REPORT.text[:30], claimed=(0, 30)), Piece("Nothing of this stands there.", claimed=(30, 59))]
    found = place(REPORT, pieces)
    assert (found.altered, found.wrong_offsets) == (1, 1)


def test_markdown_knows_where_every_character_came_from() -> None:
    markdown = markdown_of(REPORT)
    assert markdown.text.startswith("## Rivers\n\nThe river")
    pieces = list(markdown.pieces(markdown.text.split("\n\n## ")))
    assert [p.span and p.span[0] for p in pieces] == [0, REPORT.blocks[3].start]
    assert place(REPORT, pieces).lost == 0


# Promises


def test_every_broken_promise_is_counted() -> None:
    text = REPORT.text
    table = REPORT.blocks[2]
    cuts = [0, table.start + 5, REPORT.blocks[3].end, len(text)]
    pieces = [Piece(text[a:b].strip(), claimed=(a, b)) for a, b in pairwise(cuts)]
    kept = kept_promises(REPORT, place(REPORT, pieces), counter(WORDS), 14, len(pieces))
    assert kept.tables_cut == 1
    assert kept.orphaned == 1
    assert kept.over_limit == 1
    assert kept.wrong_offsets == 2  # two begin with white space that their texts lack
    assert kept.lost == kept.altered == 0


def test_nasty_documents_find_what_a_careless_chunker_does() -> None:
    def careless(question: Ask) -> Sequence[Piece]:
        words = question.document.text.split()
        if len(words) > 900:
            raise ValueError("too many words")
        return [Piece(" ".join(words[:100]), claimed=(0, 5))]

    found = stress({peer("careless", careless): careless}, {}, lambda _: None)["careless"]
    assert found["total"]["failures"] >= 1
    assert found["total"]["lost"] > 0
    assert "lost" in found["broke"]["headings only"] or "wrong offsets" in found["broke"]["headings only"]
    assert all(d.check() for d in nasty_documents().values())


# Measuring


def test_a_peer_that_fails_is_counted_and_the_others_go_on() -> None:
    def broken(_: Ask) -> Sequence[Piece]:
        raise RuntimeError("no")

    (row,) = measure_lines([LINE], broken, "target")
    assert row.error == "RuntimeError: no"
    assert row.scores.boundary_f1 == 0


def test_a_peer_with_one_size_gets_the_better_one() -> None:
    def by_size(question: Ask) -> Sequence[Piece]:
        at = REPORT.blocks[3].start if question.size == question.limit else REPORT.blocks[2].start
        return [Piece(REPORT.text[:at]), Piece(REPORT.text[at:])]

    one, two = peer("one", by_size), peer("two", by_size, one_size=False)
    assert choose_sizes([LINE], {one: by_size, two: by_size}) == {"one": "limit"}


def test_misreadings_are_as_many_as_asked_for_and_the_same_again() -> None:
    text = "The quick brown fox jumps over the lazy dog and runs home again. " * 40
    clean = document(("heading", "A fox"), ("paragraph", text.strip()))
    noisy = misread(clean, 0.1, seed=3)
    assert noisy == misread(clean, 0.1, seed=3)
    assert misread(clean, 0.0, seed=3) is clean
    assert [b.kind for b in noisy.blocks] == ["heading", "paragraph"]
    same = sum(a == b for a, b in zip(clean.text.split(), noisy.text.split(), strict=False))
    assert 0 < same < len(clean.text.split())
    assert abs(len(noisy.text) - len(clean.text)) < 0.1 * len(clean.text)


def test_cluster_semantic_cuts_between_blocks_of_likeness() -> None:
    similar = np.full((6, 6), 0.1)
    similar[:3, :3] = similar[3:, 3:] = 0.9
    assert best_chunks(similar, 6) == [0, 3]
    assert best_chunks(similar, 2)[0] == 0
    assert all(b - a <= 2 for a, b in zip(best_chunks(similar, 2), [*best_chunks(similar, 2)[1:], 6], strict=True))


@pytest.mark.parametrize(
    ("answer", "start"), [("Answer: ID 0007", 7), ("ID 7", 7), ("ID 0002", 9), ("It is ID 0042.", 9), ("no idea", 9)]
)
def test_an_answer_that_names_no_shown_paragraph_ends_with_the_last(answer: str, start: int) -> None:
    assert first_change(answer, 2, 9) == start


def test_growth_is_the_exponent_of_time() -> None:
    rows = [{"pages": p, "cpu_s": 0.01 * p**2} for p in (1, 10, 100)]
    assert growth(rows) == pytest.approx(2.0)
    assert growth(rows[:2]) is None


def test_generated_documents_are_documents() -> None:
    made = generated(3).check()
    assert sum(b.kind == "heading" for b in made.blocks) == 3


# What there is on a bare clone


def test_the_repository_gives_gold_a_meeting_and_questions() -> None:
    documents = list(repository_documents())
    names = {d["id"] for d in documents}
    assert {"README.md", "data/samples/report.pdf", "transcript.txt"} <= names
    meeting = next(d for d in documents if d["id"] == "transcript.txt")
    turns = [b["text"] for b in meeting["blocks"]]
    assert len(meeting["topic_starts"]) == 5
    assert "Saturday" in " ".join(turns[meeting["topic_starts"][1] :][:6])
    questions = list(heading_questions([d for d in documents if d["id"] != "transcript.txt"], SIZES, max_blocks=120))
    assert questions
    for line in questions:
        assert all(q.spans[0][1] <= len(line.document.text) for q in line.questions)
        assert not any(b.kind == "heading" for b in line.document.blocks)


def test_data_of_a_bare_clone_is_the_same_for_the_same_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCALIGN_DATA", raising=False)
    small = replace(QUICK, windows=2, rendered=0, curve=1)
    first, again = load_data(small, seed=1), load_data(small, seed=1)
    assert first == again
    assert [len(first.gold[c]) for c in ("marked", "bare", "headless")] == [2, 2, 2]
    assert set(first.curve) == set(small.error_rates)


# Loading, and the whole


def test_a_peer_that_cannot_load_is_listed_with_its_reason() -> None:
    def missing(_: Setup) -> Any:
        raise ModelMissingError("no weights.", remedy="Fetch them.")

    def absent(_: Setup) -> Any:
        raise ImportError("No module named 'gone'", name="gone")

    def crash(_: Setup) -> Any:
        raise ValueError("bad")

    peers = [Peer(n, None, "text", "", load) for n, load in (("a", missing), ("b", absent), ("c", crash))]
    reasons = {p.name: why for p, why in load_all(peers, Setup()).missing.items()}
    assert reasons["a"] == "no weights. Fetch them."
    assert "gone is not installed" in reasons["b"]
    assert "ValueError: bad" in reasons["c"]


def test_unknown_peers_sections_and_policies_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no peer"):
        chosen(["nobody"])
    with pytest.raises(UsageError, match="no section"):
        Order(sections=("weather",))
    with pytest.raises(UsageError, match="names no policy"):
        parse_policies([f"x={tmp_path}"])
    assert chosen(["semchunk"])[0].name == OURS


def small_run() -> dict[str, Any]:
    """A whole run of our arms and of those light peers that are installed, on two windows of the samples."""
    light = [
        "packing",
        "rules in place of the LLM",
        "LLM without solver",
        *LIGHT,
        "wtpsplit SaT",
        "LumberChunker style",
    ]
    profile = replace(QUICK, windows=1, window_blocks=25, rendered=0, curve=1, error_rates=(0.0, 0.1))
    lines = load_data(profile, seed=0)
    data = BenchData(lines.origin, {k: v[:1] for k, v in lines.gold.items()}, lines.curve, [], "none")
    kept: list[int] = []
    order = Order(tuple(light), ("boundaries", "guarantees", "curve"), quick=True)
    report = run_bench(order, Setup(), profile=profile, data=data, keep=lambda r: kept.append(len(r)))
    assert len(kept) == 3
    return report


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DOCALIGN_DATA", raising=False)
        return small_run()


def test_a_whole_run_measures_everybody_who_is_there(report: dict[str, Any]) -> None:
    ran = {name for name, p in report["peers"].items() if p["ran"]}
    assert {OURS, "packing", "rules in place of the LLM", "LLM without solver"} <= ran
    assert "weights" in report["peers"]["wtpsplit SaT"]["reason"]
    assert "--base" in report["peers"]["LumberChunker style"]["reason"]
    for part in report["boundaries"].values():
        assert set(part["arms"]) == ran
        assert part["arms"][OURS]["docalign_ahead"] == {"f1": 0, "low": 0, "high": 0}
    kept = report["guarantees"]["gold"][OURS]
    assert kept["chunks"] > 0
    assert [kept[k] for k in ("over_limit", "orphaned", "lost", "altered", "wrong_offsets", "failures")] == [0] * 6
    assert report["guarantees"]["nasty"][OURS]["broke"] == {}
    assert json.loads(json.dumps(report)) == report


def test_the_verdicts_say_when_an_arm_of_ours_wins(report: dict[str, Any]) -> None:
    from docalign.bench.verdicts import verdicts

    changed = json.loads(json.dumps(report))
    changed["boundaries"]["bare"]["arms"]["packing"]["docalign_ahead"] = {"f1": -0.2, "low": -0.3, "high": -0.1}
    said = [v["says"] for v in verdicts(changed)]
    assert any("“packing” beats docalign" in s for s in said)
    few = [v for v in verdicts(changed) if "too few to say" in v["says"]]
    assert few
    assert all(v["holds"] is None for v in few)
    bare = changed["boundaries"]["bare"]
    bare["windows"] = 20
    for arm in bare["arms"].values():
        arm["windows"] = 20
        arm["docalign_ahead"] = {"f1": 0.1, "low": -0.1, "high": 0.3}
    lost = [v for v in verdicts(changed) if v["says"].startswith("bare: F1")]
    assert [v["holds"] for v in lost] == [False]
    changed["guarantees"]["gold"][OURS]["lost"] = 3
    assert {"holds": False, "says": "promises: 3 characters lost."} in verdicts(changed)


def test_the_page_shows_every_peer_and_escapes_it(report: dict[str, Any]) -> None:
    made = page(report)
    for name in report["peers"]:
        assert name in made
    assert "<script" not in made
    assert made.count("What each part is worth") == 1
    assert made.count("<svg") == len(report["boundaries"]) + 1
    spoiled = {**report, "model": "<b>"}
    assert "&lt;b&gt;" in page(spoiled)


def readme_table() -> Any:
    spec = importlib.util.spec_from_file_location("readme_table", ROOT / "benchmarks" / "readme_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_part_is_made_of_the_json(report: dict[str, Any]) -> None:
    script = readme_table()
    before = f"a\n{script.BEGIN}\nold\n{script.END}\nz"
    after = script.replaced(before, report)
    assert "| **docalign** |" in after
    assert "| wtpsplit SaT | not run: " in after
    assert script.replaced(after, report) == after


CARD = ROOT / "benchmarks" / "card" / "bench.json"


def test_the_readme_says_what_the_committed_run_says() -> None:
    script = readme_table()
    readme = (ROOT / "README.md").read_text("utf-8")
    run_committed = json.loads(CARD.read_text("utf-8")) if CARD.is_file() else None
    assert script.replaced(readme, run_committed) == readme


LIGHT = ["semchunk", "text-splitter"]
HEAVY = ["LangChain recursive", "LangChain markdown", "chonkie recursive", "chonkie sentence", "LlamaIndex sentence",
         "unstructured by_title", "docling hybrid"]  # fmt: skip


@pytest.mark.parametrize("name", [*LIGHT, *(pytest.param(n, marks=pytest.mark.slow) for n in HEAVY)])
@pytest.mark.filterwarnings("ignore")  # other people's libraries warn
def test_a_real_peer_answers_pieces_that_are_found_again(name: str) -> None:
    found = next(p for p in PEERS if p.name == name)
    loaded = load_all([found], Setup())
    if not loaded.cuts:
        pytest.skip(loaded.missing[found])
    placed = place(REPORT, list(loaded.cuts[found](ask())))
    assert placed.spans
    assert placed.lost == 0
    assert len(placed.tiles) > 1


def test_the_command_writes_after_every_section(
    report: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def cut_short(order: Order, setup: Setup, *, say: Any, keep: Any) -> Any:
        assert (order.quick, order.sections, setup.policies) == (True, ("guarantees",), {})
        keep({k: v for k, v in report.items() if k != "curve"})
        raise KeyboardInterrupt

    monkeypatch.setattr("docalign.bench.run.run_bench", cut_short)
    out = tmp_path / "card"
    assert run(["bench", "--quick", "--section", "guarantees", "--out", str(out)]) == 130
    assert json.loads((out / "bench.json").read_text("utf-8"))["boundaries"] == report["boundaries"]
    assert "What it says" in (out / "index.html").read_text("utf-8")
    assert capsys.readouterr().out == ""
