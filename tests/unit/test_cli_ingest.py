"""`docalign ingest` as a user meets it: the report, the formats, languages checked before work, standard input."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import docalign.ingest.ocr.engine
from docalign.cli import run
from docalign.errors import OcrMissingError
from tests.support.files import text_pdf

ROOT = Path(__file__).parent.parent.parent
PDF = text_pdf(*([f"Page {n} has a line of text that is long enough to be one"] for n in range(1, 4)))


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCALIGN_INGEST_USE_CACHE", "false")
    (tmp_path / "a.pdf").write_bytes(PDF)
    (tmp_path / "broken.pdf").write_bytes(PDF.replace(b"/Kids[4 0 R 6 0 R 8 0 R]", b"/Kids[4 0 R 1 0 R 8 0 R]"))
    (tmp_path / "a.txt").write_text("One line.\n\nAnother.\n")


def report_of(*arguments: str) -> dict[str, Any]:
    assert run(["ingest", *arguments, "--report=r.json", "--out", "d.json"]) == 0
    value: dict[str, Any] = json.loads(Path("r.json").read_text())
    return value


def test_report_says_of_every_page_what_became_of_it() -> None:
    report = report_of("a.pdf")
    document = json.loads(Path("d.json").read_text())
    assert (report["schema"], report["source"], report["error"]) == ("docalign.report/1", "a.pdf", None)
    assert report["sha256"] == document["sha256"]
    assert (report["kinds"], report["blocks"]) == ({"text": 3}, len(document["blocks"]))
    assert [p["number"] for p in report["pages"]] == [1, 2, 3]
    for page in report["pages"]:
        assert (page["kind"], page["engine"], page["confidence"], page["rotation"]) == ("text", None, None, 0)
        assert 0 < page["seconds"] <= report["seconds"]
        assert page["characters"] == {"text": 42, "furniture": 0, "invisible": 0, "dropped": 0}
        assert page["blocks"] == 1
    assert sum(p["characters"]["text"] for p in report["pages"]) == report["characters"]["text"]


def test_report_names_the_page_that_failed_and_why() -> None:
    report = report_of("broken.pdf")
    failed = report["pages"][1]
    assert (failed["kind"], report["kinds"]) == (None, {"text": 2, "failed": 1})
    assert failed["error"]
    assert report["warnings"] == [], "what a page said is told with the page"


def test_report_on_a_file_without_pages() -> None:
    report = report_of("a.txt")
    assert (report["pages"], report["blocks"], report["characters"]["text"]) == ([], 2, 16)


def test_report_is_written_where_reading_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", "broken.pdf", "--strict", "--report=r.json"]) == 3
    report = json.loads(Path("r.json").read_text())
    assert report["error"]["exit_code"] == 3
    assert report["pages"][0]["kind"] == "text"
    assert capsys.readouterr().out == ""


def test_table_goes_to_standard_error_and_the_document_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", "--report", "broken.pdf"]) == 0, "the input is not taken for the report's place"
    out, err = capsys.readouterr()
    assert json.loads(out)["schema"] == "docalign.document/1"
    assert [line.split()[:2] for line in err.splitlines() if line.strip()[:1].isdigit()] == [
        ["1", "text"],
        ["2", "failed"],
        ["3", "text"],
    ]
    assert "3 pages (2 text, 1 failed)" in err
    assert len([line for line in err.splitlines() if line.startswith("page 2: ")]) == 1, "said once"


def test_report_on_standard_output_stands_in_place_of_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", "a.pdf", "--report=-"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "docalign.report/1"
    assert run(["ingest", "a.pdf", "--report=-", "--out", "d.json"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "docalign.report/1"
    assert json.loads(Path("d.json").read_text())["schema"] == "docalign.document/1"


@pytest.mark.parametrize("arguments", [["--report=a.pdf"], ["--out", "a.pdf"], ["--report=x", "--out", "x"]])
def test_no_result_replaces_the_input_or_the_other_result(arguments: list[str]) -> None:
    assert run(["ingest", "a.pdf", *arguments]) == 2
    assert Path("a.pdf").read_bytes() == PDF


def test_hostile_names_and_warnings_do_not_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    from docalign.commands.reporting import write_report
    from docalign.ingest.page import PageContent
    from docalign.ingest.report import make_report

    page = PageContent(1, 10, 10, "text", warnings=("\x1b[2Jwiped\nnext",), engine="\x1b[31m[red]")
    write_report(make_report("a\x1b[1m.pdf", [page], None, seconds=0.1), "")
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert "[red]" in err, "no markup of rich's either"


def test_html_shows_the_document_and_takes_no_other_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", "a.pdf", "--format", "html", "--out", "a.html"]) == 0
    page = Path("a.html").read_text()
    assert page.count("<figure") == 3
    assert page.count("data:image/webp;base64,") == 3
    assert run(["ingest", "a.txt", "--format", "html"]) == 0
    assert "Another." in capsys.readouterr().out
    assert run(["ingest", "a.pdf", "--format", "xml"]) == 2


def missing_language(calls: list[str]) -> Any:
    def choose(languages: str, choice: str = "auto") -> None:
        calls.append(languages)
        raise OcrMissingError(f"no OCR engine here reads {languages}.", remedy="Run: apt-get install it")

    return choose


@pytest.mark.parametrize("command", ["ingest", "chunk"])
def test_missing_language_is_said_before_any_file_is_read(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run([command, "a.pdf", "--lang", "xyz"]) == 7
    err = capsys.readouterr().err
    assert "xyz" in err
    assert "apt-get install" in err
    assert run([command, "a.pdf", "--lang", "../x"]) == 2
    calls: list[str] = []
    monkeypatch.setattr(docalign.ingest.ocr.engine, "choose_engine", missing_language(calls))
    monkeypatch.setattr("docalign.ingest.entry.ingest", lambda *_, **__: pytest.fail("a file was read"))
    if command == "chunk":
        assert run(["chunk", str(tmp_path), "--out", "out", "--languages", "deu"]) == 7
        assert not (tmp_path / "out").exists()
        assert calls == ["deu"], "asked once, before the first file"


def test_languages_do_not_matter_where_nothing_can_need_ocr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(docalign.ingest.ocr.engine, "choose_engine", missing_language(calls))
    assert run(["ingest", "a.txt", "--lang", "deu"]) == 0
    assert run(["ingest", "a.pdf", "--lang", "deu", "--ocr", "never"]) == 0
    assert run(["ingest", "a.pdf"]) == 0, "nobody asked for a language: digital pages need no engine"
    assert calls == []


def test_name_of_standard_input_tells_its_format(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def piped(data: bytes, *arguments: str) -> dict[str, Any]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert run(["ingest", "-", *arguments]) == 0
        value: dict[str, Any] = json.loads(capsys.readouterr().out)
        return value

    plain, named = (piped(b"# Title\n\nText.\n", *a) for a in ([], ["--stdin-name", "notes.md"]))
    assert (plain["source"], plain["blocks"][0]["kind"]) == ("-", "paragraph")
    assert (named["source"], named["blocks"][0]["kind"]) == ("notes.md", "heading")
    assert run(["ingest", "a.txt", "--stdin-name", "x.md"]) == 2
    assert run(["chunk", "a.txt", "--stdin-name", "x.md"]) == 2


@pytest.mark.parametrize("command", ["ingest", "chunk"])
def test_closed_standard_input_is_said(command: str) -> None:
    code = f"import sys; sys.stdin = None; from docalign.cli import run; sys.exit(run(['{command}', '-']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=False)
    assert done.returncode == 3
    assert b"standard input is closed" in done.stderr
    assert b"Traceback" not in done.stderr
