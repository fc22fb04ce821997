"""Broken, cyclic, encrypted and bombed PDFs."""

from __future__ import annotations

import zlib

from tests.support.files import make_pdf, pages_pdf, picture_of, scanned_pdf, stream, text_page, text_pdf

LINES = ["The committee met on the second day of March", "and agreed on all seven points of its report."]
GOOD = text_pdf(*([f"Page {n}.", *LINES] for n in range(1, 4)))
CATALOG, FONT = b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>"


def deflated(content: bytes, entries: bytes = b"") -> bytes:
    return stream(zlib.compress(content), b"/Filter/FlateDecode" + entries)


def one_page(content: bytes, *, page: bytes = PAGE % 5, font: bytes = FONT, more: tuple[bytes, ...] = ()) -> bytes:
    """Catalog 1, tree 2, font 3, page 4, content object 5, then `more` from 6 on."""
    tree = b"<</Type/Pages/Kids[4 0 R]/Count 1>>"
    return make_pdf([CATALOG, tree, font, page, content, *more])


def cut(share: float) -> bytes:
    return GOOD[: int(len(GOOD) * share)]


def flipped_stream(first: int, count: int) -> bytes:
    """A page of deflated text some of whose compressed bytes are inverted; a good page follows."""
    packed = bytearray(zlib.compress(text_page([f"{n} {LINES[n % 2]}" for n in range(40)]), 9))
    for at in range(first, min(first + count, len(packed))):
        packed[at] ^= 0xFF
    tree = b"<</Type/Pages/Kids[4 0 R 6 0 R]/Count 2>>"
    damaged = stream(bytes(packed), b"/Filter/FlateDecode")
    return make_pdf([CATALOG, tree, FONT, PAGE % 5, damaged, PAGE % 7, stream(text_page(LINES))])


def flipped_font() -> bytes:
    return GOOD.replace(b"/BaseFont/Helvetica", b"/BaseF\xffnt/Helvet\x00ca")


def page_tree_cycle() -> bytes:
    return make_pdf([CATALOG, b"<</Type/Pages/Kids[2 0 R 3 0 R]/Count 2>>", b"<</Type/Pages/Kids[2 0 R]/Count 1>>"])


def form_cycle() -> bytes:
    """A form that draws itself, beside honest text."""
    form = stream(
        b"/X1 Do BT /F1 12 Tf 72 600 Td (inside) Tj ET",
        b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources<</XObject<</X1 4 0 R>>>>",
    )
    return pages_pdf([text_page(LINES) + b" /X1 Do"], resources=b"/XObject<</X1 4 0 R>>", more=[form])


def form_drawing_itself(times: int) -> bytes:
    """The same, drawing itself so often: `times` to the power of 40, and each drawing unpacks the stream anew."""
    form = deflated(b"/X1 Do " * times, b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X1 4 0 R>>>>")
    return pages_pdf([text_page(LINES) + b" /X1 Do", text_page(LINES)], resources=b"/XObject<</X1 4 0 R>>", more=[form])


def form_bomb_beside_a_lost_page() -> bytes:
    """The same in a file of which the parsers disagree about how many pages it has."""
    return form_drawing_itself(2).replace(b"\n7 0 obj", b"\n8 0 obj")


def forms_doubling(levels: int) -> bytes:
    """Forms without a cycle, each drawing the next one twice; their names are spelled in two ways."""
    forms = [
        deflated(
            b"/X#31 Do /X1 Do BT /F1 9 Tf (x) Tj ET",
            b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X1 %d 0 R>>>>" % (5 + level),
        )
        for level in range(levels)
    ]
    last = deflated(b"0 0 m 1 1 l S", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]")
    pages = [text_page(LINES) + b" /X1 Do", text_page(LINES)]
    return pages_pdf(pages, resources=b"/XObject<</X1 4 0 R>>", more=[*forms, last])


def outline_cycle() -> bytes:
    catalog = b"<</Type/Catalog/Pages 2 0 R/Outlines 6 0 R>>"
    item = b"<</Title(The committee)/Parent 6 0 R/Next 7 0 R/First 7 0 R/Last 7 0 R/Dest[4 0 R/Fit]>>"
    tree = b"<</Type/Pages/Kids[4 0 R]/Count 1>>"
    outlines = b"<</Type/Outlines/First 7 0 R/Last 7 0 R/Count 1>>"
    return make_pdf([catalog, tree, FONT, PAGE % 5, stream(text_page(LINES)), outlines, item])


def length_cycle() -> bytes:
    body = text_page(LINES)
    return one_page(b"<</Length 5 0 R>>stream\n%b\nendstream" % body)


def deflate_bomb(megabytes: int) -> bytes:
    """A content stream that inflates to this much white space before its text."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(megabytes))
    packed += packer.compress(text_page(LINES)) + packer.flush()
    return one_page(stream(packed, b"/Filter/FlateDecode"))


def double_bomb(megabytes: int) -> bytes:
    packed = zlib.compress(zlib.compress(b" " * (megabytes << 20), 9), 9)
    return one_page(stream(packed, b"/Filter[/FlateDecode/FlateDecode]"))


def image_bomb(side: int) -> bytes:
    """A page under one 1-bit picture of `side` × `side` pixels, a few kB when packed."""
    row = zlib.compressobj(9)
    packed = b"".join(row.compress(b"\xff" * (side // 8 * 64)) for _ in range(side // 64)) + row.flush()
    entries = b"/Type/XObject/Subtype/Image/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/FlateDecode"
    picture = stream(packed, b"%b/Width %d/Height %d" % (entries, side, side))
    return pages_pdf([b"q 612 0 0 792 0 0 cm /I1 Do Q"], resources=b"/XObject<</I1 4 0 R>>", more=[picture])


def operator_bomb(count: int) -> bytes:
    return one_page(deflated(b"BT /F1 1 Tf 72 720 Td " + b"(a) Tj " * count + b"ET"))


def foreign_lock() -> bytes:
    """Encrypted by a security handler nobody knows."""
    lock = b"<</Filter/Acme.DRM/V 99>>"
    objects = [
        CATALOG,
        b"<</Type/Pages/Kids[4 0 R]/Count 1>>",
        FONT,
        PAGE % 5,
        stream(bytes(range(128, 208))),
        lock,
    ]
    return make_pdf(objects, b"/Encrypt 6 0 R/ID[<00><00>]")


def media_box(box: bytes) -> bytes:
    return one_page(stream(text_page(LINES)), page=(PAGE % 5).replace(b"[0 0 612 792]", box))


def bad_startxref() -> bytes:
    head, _, _ = GOOD.rpartition(b"startxref")
    return head + b"startxref\n999999\n%%EOF\n"


def no_xref() -> bytes:
    head, _, tail = GOOD.rpartition(b"xref\n0")
    return head + b"trailer" + tail.partition(b"trailer")[2].partition(b"startxref")[0] + b"%%EOF\n"


def shifted_xref() -> bytes:
    return GOOD.replace(b"%PDF-1.4\n", b"%PDF-1.4\n%a comment someone put in later\n")


def junk_before(count: int) -> bytes:
    return b"\x00\xff junk \n" * count + GOOD


def tree(body: bytes) -> bytes:
    return make_pdf([CATALOG, body, FONT, PAGE % 5, stream(text_page(LINES))])


def deep_tree(depth: int) -> bytes:
    """Page tree nodes one inside the other, a page at the bottom."""
    objects = [CATALOG]
    for number in range(2, 2 + depth):
        objects.append(b"<</Type/Pages/Kids[%d 0 R]/Count 1/Parent %d 0 R>>" % (number + 1, max(2, number - 1)))
    last = 2 + depth
    font = b"/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
    objects.append(b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 612 792]%b/Contents %d 0 R>>" % (last - 1, font, last + 1))
    objects.append(stream(text_page(LINES)))
    return make_pdf(objects)


def font(body: bytes, *more: bytes, text: bytes = b"") -> bytes:
    return one_page(stream(text or text_page(LINES)), font=body, more=more)


def broken_font_program() -> bytes:
    descriptor = b"<</Type/FontDescriptor/FontName/Evil/Flags 4/FontFile2 7 0 R>>"
    program = stream(b"\x00\x01\x00\x00" + bytes(range(256)) * 8, b"/Length1 2052")
    body = b"<</Type/Font/Subtype/TrueType/BaseFont/Evil/FirstChar 32/LastChar 33/FontDescriptor 6 0 R>>"
    return font(body, descriptor, program)


def cmap_cycle() -> bytes:
    body = b"<</Type/Font/Subtype/Type0/BaseFont/E/Encoding 6 0 R/DescendantFonts[7 0 R]/ToUnicode 6 0 R>>"
    cmap = stream(b"/CMapName /Loop def begincmap 1 usefont /Loop usecmap endcmap", b"/Type/CMap/UseCMap 6 0 R")
    child = b"<</Type/Font/Subtype/CIDFontType2/BaseFont/E/CIDSystemInfo<</Registry(A)/Ordering(B)/Supplement 0>>>>"
    return font(body, cmap, child)


def cmap_range_bomb() -> bytes:
    """A ToUnicode map of 200 ranges of 65,536 codes each."""
    ranges = b"".join(b"100 beginbfrange\n" + b"<0000> <ffff> <0041>\n" * 100 + b"endbfrange\n" for _ in range(2))
    cmap = deflated(b"begincmap 1 begincodespacerange <0000> <ffff> endcodespacerange\n" + ranges + b"endcmap")
    return font(FONT.replace(b">>", b"/ToUnicode 6 0 R>>"), cmap)


def path_as_encoding(name: bytes) -> bytes:
    """The encoding is a path: older pdfminer would unpickle the file it names (CVE-2025-64512)."""
    body = b"<</Type/Font/Subtype/Type0/BaseFont/E/Encoding/%b/DescendantFonts[6 0 R]>>" % name
    child = b"<</Type/Font/Subtype/CIDFontType2/BaseFont/E/CIDSystemInfo<</Registry(A)/Ordering(B)/Supplement 0>>>>"
    return font(body, child)


def content(data: bytes) -> bytes:
    return one_page(deflated(data))


def filtered(name: bytes, data: bytes = b"\x1b\x00\x00\x24\x00garbage" * 20) -> bytes:
    """A content stream behind a filter, with a good page after it."""
    tree = b"<</Type/Pages/Kids[4 0 R 6 0 R]/Count 2>>"
    odd = stream(data, b"/Filter/" + name)
    return make_pdf([CATALOG, tree, FONT, PAGE % 5, odd, PAGE % 7, stream(text_page(LINES))])


def image_filter(name: bytes) -> bytes:
    """A page under a picture whose data is no such picture."""
    entries = b"/Type/XObject/Subtype/Image/ColorSpace/DeviceGray/BitsPerComponent 8/Width 1700/Height 2200/Filter/"
    picture = stream(bytes(range(256)) * 12, entries + name)
    return pages_pdf([b"q 612 0 0 792 0 0 cm /I1 Do Q"], resources=b"/XObject<</I1 4 0 R>>", more=[picture])


def xfa(*, loading: bool) -> bytes:
    """A form made of XFA packets; `loading`: with the "Please wait" page of dynamic forms."""
    page = [b"Please wait...", b"If this message is not eventually replaced"] if loading else [b"Name", b"Address"]
    needs = b"true" if loading else b"false"
    catalog = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</XFA 6 0 R/Fields[]>>/NeedsRendering %b>>" % needs
    packets = stream(b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'><template/></xdp:xdp>")
    shown = stream(text_page([p.decode() for p in page]))
    return make_pdf([catalog, b"<</Type/Pages/Kids[4 0 R]/Count 1>>", FONT, PAGE % 5, shown, packets])


def with_attachment(name: bytes, data: bytes, *, portfolio: bool = False) -> bytes:
    names = b"<</EmbeddedFiles<</Names[(%b) 6 0 R]>>>>" % name
    collection = b"/Collection<</View/D>>" if portfolio else b""
    catalog = b"<</Type/Catalog/Pages 2 0 R/Names %b%b>>" % (names, collection)
    spec = b"<</Type/Filespec/F(%b)/UF(%b)/EF<</F 7 0 R>>>>" % (name, name)
    file = deflated(data, b"/Type/EmbeddedFile")
    shown = stream(text_page(LINES))
    return make_pdf([catalog, b"<</Type/Pages/Kids[4 0 R]/Count 1>>", FONT, PAGE % 5, shown, spec, file])


def portfolio_in_itself(depth: int) -> bytes:
    data = GOOD
    for _ in range(depth):
        data = with_attachment(b"inner.pdf", data, portfolio=True)
    return data


def with_action(action: bytes) -> bytes:
    catalog = b"<</Type/Catalog/Pages 2 0 R/OpenAction %b>>" % action
    tree = b"<</Type/Pages/Kids[4 0 R]/Count 1>>"
    return make_pdf([catalog, tree, FONT, PAGE % 5, stream(text_page(LINES))])


def hidden_text(before: bytes) -> bytes:
    """Text no viewer shows, made so by `before`, and text that is shown."""
    secret = b" BT /F1 12 Tf 72 300 Td %b (unseen words of the page) Tj ET" % before
    return one_page(stream(text_page(LINES) + secret))


def blank_scan() -> bytes:
    return scanned_pdf(picture_of([]))


def references_nothing() -> bytes:
    """The page's content object does not exist; a good page follows."""
    tree = b"<</Type/Pages/Kids[4 0 R 6 0 R]/Count 2>>"
    return make_pdf([CATALOG, tree, FONT, PAGE % 99, b"null", PAGE % 7, stream(text_page(LINES))])
