"""Gold lines survive writing and reading; a bad one is refused with its place, what is wrong and what to do."""

from __future__ import annotations

import copy
import hashlib
import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from docalign.errors import DamagedInputError, EmptyInputError, InvalidGoldError, MissingInputError
from docalign.train.corpus import is_held_out, read_corpus
from docalign.train.gold import DEFAULT_SIZES, GoldLine, read_gold, write_gold

DOCUMENT = {
    "schema": "docalign.document/1",
    "source": "a.txt",
    "sha256": "00",
    "text": "One.\n\nTwo.\n\nThree — é.",
    "pages": [],
    "blocks": [
        {"id": 0, "start": 0, "end": 4, "kind": "heading", "level": 1},
        {"id": 1, "start": 6, "end": 10, "kind": "paragraph", "level": None},
        {"id": 2, "start": 12, "end": 22, "kind": "paragraph", "level": None},
    ],
    "furniture": [],
}
LINE: dict[str, Any] = {
    "schema": "docalign.gold/1",
    "id": "notes/a",
    "domain": "notes",
    "document": DOCUMENT,
    "starts": [0, 2],
    "counter": "words*1.35",
    "target_tokens": 30,
    "max_tokens": 64,
}


def with_changes(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(LINE) | changes


def file_of(tmp_path: Path, *lines: Any) -> Path:
    path = tmp_path / "gold.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["gold.jsonl", "gold.jsonl.xz"])
def test_written_lines_are_read_back(tmp_path: Path, name: str) -> None:
    lines = [GoldLine.from_json(with_changes(id=f"notes/{i}", condition="bare", policy="p/1")) for i in range(3)]
    assert write_gold(tmp_path / name, lines) == 3
    assert list(read_gold(tmp_path / name)) == lines
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_reads_the_fixed_fields_and_derives_the_source() -> None:
    line = GoldLine.from_json(LINE)
    assert (line.id, line.source, line.domain, line.starts) == ("notes/a", "notes", "notes", (0, 2))
    assert (line.counter, line.target_tokens, line.max_tokens, line.sizes) == ("words*1.35", 30, 64, (30, 64))
    written = line.to_json()
    assert {k: written[k] for k in LINE if k != "document"} == {k: v for k, v in LINE.items() if k != "document"}


def test_lines_without_sizes_have_the_documented_ones() -> None:
    transcript = GoldLine.from_json(with_changes(target_tokens=None, max_tokens=None))
    assert transcript.is_transcript
    assert transcript.sizes == DEFAULT_SIZES == (350, 512)
    assert GoldLine.from_json(with_changes(target_tokens=None, max_tokens=100)).sizes == (70, 100)
    assert GoldLine.from_json(with_changes(target_tokens=70, max_tokens=None)).sizes == (70, 100)


def test_blank_lines_are_skipped_but_counted(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(f"\n{json.dumps(LINE)}\n\n{{}}\n", encoding="utf-8")
    lines = read_gold(path)
    assert next(lines).id == "notes/a"
    with pytest.raises(InvalidGoldError) as caught:
        next(lines)
    assert caught.value.source == f"{path}:4"


BAD = {
    "wrong schema": ({"schema": "docalign.gold/2"}, "docalign.gold/1"),
    "no starts": ({"starts": []}, "starts"),
    "starts not a list": ({"starts": 3}, "starts"),
    "starts of floats": ({"starts": [0, 1.0]}, "starts"),
    "starts of booleans": ({"starts": [False, True]}, "starts"),
    "first start not 0": ({"starts": [1, 2]}, "first"),
    "start out of range": ({"starts": [0, 3]}, "block 3, but the document has 3 blocks"),
    "negative start": ({"starts": [0, -1]}, "increase"),
    "starts twice": ({"starts": [0, 2, 2]}, "increase"),
    "starts unsorted": ({"starts": [0, 2, 1]}, "increase"),
    "id missing": ({"id": None}, "id"),
    "id a number": ({"id": 7}, "id"),
    "domain a number": ({"domain": 7}, "domain"),
    "counter missing": ({"counter": None}, "counter"),
    "target a string": ({"target_tokens": "30"}, "target_tokens"),
    "target 0": ({"target_tokens": 0}, "target_tokens"),
    "limit true": ({"max_tokens": True}, "max_tokens"),
    "target over limit": ({"target_tokens": 65}, "over max_tokens"),
    "no document": ({"document": None}, "document"),
    "text does not match the spans": ({"document": DOCUMENT | {"text": "One."}}, "document is invalid: block 1"),
    "text in no block": ({"document": DOCUMENT | {"text": "One.XXTwo.\n\nThree — é."}}, "belongs to no block"),
}


@pytest.mark.parametrize(("change", "says"), BAD.values(), ids=BAD.keys())
def test_bad_line_is_refused_with_its_place(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    path = file_of(tmp_path, LINE, with_changes(**change))
    with pytest.raises(InvalidGoldError) as caught:
        list(read_gold(path))
    assert caught.value.source == f"{path}:2"
    assert says in caught.value.what + caught.value.remedy
    assert caught.value.remedy
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("line", [b"{", b"[1, 2", b"\xff\xfe{}", b"[" * 200_000])
def test_line_that_is_not_json_is_refused_with_its_place(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_bytes(json.dumps(LINE).encode() + b"\n" + line + b"\n")
    with pytest.raises(InvalidGoldError, match="not JSON") as caught:
        list(read_gold(path))
    assert caught.value.source == f"{path}:2"


@pytest.mark.parametrize("line", ["7", "null", '"text"', "[]"])
def test_json_that_is_no_object_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(InvalidGoldError, match=r"docalign\.gold/1"):
        list(read_gold(path))


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_empty_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidGoldError, match="no gold lines"):
        list(read_gold(path))


def test_missing_file_and_directory_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(MissingInputError):
            list(read_gold(path))


def test_truncated_xz_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl.xz"
    whole = lzma.compress((json.dumps(LINE) + "\n").encode() * 50)
    for damaged in (whole[: len(whole) // 2], b"not xz at all"):
        path.write_bytes(damaged)
        with pytest.raises(InvalidGoldError, match="xz stream"):
            list(read_gold(path))


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = file_of(tmp_path, LINE)
    before = path.read_bytes()

    def lines() -> Any:
        yield GoldLine.from_json(LINE)
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        write_gold(path, lines())
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


# Corpora


def test_one_document_in_twenty_is_held_out_by_its_id_alone() -> None:
    held_out = [i for i in range(4_000) if is_held_out(f"doc/{i}")]
    assert 150 <= len(held_out) <= 250
    assert all(int(hashlib.sha256(f"doc/{i}".encode()).hexdigest(), 16) % 20 == 0 for i in held_out)


def test_corpus_of_a_directory_is_read_in_order_of_name(tmp_path: Path) -> None:
    for name in ("b", "a"):
        document = {"id": name, "blocks": [{"kind": "paragraph", "level": None, "text": "x"}]}
        (tmp_path / f"{name}.jsonl.xz").write_bytes(lzma.compress(json.dumps(document).encode()))
    assert [d["id"] for d in read_corpus(tmp_path)] == ["a", "b"]
    assert [d["id"] for d in read_corpus(tmp_path / "b.jsonl.xz")] == ["b"]


def test_bad_corpora_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EmptyInputError):
        list(read_corpus(tmp_path))
    with pytest.raises(MissingInputError):
        list(read_corpus(tmp_path / "none.jsonl.xz"))
    (tmp_path / "a.jsonl").write_text('{"id": "a", "blocks": [{"kind": "paragraph"}]}\n', encoding="utf-8")
    with pytest.raises(DamagedInputError, match=r"a\.jsonl:1"):
        list(read_corpus(tmp_path))
