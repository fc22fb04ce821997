"""`docalign data check`, `stats` and `view`: every bad line named, balanced numbers, chunks drawn in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from docalign.cli import run
from docalign.train.gold import GoldLine
from docalign.train.gold_chunks import gold_chunks
from docalign.train.inspect_gold import check_gold, gold_stats
from tests.support.documents import document_of

DOCUMENT = document_of(
    [("heading", "Title"), ("paragraph", "one two three"), ("heading2", "Next"), ("paragraph", "four five")]
)


def line(**changes: Any) -> dict[str, Any]:
    return GoldLine("a/1", "law", DOCUMENT, (0, 2), target_tokens=20, max_tokens=40).to_json() | changes


def write(path: Path, *lines: Any) -> Path:
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines))
    return path


def test_every_bad_line_is_named_with_its_reason(tmp_path: Path) -> None:
    bad_document = {**line()["document"], "blocks": [{"id": 0, "start": 2, "end": 1, "kind": "paragraph"}]}
    path = write(
        tmp_path / "gold.jsonl",
        line(),
        line(id="b", starts=[0, 9]),
        "{no json",
        line(id="c", schema="docalign.gold/2"),
        line(id="d", starts=[0, 3, 2]),
        line(id="e", target_tokens=90),
        line(id="f", document=bad_document),
        line(),
    )
    check = check_gold([path])
    assert [e.source for e in check.errors] == [f"{path}:{n}" for n in (2, 3, 4, 5, 6, 7)]
    assert all(e.remedy for e in check.errors)
    assert check.lines == 2
    assert any("used by" in w for w in check.warnings)


@pytest.mark.parametrize(
    ("lines", "said"),
    [((), "no gold lines"), ((line(starts=[0]),), "one label only"), ((line(starts=[0, 1, 2, 3]),), "one label only")],
)
def test_empty_gold_and_gold_of_one_label_are_refused(tmp_path: Path, lines: tuple[Any, ...], said: str) -> None:
    path = write(tmp_path / "gold.jsonl", *lines)
    assert said in check_gold([path]).errors[-1].what
    assert run(["data", "check", str(path)]) == 3


def test_doubtful_gold_is_warned_about(tmp_path: Path) -> None:
    path = write(
        tmp_path / "gold.jsonl", line(starts=[0, 3]), line(id="b", starts=[0, 2], max_tokens=3, target_tokens=3)
    )
    warnings = "\n".join(check_gold([path]).warnings)
    assert "ends with the heading 'Next'" in warnings
    assert "more than max_tokens 3" in warnings


def test_good_gold_passes(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    path = write(tmp_path / "gold.jsonl", line(), line(id="b", starts=[0, 1]))
    assert run(["data", "check", str(path)]) == 0
    assert capsysbinary.readouterr().out.startswith(b"2 lines are good")


def test_statistics_by_group() -> None:
    gold = [GoldLine("a/1", "law", DOCUMENT, (0, 2)), GoldLine("b/1", "health", DOCUMENT, (0, 1, 2, 3))]
    stats = gold_stats(gold)
    assert stats["all"]["lines"] == 2
    assert stats["all"]["start_share"] == round(4 / 6, 4)
    assert set(stats["domain"]) == {"law", "health"}
    assert stats["domain"]["health"]["chunk_blocks"] == [1, 1, 1]


def test_gold_as_chunks_tiles_the_text_and_is_shown(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    chunks = gold_chunks(GoldLine("a/1", "law", DOCUMENT, (0, 2)))
    assert "".join(c.text for c in chunks) == DOCUMENT.text
    assert [c.blocks for c in chunks] == [(0, 1), (2, 3)]
    path = write(tmp_path / "gold.jsonl", line())
    assert run(["data", "view", str(path), "--line", "a/1"]) == 0
    assert b"one two three" in capsysbinary.readouterr().out
    assert run(["data", "view", str(path), "--line", "9"]) == 2
