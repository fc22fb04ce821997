"""What kind of page it is, and when its text layer is doubted, checked and replaced."""

from __future__ import annotations

import random
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from benchmarks.ingest.planted import UNUSUAL, plant, typeset
from docalign.ingest import IngestOptions, ingest
from docalign.ingest.pdf.reader import PdfReader, Triaged
from docalign.ingest.pdf.text_signs import TextSigns, text_signs
from docalign.ingest.pdf.triage import PageFacts, judge, judge_agreement
from tests.support.files import picture_of, scanned_pdf, text_page

ENGLISH = (
    "The committee met in the old library to talk about the new budget, and for the first time in years it was "
    "not late. Most of the members had read the report, which is what made the difference; a few had not, and so "
    "the chair went through the main points one by one before anyone was asked to vote on it."
)
GERMAN = (
    "Der Ausschuss traf sich in der alten Bibliothek, um über den neuen Haushalt zu reden, und das erste Mal seit "
    "Jahren war er nicht zu spät. Die meisten hatten den Bericht gelesen, und das ist es, was den Unterschied machte."
)
RUSSIAN = (
    "Комитет собрался в старой библиотеке, чтобы поговорить о новом бюджете, и впервые за много лет он не опоздал. "
    "Большинство прочитало отчёт, и это было важно. Он не был из тех, кто всё читает по два раза, но это не так."
)


def facts(text: str = ENGLISH, **changes: object) -> PageFacts:
    signs = text_signs(text.split())
    sound = PageFacts(
        visible=signs.characters,
        invisible=0,
        image_share=0.0,
        hides_text=False,
        printed_pictures=(),
        inked=True,
        ink_beside_text=0.0,
        signs=signs,
        width_fit=0.95,
        advance_em=1.0,
        unmapped=0.0,
    )
    return replace(sound, **changes)  # type: ignore[arg-type]


def shifted(text: str, by: int) -> str:
    return "".join(chr(ord(c) + by) if c.isalnum() else c for c in text)


def shuffled(text: str) -> str:
    letters = list("abcdefghijklmnopqrstuvwxyz")
    mixed = letters.copy()
    random.Random(4).shuffle(mixed)
    return text.translate(str.maketrans("".join(letters), "".join(mixed)))


@pytest.mark.parametrize("text", [ENGLISH, GERMAN, RUSSIAN, ENGLISH.upper()], ids=["en", "de", "ru", "capitals"])
def test_running_text_is_trusted(text: str) -> None:
    assert (judge(facts(text)).kind, judge(facts(text)).read) == ("text", "layer")


@pytest.mark.parametrize(
    "text",
    [
        shifted(ENGLISH, 1),
        shifted(ENGLISH, -3),
        shuffled(ENGLISH),
        shifted(RUSSIAN, 3),
        ENGLISH.translate(str.maketrans("eo", "oe")),
        "12.5 30.1 " * 30,
        "".join(chr(0x4E00 + 37 * ord(c)) if c.isalpha() else c for c in ENGLISH),
        ENGLISH.replace("t", "т").replace("m", "м"),
    ],
    ids=["+1", "-3", "shuffled", "russian +3", "e and o", "numbers", "han", "two scripts"],
)
def test_letters_that_fit_no_language_are_checked(text: str) -> None:
    advance = 0.5 if "\u4e00" < text[0] < "\ua000" else 1.0
    verdict = judge(facts(text, width_fit=None, advance_em=advance))
    assert (verdict.kind, verdict.read) == ("suspect", "check")
    assert verdict.reasons


def test_letters_of_the_wrong_width_are_checked() -> None:
    verdict = judge(facts(width_fit=0.4))
    assert verdict.read == "check"
    assert "not as wide" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("changes", "kind", "read"),
    [
        ({"visible": 0, "inked": False}, "blank", "layer"),
        ({"visible": 0, "image_share": 0.9}, "scan", "ocr"),
        ({"visible": 0, "invisible": 500, "image_share": 0.9}, "hidden", "ocr"),
        ({"hides_text": True}, "hidden", "ocr"),
        ({"visible": 0}, "scan", "try"),
        ({"visible": 2, "ink_beside_text": 0.05}, "scan", "try"),
        ({"visible": 2}, "text", "layer"),
        ({"visible": 100, "image_share": 1.0}, "hybrid", "try"),
        ({"image_share": 1.0, "visible": 900}, "text", "layer"),
        ({"image_share": 0.3, "visible": 900, "printed_pictures": ((0, 0, 9, 9),)}, "hybrid", "pictures"),
    ],
)
def test_pages_by_kind(changes: dict[str, object], kind: str, read: str) -> None:
    verdict = judge(facts(**changes))
    assert (verdict.kind, verdict.read) == (kind, read)


def test_a_layer_of_junk_is_read_without_a_check() -> None:
    for signs in (text_signs(["\ufffd" * 30]), text_signs(["\ue001\ue002" * 20, "abc"]), text_signs(["abc"], 20)):
        assert (judge(facts(signs=signs)).kind, judge(facts(signs=signs)).read) == ("suspect", "ocr")
    bullets: TextSigns = text_signs([*("an honest line of text " * 3).split(), "\uf0b7"])
    assert judge(facts(signs=bullets)).read == "layer"


def test_ocr_that_agrees_acquits_and_ocr_that_cannot_tell_keeps_the_layer() -> None:
    doubt = judge(facts(width_fit=0.4))
    assert (judge_agreement(doubt, 0.99).kind, judge_agreement(doubt, 0.99).read) == ("text", "layer")
    assert (judge_agreement(doubt, None).kind, judge_agreement(doubt, None).read) == ("suspect", "layer")
    assert (judge_agreement(doubt, 0.3).kind, judge_agreement(doubt, 0.3).read) == ("suspect", "ocr")
    assert judge_agreement(doubt, 0.3, overrules=False).read == "layer"
    assert "0.30" in judge_agreement(doubt, 0.3).reasons[-1]


def test_leader_dots_are_no_reason_to_doubt_a_contents_page() -> None:
    text = "".join(f"Chapter {n}: Results of the survey {'. ' * 60} {n * 7}\n" for n in range(1, 20))
    assert judge(facts(text)).read == "layer"


@pytest.mark.parametrize("kind", ["shifted by -29", "shuffled letters", "e and o swapped", "no map", "all Chinese"])
def test_a_lying_layer_is_caught_on_a_page_that_looks_sound(kind: str, tmp_path: Path) -> None:
    found = triaged(plant(typeset(UNUSUAL["serif"]), kind), tmp_path)
    assert (found.verdict.kind, found.verdict.read) == ("suspect", "ocr")


@pytest.mark.parametrize("name", ["numbers", "code", "formulas", "contents", "names", "russian", "turned", "on dark"])
def test_an_unusual_page_keeps_its_layer(name: str, tmp_path: Path) -> None:
    assert triaged(typeset(UNUSUAL[name]), tmp_path).verdict.read == "layer"


def triaged(data: bytes, folder: Path) -> Triaged:
    path = folder / "page.pdf"
    path.write_bytes(data)
    reader = PdfReader(str(path), IngestOptions())
    try:
        return reader.triage(0)
    finally:
        reader.close()


def test_a_replaced_layer_is_kept_aside_and_said(tmp_path: Path) -> None:
    path = tmp_path / "page.pdf"
    path.write_bytes(plant(typeset(UNUSUAL["serif"]), "shuffled letters"))
    document = ingest(path, options=IngestOptions(workers=1))
    assert "ferryman used the time" in document.text
    assert any(d.reason == "replaced by OCR" and len(d.text) > 40 for d in document.dropped)
    assert any("text layer is in doubt" in w and "read by OCR" in w for w in document.warnings)
    assert document.pages[0].ocr
    kept = ingest(path, options=IngestOptions(workers=1, ocr="never"))
    assert "ferryman" not in kept.text
    assert any("OCR is off" in w for w in kept.warnings)


def test_text_in_a_picture_joins_the_layer_and_a_photograph_adds_nothing(tmp_path: Path) -> None:
    picture = picture_of(["Text that stands in a picture", "and goes on in another line", "and ends in a third one"])
    shown = b"q 400 0 0 200 100 100 cm /I1 Do Q "
    layer = text_page(["A page of text that has a picture of some other text in it, which nobody typed again"])
    path = tmp_path / "page.pdf"
    for image, kind in ((picture.crop((0, 150, 1400, 850)), "hybrid"), (photograph(), "text")):
        data = scanned_pdf(image, before=layer).replace(b"q 612 0 0 792 0 0 cm /I1 Do Q", shown)
        path.write_bytes(pikepdf_repaired(data))
        reader = PdfReader(str(path), IngestOptions())
        page = reader.page(0)
        reader.close()
        assert (page.kind, page.ocr) == (kind, False)
        assert page.lines[0].text.startswith("A page of text")
        text = " ".join(line.text for line in page.lines)
        assert ("goes on in another line" in text) == (kind == "hybrid")


def photograph() -> Image.Image:
    rng = random.Random(5)
    small = Image.new("L", (40, 20))
    small.putdata([rng.randrange(256) for _ in range(800)])
    return small.resize((1400, 700), Image.Resampling.BICUBIC)


def pikepdf_repaired(data: bytes) -> bytes:
    target = BytesIO()
    with pikepdf.open(BytesIO(data)) as pdf:
        pdf.save(target)
    return target.getvalue()
