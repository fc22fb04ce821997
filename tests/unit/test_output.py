"""Formats keep the schema and the bytes; files are whole or absent; finished results are known as such."""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from docalign.chunk import Chunk
from docalign.document import Block, Document, Page, Region
from docalign.errors import OutputError, UsageError
from docalign.output import FORMATS, render
from docalign.output.atomic import clean_stale, write_atomic
from docalign.output.journal import FILE_NAME, Journal
from docalign.output.jsonout import dump, render_document

FIELDS = [
    "schema", "id", "doc", "index", "text", "start", "end", "tokens", "headings", "pages", "boxes", "blocks",
    "confidence", "boundary",
]  # fmt: skip


def example(text: str = "One two.\n\nThree.", *, embed_text: str | None = None) -> tuple[Document, list[Chunk]]:
    region = Region(1, (10.123456, 20.0, 30.0, 40.0))
    block = Block(0, 0, len(text), "paragraph", page=1, boxes=(region,))
    document = Document("dir/a.pdf", "00", text, (block,), (Page(1, 612.0, 792.0, ocr=True, confidence=0.9),))
    chunk = Chunk(
        id="0123456789abcdef", doc="dir/a.pdf", index=0, text=text, start=0, end=len(text), tokens=3,
        headings=("1 Intro -- all", "1.1 More"), pages=(1,), boxes=(region,), blocks=(0,), confidence=1 / 3,
        boundary=1.0, embed_text=embed_text,
    )  # fmt: skip
    return document, [chunk]


def test_jsonl_is_one_object_of_the_fixed_schema_a_line() -> None:
    document, chunks = example()
    lines = render("jsonl", document, chunks * 2).decode().splitlines()
    assert len(lines) == 2
    value = json.loads(lines[0])
    assert list(value) == FIELDS
    assert value["confidence"] == 0.333333
    assert value["boxes"] == [{"page": 1, "box": [10.12, 20.0, 30.0, 40.0]}]


def test_embed_text_appears_only_where_it_was_asked_for() -> None:
    assert "embed_text" not in json.loads(render("jsonl", *example()))
    assert json.loads(render("jsonl", *example(embed_text="x")))["embed_text"] == "x"


def test_json_is_one_array_of_the_same_objects() -> None:
    document, chunks = example()
    assert json.loads(render("json", document, chunks)) == [json.loads(render("jsonl", document, chunks))]
    assert json.loads(render("json", document, [])) == []


@pytest.mark.parametrize(
    "text", ["\udc80 lone", "a\u2028b\u2029c\u0085d", 'quote " and \\', "naïve 漢字 👩‍👩‍👧", "\x00\x1b[31m"]
)
def test_any_text_survives_as_valid_utf8_on_one_line(text: str) -> None:
    line = render("jsonl", *example(text))
    assert json.loads(line)["text"] == text
    assert len(line.decode("utf-8").splitlines()) == 1


@pytest.mark.parametrize("name", [f for f in FORMATS if f not in ("html", "parquet")])
def test_every_format_takes_hostile_text_and_no_chunks(name: str) -> None:
    document, chunks = example("\udc80 --> <script>\x1b[31m\n\n# x")
    assert render(name, document, chunks).decode("utf-8")
    assert render(name, Document("a.txt", "00", ""), []).decode("utf-8") is not None


def test_parquet_has_the_values_of_the_json_and_takes_hostile_text() -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: the extra `parquet`")
    for text in ("A first.\n\nA second.", "\udc80 --> x"):
        document, chunks = example(text)
        rows = parquet.read_table(io.BytesIO(render("parquet", document, chunks))).to_pylist()
        said = [json.loads(line) for line in render("jsonl", document, chunks).splitlines()]
        for row, line in zip(rows, said, strict=True):
            assert row.pop("embed_text") is None
            line["text"] = line["text"].replace("\udc80", "\ufffd")
            assert row == line
    assert parquet.read_table(io.BytesIO(render("parquet", document, []))).num_rows == 0


def test_non_ascii_stays_readable_and_not_a_number_is_refused() -> None:
    assert dump({"a": "é", "b": -0.0}) == '{"a": "é", "b": 0.0}'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        dump({"a": float("nan")})


def test_document_reads_back_as_it_was() -> None:
    document, _ = example("Naïve \udc80 text.")
    again = Document.from_json(json.loads(render_document(document)))
    assert again.text == document.text
    assert render_document(again) == render_document(document)


def test_markdown_holds_the_text_verbatim_under_comments_that_stay_closed() -> None:
    markdown = render("md", *example("A | table\n--|--\n1 | 2")).decode()
    assert "A | table\n--|--\n1 | 2\n" in markdown
    comments = [line for line in markdown.splitlines() if line.startswith("<!--")]
    assert len(comments) == 2
    assert all("--" not in line.removeprefix("<!--").removesuffix("-->") for line in comments)
    assert "page 1" in comments[1]


def test_preview_shows_size_pages_and_headings_without_control_characters() -> None:
    preview = render("preview", *example("Red \x1b[31m text " + "word " * 200)).decode()
    assert "3 tokens · page 1 · boundary 1.00 · OCR confidence 0.33" in preview
    assert "1 Intro -- all › 1.1 More" in preview
    assert "\x1b" not in preview
    assert max(map(len, preview.splitlines())) <= 96


def test_unknown_format_names_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"no output format 'docbook'.*jsonl, json, md, html"):
        render("docbook", *example())


def test_write_replaces_makes_folders_and_leaves_no_temporary(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.jsonl"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(path.parent) == ["b.jsonl"]


def test_write_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_device_is_written_to_and_not_replaced() -> None:
    write_atomic(Path("/dev/null"), b"x")
    assert Path("/dev/null").is_char_device()
    with pytest.raises(OutputError, match="No space left"):
        write_atomic(Path("/dev/full"), b"x")


def test_directory_or_file_in_the_way_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a directory"):
        write_atomic(tmp_path, b"x")
    with pytest.raises(OutputError, match="cannot be written"):
        write_atomic(tmp_path / "file" / "x", b"x")


def test_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"old")
    code = (
        "import sys; from pathlib import Path; from docalign.output.atomic import write_atomic\n"
        "from docalign.errors import OutputError\n"
        "try: write_atomic(Path(sys.argv[1]), bytes(10_000))\n"
        "except OutputError as error: print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )
    assert "cannot be written (File too large)" in run.stdout
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.jsonl"]


def test_only_temporaries_of_dead_writers_are_cleaned(tmp_path: Path) -> None:
    dead, alive = tmp_path / ".a.1.docalign-tmp", tmp_path / ".b.2.docalign-tmp"
    dead.touch()
    (tmp_path / "keep.jsonl").touch()
    code = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX)"
    code += "; print('locked', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(alive)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "locked\n"
        clean_stale(tmp_path)
        writer.communicate("\n")
    assert sorted(os.listdir(tmp_path)) == [".b.2.docalign-tmp", "keep.jsonl"]
    clean_stale(tmp_path)
    assert os.listdir(tmp_path) == ["keep.jsonl"]


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    (tmp_path / "a.jsonl").write_bytes(b"data")
    Journal(tmp_path).finish(Path("a.jsonl"), b"data", input_sha256="i", settings="s")
    return tmp_path


def is_finished(folder: Path, *, input_sha256: str = "i", settings: str = "s") -> bool:
    return Journal(folder).is_finished(Path("a.jsonl"), input_sha256=input_sha256, settings=settings)


def test_journal_knows_a_result_by_input_settings_and_bytes(finished: Path) -> None:
    assert is_finished(finished)
    assert not is_finished(finished, input_sha256="other")
    assert not is_finished(finished, settings="other")
    (finished / "a.jsonl").write_bytes(b"dat")
    assert not is_finished(finished)
    (finished / "a.jsonl").unlink()
    assert not is_finished(finished)


def test_journal_survives_a_torn_line(finished: Path) -> None:
    with (finished / FILE_NAME).open("ab") as file:
        file.write(b'{"path": "b.jso')
    assert is_finished(finished)
    (finished / "c.jsonl").write_bytes(b"c")
    Journal(finished).finish(Path("c.jsonl"), b"c", input_sha256="i", settings="s")
    assert is_finished(finished)
    assert Journal(finished).is_finished(Path("c.jsonl"), input_sha256="i", settings="s")
