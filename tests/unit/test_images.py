"""Page images: every mode and size of picture becomes a page in points, or a named error before it is decoded."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from docalign.document import Document
from docalign.errors import DamagedInputError, LimitExceededError, OcrMissingError, UnsupportedFormatError
from docalign.ingest import IngestOptions, WorkerPool, ingest
from docalign.ingest.ocr.images import page_dpi, to_grey
from tests.support.files import picture_of, scanned_pdf, text_page, text_pdf

LINES = [
    "Nothing is lost and nothing is invented",
    "Every chunk knows where it came from",
    "A page has a size in points",
]


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(1) as opened:
        yield opened


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def texts(document: Document) -> str:
    return " ".join(document.text.split())


@pytest.mark.parametrize(("kind", "name"), [("PNG", "a.png"), ("JPEG", "a.jpg"), ("WEBP", "a.webp"), ("BMP", "a.bmp")])
def test_a_picture_of_each_format_is_read(pool: WorkerPool, kind: str, name: str) -> None:
    document = ingest(encoded(picture_of(LINES, size=(1700, 600)), kind), name=name, pool=pool)
    assert texts(document) == " ".join(LINES)
    (page,) = document.pages
    assert page.ocr
    assert page.confidence is not None
    assert page.confidence > 0.85
    box = document.blocks[0].boxes[0].box
    assert 0 < box[0] < box[2] < page.width
    assert 0 < box[1] < box[3] < page.height


def test_a_tiff_has_as_many_pages_as_pictures_and_blank_ones_say_so(pool: WorkerPool) -> None:
    small = (1700, 500)
    pages = [picture_of(LINES[:1], size=small), Image.new("L", small, 255), picture_of(LINES[1:2], size=small)]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:], dpi=(200, 200))
    seen: list[tuple[int, int]] = []
    document = ingest(data, name="a.tif", pool=pool, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert [(p.number, round(p.width), round(p.height)) for p in document.pages] == [(n, 612, 180) for n in (1, 2, 3)]
    assert [p.confidence is None for p in document.pages] == [False, True, False]
    assert texts(document) == f"{LINES[0]} {LINES[1]}"
    assert {b.page for b in document.blocks} == {1, 3}


def test_exif_orientation_is_followed(pool: WorkerPool) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its left side: turn it clockwise to see it
    data = encoded(
        picture_of(LINES, size=(1700, 600)).transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif.tobytes()
    )
    document = ingest(data, name="a.jpg", pool=pool)
    assert texts(document) == " ".join(LINES)
    assert document.pages[0].width > document.pages[0].height


@pytest.mark.parametrize(
    ("size", "dpi", "expected"),
    [
        ((1700, 2200), (200, 200), 200),  # said and plausible
        ((1700, 2200), (72, 72), 200),  # would be a poster: as if letter
        ((2200, 1700), (0, 0), 200),
        ((2200, 1700), None, 200),
        ((1700, 2200), (2400, 2400), 200),  # would be a stamp
    ],
)
def test_dpi_is_believed_only_where_it_makes_a_page(
    size: tuple[int, int], dpi: tuple[float, float] | None, expected: float
) -> None:
    image = Image.new("L", size)
    if dpi is not None:
        image.info["dpi"] = dpi
    assert page_dpi(image) == (expected, expected)


def test_a_fax_with_flat_pixels_has_its_true_shape(pool: WorkerPool) -> None:
    flat = picture_of(LINES, size=(1700, 1000)).resize((1700, 500))
    document = ingest(encoded(flat, "TIFF", dpi=(200, 100)), name="fax.tif", pool=pool)
    assert (round(document.pages[0].width), round(document.pages[0].height)) == (612, 360)
    assert LINES[0] in texts(document)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "I", "F", "I;16"])
def test_every_mode_becomes_grey_with_dark_print_on_light_paper(mode: str) -> None:
    page = picture_of(["Print"], size=(400, 300))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(page, dtype=np.uint16) * 257)
    elif mode in ("RGBA", "LA"):
        image = Image.new("RGBA", page.size, (0, 0, 0, 0))  # transparent paper, opaque print
        image.paste((0, 0, 0, 255), mask=page.point(lambda v: 255 - v))
        image = image.convert(mode)
    else:
        image = page.convert("RGB").convert(mode) if mode in ("CMYK", "YCbCr") else page.convert(mode)
    grey = to_grey(image)
    assert grey.mode == "L"
    assert grey.getpixel((5, 5)) == pytest.approx(255, abs=2)
    assert grey.getextrema()[0] < 60  # type: ignore[operator]


def test_a_bomb_is_refused_before_it_is_decoded(pool: WorkerPool) -> None:
    bomb = encoded(Image.new("1", (20_000, 20_000), 1), "PNG")
    assert len(bomb) < 100_000
    with pytest.raises(LimitExceededError, match="20000 × 20000") as caught:
        ingest(bomb, name="bomb.png", pool=pool)
    assert (caught.value.exit_code, caught.value.source) == (5, "bomb.png")


def test_limits_of_pages_and_pixels(pool: WorkerPool) -> None:
    frames = [Image.new("L", (20, 20), 255)] * 4
    data = encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    with pytest.raises(LimitExceededError, match="4 pages"):
        ingest(data, name="a.tif", pool=pool, options=IngestOptions(max_pages=3))
    with pytest.raises(LimitExceededError, match="20 × 20"):
        ingest(data, name="a.tif", pool=pool, options=IngestOptions(max_pixels=399))


@pytest.mark.parametrize("keep", [20, 200])
def test_a_picture_cut_off_before_its_text_is_damaged(pool: WorkerPool, keep: int) -> None:
    data = encoded(picture_of(LINES, size=(1700, 600)), "PNG")
    with pytest.raises(DamagedInputError) as caught:
        ingest(data[:keep], name="cut.png", pool=pool)
    assert caught.value.remedy


@pytest.mark.parametrize("progressive", [False, True])
def test_a_cut_off_picture_is_read_as_far_as_it_goes(pool: WorkerPool, progressive: bool) -> None:
    data = encoded(picture_of(LINES, size=(1700, 1400)), "JPEG", progressive=progressive)
    document = ingest(data[: int(len(data) * 0.7)], name="cut.jpg", pool=pool)
    assert LINES[0] in texts(document)
    assert any("incomplete" in warning for warning in document.warnings)


def test_a_damaged_page_of_a_tiff_costs_that_page_only(pool: WorkerPool) -> None:
    small = (1700, 300)
    pages = [picture_of(LINES[n : n + 1], size=small) for n in range(3)]
    data = bytearray(
        encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:], dpi=(200, 200), compression="tiff_lzw")
    )
    with Image.open(BytesIO(data)) as opened:
        opened.seek(1)
        at, size = opened.tag_v2[273][0], opened.tag_v2[279][0]
    data[at : at + size] = b"\xff" * size
    document = ingest(bytes(data), name="a.tif", pool=pool)
    assert texts(document) == f"{LINES[0]} {LINES[2]}"
    assert any(warning.startswith("page 2:") for warning in document.warnings)


def test_a_broken_chain_of_tiff_pages_gives_those_before_the_break(pool: WorkerPool) -> None:
    small = (1700, 300)
    pages = [picture_of(LINES[n : n + 1], size=small) for n in range(2)]
    data = bytearray(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:], dpi=(200, 200)))
    first = int.from_bytes(data[4:8], "little")
    pointer = first + 2 + 12 * int.from_bytes(data[first : first + 2], "little")
    data[pointer : pointer + 4] = (len(data) - 3).to_bytes(4, "little")
    document = ingest(bytes(data), name="a.tif", pool=pool)
    assert texts(document) == LINES[0]
    assert any("pages may be lost" in warning for warning in document.warnings)


def test_tiff_pages_of_several_sizes_and_kinds(pool: WorkerPool) -> None:
    pages = [
        picture_of(LINES[:1], size=(1700, 300)).convert("1"),
        picture_of(LINES[1:2], size=(1700, 300)).resize((850, 150)).convert("P"),
        picture_of(LINES[2:], size=(1700, 400)).convert("CMYK"),
    ]
    document = ingest(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]), name="a.tif", pool=pool)
    assert texts(document) == " ".join(LINES)


def test_of_an_animation_the_first_frame_is_read_and_the_rest_is_named(pool: WorkerPool) -> None:
    frames = [picture_of(LINES[n : n + 1], size=(1700, 300)) for n in range(2)]
    for kind, name in (("GIF", "a.gif"), ("WEBP", "a.webp")):
        document = ingest(encoded(frames[0], kind, save_all=True, append_images=frames[1:]), name=name, pool=pool)
        assert texts(document) == LINES[0]
        assert any("first of its 2 frames" in warning for warning in document.warnings)


@pytest.mark.parametrize(
    ("kind", "name"), [("JPEG2000", "a.jp2"), ("JPEG2000", "a.j2k"), ("AVIF", "a.avif"), ("GIF", "a.gif")]
)
def test_rarer_formats_are_read(pool: WorkerPool, kind: str, name: str) -> None:
    buffer = BytesIO()
    buffer.name = name
    picture_of(LINES[:1], size=(1700, 300)).save(buffer, kind)
    assert texts(ingest(buffer.getvalue(), name=name, pool=pool)) == LINES[0]


def test_heic_without_its_library_says_what_installs_it(pool: WorkerPool) -> None:
    if importlib.util.find_spec("pillow_heif"):
        pytest.skip("pillow-heif is installed; the error is for those without it")
    with pytest.raises(UnsupportedFormatError, match="HEIC") as caught:
        ingest(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(100), name="a.heic", pool=pool)
    assert ".[heic]" in caught.value.remedy


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 2)])
def test_pictures_too_small_for_text_are_blank_pages(pool: WorkerPool, size: tuple[int, int]) -> None:
    document = ingest(encoded(Image.new("L", size, 128), "PNG"), name="dot.png", pool=pool)
    assert (document.text, len(document.pages)) == ("", 1)


def test_sixteen_bits_may_hold_twelve() -> None:
    deep = Image.fromarray(np.linspace(0, 4095, 100, dtype=np.uint16).reshape(10, 10))
    assert to_grey(deep).getextrema() == (0, 255)


def test_a_language_nobody_reads_stops_the_file(pool: WorkerPool) -> None:
    data = encoded(picture_of(LINES, size=(1700, 600)), "PNG")
    with pytest.raises(OcrMissingError):
        ingest(data, name="a.png", pool=pool, options=IngestOptions(languages="xyz"))


def test_ocr_off_says_what_was_not_read(pool: WorkerPool) -> None:
    data = encoded(picture_of(LINES, size=(1700, 600)), "PNG")
    document = ingest(data, name="a.png", pool=pool, options=IngestOptions(ocr="never"))
    assert document.text == ""
    assert "page 1: the page is an image and was not read" in document.warnings[0]


HIDDEN = b"3 Tr " + text_page(["A hidden layer made by another program, and not a good one"]).replace(b"BT", b"BT 3 Tr")


def test_a_scanned_page_is_read_and_its_hidden_layer_kept_aside(pool: WorkerPool) -> None:
    document = ingest(scanned_pdf(picture_of(LINES), after=HIDDEN), name="scan.pdf", pool=pool)
    assert texts(document) == " ".join(LINES)
    assert document.pages[0].ocr
    assert "A hidden layer made by another program" in " ".join(i.text for i in document.invisible)
    assert document.blocks[0].boxes[0].box[0] == pytest.approx(180 * 72 / 200, abs=4)


def test_text_under_the_picture_is_not_taken_for_the_page(pool: WorkerPool) -> None:
    covered = text_page(["Words that the picture covers, so that nobody sees them when reading"] * 8)
    document = ingest(scanned_pdf(picture_of(LINES), before=covered), name="scan.pdf", pool=pool)
    assert texts(document) == " ".join(LINES)
    assert any(d.reason == "replaced by OCR" for d in document.dropped)


def test_a_stamp_on_a_scan_does_not_make_it_a_text_page(pool: WorkerPool) -> None:
    stamped = scanned_pdf(picture_of(LINES * 3), after=text_page(["Case 1:13-cv-01317 Document 1 Filed 04/22/13"]))
    document = ingest(stamped, name="scan.pdf", pool=pool)
    assert document.pages[0].ocr
    assert texts(document).count(LINES[0]) == 3


def test_a_slide_with_a_full_picture_behind_its_text_keeps_its_text(pool: WorkerPool) -> None:
    slide = scanned_pdf(Image.new("L", (800, 600), 230), after=text_page(["Exact words stay exact: I1lO0"]))
    document = ingest(slide, name="slide.pdf", pool=pool)
    assert texts(document) == "Exact words stay exact: I1lO0"
    assert not document.pages[0].ocr


def test_a_page_turned_in_the_file_keeps_boxes_of_the_unrotated_page(pool: WorkerPool) -> None:
    lying = picture_of(LINES, size=(2200, 1700)).transpose(Image.Transpose.ROTATE_90)  # upright again under /Rotate 90
    document = ingest(scanned_pdf(lying, extra=b"/Rotate 90"), name="scan.pdf", pool=pool)
    assert texts(document) == " ".join(LINES)
    x0, y0, x1, y1 = document.blocks[0].boxes[0].box
    assert (document.pages[0].width, document.pages[0].height) == (612, 792)
    assert y1 - y0 > x1 - x0  # lines run up the unrotated page
    assert y1 == pytest.approx(792 - 180 * 72 / 200, abs=6)


def test_ocr_modes_of_a_digital_page(pool: WorkerPool) -> None:
    data = text_pdf(["A digital page with quite enough text to be read as it is", "and a second line"])
    assert not ingest(data, name="a.pdf", pool=pool).pages[0].ocr
    always = ingest(data, name="a.pdf", pool=pool, options=IngestOptions(ocr="always"))
    assert always.pages[0].ocr
    assert "A digital page with quite enough text" in texts(always)
    never = ingest(scanned_pdf(picture_of(LINES)), name="s.pdf", pool=pool, options=IngestOptions(ocr="never"))
    assert "page 1: the page is a scan and was not read" in never.warnings[0]
    layer = ingest(
        scanned_pdf(picture_of(LINES), after=HIDDEN), name="s.pdf", pool=pool, options=IngestOptions(ocr="never")
    )
    assert "A hidden layer" in texts(layer)
    assert "hidden text layer was taken" in layer.warnings[0]


def test_a_blank_page_is_blank(pool: WorkerPool) -> None:
    document = ingest(text_pdf([], ["Only the second page says anything at all"]), name="a.pdf", pool=pool)
    assert [p.ocr for p in document.pages] == [False, False]
    assert {b.page for b in document.blocks} == {2}
