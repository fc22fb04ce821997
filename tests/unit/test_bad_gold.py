"""Bad gold on the command line: refused with exit code 3, the file and line, what is wrong and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docalign.cli import run
from docalign.train.gold import GoldLine
from tests.support.documents import document_of

GOOD = GoldLine("a/1", None, document_of([("paragraph", f"Paragraph {n} of the text.") for n in range(6)]), (0, 3))


def changed(**fields: Any) -> dict[str, Any]:
    return json.loads(json.dumps(GOOD.to_json() | fields))


def text_cut() -> dict[str, Any]:
    value = changed()
    value["document"]["text"] = value["document"]["text"][:-20]
    return value


BAD: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "a start out of range": (lambda: changed(starts=[0, 6]), "block 6"),
    "a start twice": (lambda: changed(starts=[0, 3, 3]), "increase"),
    "text that does not match its spans": (text_cut, "document is invalid"),
    "another schema": (lambda: changed(schema="docalign.preference/1"), "docalign.gold/1"),
    "a document where a line should be": (lambda: GOOD.document.to_json(), "docalign.gold/1"),
}


@pytest.mark.parametrize("command", [["data", "check"], ["data", "stats"], ["eval", "--chunker", "pack"]], ids=" ".join)
@pytest.mark.parametrize("make", BAD, ids=str)
def test_a_bad_line_is_named_by_every_command(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], command: list[str], make: str
) -> None:
    value, says = BAD[make]
    path = tmp_path / "gold.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in (changed(), value())), "utf-8")
    assert run([*command, str(path)]) == 3
    said = capfd.readouterr()
    assert said.out == ""
    assert f"{path}:2" in said.err
    assert says in said.err


@pytest.mark.parametrize("command", [["data", "check"], ["data", "stats"], ["eval", "--chunker", "pack"]], ids=" ".join)
@pytest.mark.parametrize("text", ["", "\n\n", "no json\n", '{"schema": '])
def test_files_without_gold(tmp_path: Path, capfd: pytest.CaptureFixture[str], command: list[str], text: str) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(text, "utf-8")
    assert run([*command, str(path)]) == 3
    assert str(path) in capfd.readouterr().err


@pytest.mark.parametrize("starts", [[0], [0, 1, 2, 3, 4, 5]], ids=["no start", "all start"])
def test_gold_with_one_label_is_no_gold(tmp_path: Path, capfd: pytest.CaptureFixture[str], starts: list[int]) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps(changed(starts=starts)) + "\n", "utf-8")
    assert run(["data", "check", str(path)]) == 3
    said = capfd.readouterr().err
    assert "one label only" in said
    assert str(path) in said
    assert "more than one chunk" in said
