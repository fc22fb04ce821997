"""What gold can be made from: every format that marks headings, and only headings that a format marks."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from docalign.train.gold import read_gold
from docalign.train.prepare import BuildOptions, build_gold
from docalign.train.prepare.run import dev_path
from docalign.train.prepare.sources import SourceFiles, read_sources

OUTLINE = [("On herons", 1), ("Methods", 2), ("Places", 3), ("Results", 2)]
PARAGRAPH = "The heron stood by the ford for a long time and did not move until the evening came. "


def html_text() -> str:
    body = "".join(f"<h{level}>{title}</h{level}><p>{PARAGRAPH * 2}</p><p>{PARAGRAPH}</p>" for title, level in OUTLINE)
    return f"<html><head><title>x</title></head><body>{body}</body></html>"


def html(path: Path) -> None:
    path.write_text(html_text(), "utf-8")


def rst(path: Path) -> None:
    marks = "=-~"
    parts = [
        f"{title}\n{marks[level - 1] * len(title)}\n\n{PARAGRAPH * 2}\n\n{PARAGRAPH}\n" for title, level in OUTLINE
    ]
    path.write_text("\n".join(parts), "utf-8")


def docx(path: Path) -> None:
    docx_module = pytest.importorskip("docx")
    document = docx_module.Document()
    for title, level in OUTLINE:
        document.add_heading(title, level)
        document.add_paragraph(PARAGRAPH * 2)
        document.add_paragraph(PARAGRAPH)
    document.save(str(path))


def epub(path: Path) -> None:
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles><rootfile '
        'full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata/><manifest><item id="a" href="a.xhtml" '
        'media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine></package>'
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("book.opf", package)
        archive.writestr("a.xhtml", html_text().replace("<html>", '<html xmlns="http://www.w3.org/1999/xhtml">'))


def pdf(path: Path, *, tags: bool = True, outline: bool = True) -> None:
    typst = pytest.importorskip("typst")
    sizes = "\n".join(f"#show heading.where(level: {n}): set text({18 - 3 * n}pt)" for n in (1, 2, 3))
    parts = [f"{'=' * level} {title}\n\n{PARAGRAPH * 2}\n\n{PARAGRAPH}\n" for title, level in OUTLINE]
    shown = "" if outline else "#set heading(bookmarked: false, outlined: false)\n"
    source = f"{shown}{sizes}\n" + "\n".join(parts)
    path.write_bytes(typst.compile(source.encode(), format="pdf", pdf_tags=tags))


@pytest.mark.parametrize(
    ("name", "make"), [("a.html", html), ("a.rst", rst), ("a.docx", docx), ("a.epub", epub), ("a.pdf", pdf)]
)
def test_headings_and_levels_of_every_format(tmp_path: Path, name: str, make: object) -> None:
    make(tmp_path / name)  # type: ignore[operator]
    files = SourceFiles.of([str(tmp_path)])
    (document,) = read_sources(files)
    found = [(b["text"], b["level"]) for b in document.blocks if b["kind"] == "heading"]
    assert [title for title, _ in found] == [title for title, _ in OUTLINE]
    first = found[0][1]
    assert [level - first for _, level in found] == [level - 1 for _, level in OUTLINE]
    assert files.passed == []
    assert document.native is not None


def test_a_pdf_without_outline_and_tags_teaches_nothing(tmp_path: Path) -> None:
    pdf(tmp_path / "a.pdf", tags=False, outline=False)
    files = SourceFiles.of([str(tmp_path)])
    assert list(read_sources(files)) == []
    assert "no heading that its format or its outline names" in files.passed[0].why


def test_a_share_of_the_lines_shows_no_heading(tmp_path: Path) -> None:
    for number in range(12):
        body = "".join(
            f"<h2>Part {k} of {number}</h2>" + "".join(f"<p>{PARAGRAPH} {number} {k} {j}.</p>" for j in range(3))
            for k in range(14)
        )
        text = f"<html><body><h1>On {number}</h1>{body}</body></html>".replace("heron", f"bird{number} x{number * 7}")
        (tmp_path / f"n{number}.html").write_text(text, "utf-8")
    out = tmp_path / "gold.jsonl"
    build_gold([str(tmp_path)], out, BuildOptions(targets=(60, 150), forms={"plain": 1.0}, duplicate_share=0.9))
    lines = [*read_gold(out), *(read_gold(dev_path(out)) if dev_path(out).exists() else ())]
    conditions = {line.condition for line in lines}
    assert conditions == {"marked", "bare", "headless"}
    for line in lines:
        headings = any(b.kind == "heading" for b in line.document.blocks)
        assert headings == (line.condition == "marked")
        assert ("Part 3 of" in line.document.text) == (line.condition != "headless")


@pytest.mark.parametrize("form", ["pdf", "scan"])
def test_copies_say_how_well_they_were_matched(tmp_path: Path, form: str) -> None:
    pytest.importorskip("typst")
    pytest.importorskip("cv2")
    body = "".join(
        f"<h2>Part {k}</h2><p>{PARAGRAPH} Number {k}.</p><p>In year {k + 1900} it left.</p>" for k in range(9)
    )
    (tmp_path / "a.html").write_text(f"<html><body><h1>On herons</h1>{body}</body></html>", "utf-8")
    out = tmp_path / "gold.jsonl"
    report = build_gold(
        [str(tmp_path / "a.html")], out, BuildOptions(targets=(60, 60), forms={form: 1.0}, conditions={"marked": 1.0})
    )
    (line,) = read_gold(out)
    assert line.alignment is not None
    assert line.alignment >= 0.9
    assert report.alignment == {form: [line.alignment]}
    assert line.condition == f"{form}-marked"
    if form == "scan":
        # Scans are read as users read them: with the trained data that the base install brings.
        assert {page.engine for page in line.document.pages} == {reference_engine()}


def reference_engine() -> str | None:
    from docalign.ingest import ingest

    sample = Path(__file__).parents[2] / "data" / "samples" / "letter.jpg"
    return ingest(sample).pages[0].engine
