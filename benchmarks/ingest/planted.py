"""Pages whose text layer is garbage in a known way, and unusual pages whose layer is good.

Typst sets the pages; `pikepdf` then rewrites what their fonts say about characters (the ToUnicode maps), so the page
looks the same and its layer lies. Scans get a junk layer under or behind the picture.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pikepdf
import pypdfium2 as pdfium
import typst

__all__ = ["LAYERS", "UNUSUAL", "garbage_pages", "plant", "typeset", "unusual_pages"]

_PROSE = """
= The ferry house
When the lake froze in the second week of January, the ferry stopped, and the village on the far side was cut off
for nineteen days. The post came over the ice by sledge. Nobody was surprised, because it had happened before: the
parish book names eleven such winters between 1780 and 1850, and for most of them it gives the day on which the first
cart crossed. What was new was the telephone, which had been laid along the bottom in the summer and went on working.

The ferryman used the time to take the engine apart. He had kept a list of everything that had gone wrong since the
boat was bought, and he worked through it from the top, one thing a day, writing the date behind each line.

- The pump was cleaned and got a new seal.
- The second cylinder lost power in the rain, so the wires were replaced.
- Both of the lamps were taken ashore to be mended by the smith.

== What it cost
In all he spent 142 crowns, of which the parish paid 90 and the two inns the rest. The council thanked him at its
meeting in March and asked for a report, but by then the ice had gone and there was no time to write one.
"""
_GERMAN = """
= Das Fährhaus
Als der See in der zweiten Januarwoche zufror, blieb die Fähre liegen, und das Dorf auf der anderen Seite war für
neunzehn Tage abgeschnitten. Die Post kam mit dem Schlitten über das Eis. Niemand war überrascht, denn es war schon
früher geschehen: Das Kirchenbuch nennt elf solche Winter, und für die meisten gibt es den Tag an, an dem der erste
Wagen hinüberfuhr. Neu war das Telefon, das man im Sommer über den Grund gelegt hatte und das weiter ging.

Der Fährmann nutzte die Zeit, um die Maschine zu zerlegen. Er hatte eine Liste geführt über alles, was nicht in
Ordnung war, seit das Boot gekauft wurde, und er ging sie von oben nach unten durch, eine Sache am Tag.
"""
_NUMBERS = "#table(columns: 6, stroke: none, ..range(180).map(i => [#calc.rem(i * 7919 + 331, 9973)]))"
_STYLES = {
    "serif": '#set text(font: "Libertinus Serif", size: 11pt)\n' + _PROSE,
    "modern": '#set text(font: "New Computer Modern", size: 10pt)\n' + _PROSE,
    "mono": '#set text(font: "DejaVu Sans Mono", size: 9pt)\n' + _PROSE,
    "columns": '#set page(columns: 2)\n#set text(font: "Libertinus Serif", size: 10pt)\n#set par(justify: true)\n'
    + _PROSE,
    "german": '#set text(font: "Libertinus Serif", size: 11pt)\n' + _GERMAN,
    "capitals": '#set text(font: "New Computer Modern", size: 10pt)\n#upper[' + _PROSE.replace("=", "") + "]",
    "bold": '#set text(font: "Libertinus Serif", size: 12pt, weight: "bold", style: "italic")\n' + _PROSE,
}
_PARTS = {
    "numbers": _NUMBERS,
    "code": "```c\n"
    + "".join(f"for (i{n} = 0; i{n} < {n * 37}; ++i{n}) {{ buf[i{n}] ^= 0x{n * 4099:x}; }}\n" for n in range(30))
    + "```",
    "formulas": "".join(
        f"$ integral_0^{n} (x^{n} + alpha_{n}) / (1 - beta^2) dif x = sum_(k=1)^oo (-1)^k / (k^{n} + {n}) $\n"
        for n in range(2, 14)
    ),
    "contents": '#set text(font: "Libertinus Serif")\n'
    + "".join(f"Chapter {n}: Results of survey {n} #box(width: 1fr, repeat[.]) {n * 7}\n\n" for n in range(1, 30)),
    "short": "Annex B",
    "one line": "This page has been left blank on purpose.",
    "names": "".join(
        f"Wojciech Brzęczyszczykiewicz, {n} Hrdlička Str., Bydgoszcz PL-{85000 + n}\n\n" for n in range(20)
    ),
    "codes": "#set text(9pt)\n" + "".join(f"ZX-{n * 7919:05d}-QWV/{n}KJ \\ \n" for n in range(40)),
    "french": "L’année où le lac gela, le bac fut arrêté et le village de l’autre rive resta coupé du monde pendant "
    "dix-neuf jours. La poste passait sur la glace en traîneau; nul ne s’en étonna, car cela était déjà arrivé. " * 4,
    "finnish": "Kun järvi jäätyi tammikuun toisella viikolla, lautta pysähtyi ja toisella puolella oleva kylä jäi "
    "eristyksiin yhdeksäntoista päivän ajaksi. Posti tuli jään yli reellä, eikä kukaan ollut siitä yllättynyt. " * 4,
    "polish": "Gdy jezioro zamarzło w drugim tygodniu stycznia, prom stanął, a wieś po drugiej stronie była odcięta "
    "od świata przez dziewiętnaście dni. Pocztę wożono po lodzie saniami i nikt się temu nie dziwił. " * 4,
    "russian": "Когда озеро замёрзло во вторую неделю января, паром встал, и деревня на том берегу была отрезана на "
    "девятнадцать дней. Почту возили по льду на санях, и никто этому не удивлялся, потому что так было и прежде. " * 4,
    "greek": "Όταν η λίμνη πάγωσε τη δεύτερη εβδομάδα του Ιανουαρίου, το πέρασμα σταμάτησε και το χωριό στην άλλη "
    "πλευρά έμεινε αποκομμένο για δεκαεννέα ημέρες. Το ταχυδρομείο ερχόταν πάνω στον πάγο με έλκηθρο. " * 4,
    "turned": "#set page(flipped: true)\n#rotate(-90deg, reflow: true)[#box(width: 400pt)[" + _PROSE[20:900] + "]]",
    "light": "#set text(fill: luma(190))\n" + _PROSE,
    "on dark": "#set page(fill: luma(30))\n#set text(fill: white)\n" + _PROSE,
}
UNUSUAL = {**_STYLES, **_PARTS}
"""Typst sources by name: good pages, ordinary and not."""

Mapping = Callable[[str, random.Random], str]


def typeset(source: str) -> bytes:
    """One page of A4."""
    return typst.compile(f'#set page("a4", margin: 60pt)\n{source}'.encode())


def _shift(by: int) -> Mapping:
    return lambda c, _: chr(max(33, ord(c) + by)) if c.strip() else c


def _table(pairs: Callable[[random.Random], dict[str, str]]) -> Mapping:
    known: dict[int, dict[str, str]] = {}
    return lambda c, rng: known.setdefault(id(rng), pairs(rng)).get(c, c)


def _shuffled(rng: random.Random) -> dict[str, str]:
    found: dict[str, str] = {}
    for group in ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"):
        found.update(zip(group, rng.sample(group, len(group)), strict=True))
    return found


LAYERS: dict[str, Mapping | None] = {
    "shifted by 1": _shift(1),
    "shifted by -29": _shift(-29),
    "shuffled letters": _table(_shuffled),
    "rotated vowels": _table(lambda _: dict(zip("aeiouAEIOU", "eiouaEIOUA", strict=True))),
    "e and o swapped": _table(lambda _: dict(zip("eoEO", "oeOE", strict=True))),
    "random map": lambda _, rng: chr(rng.choice((0x100, 0x400, 0x590, 0x4E00, 0xAC00)) + rng.randrange(120)),
    "all Chinese": lambda c, _: chr(0x4E00 + 31 * (ord(c) % 256)),
    "private use": lambda c, _: chr(0xE000 + ord(c) % 256),
    "no map": None,
}
"""What a garbage layer makes of each character; None takes the map away."""


def plant(pdf: bytes, kind: str, seed: int = 1) -> bytes:
    """The same page with the ToUnicode maps of all its fonts rewritten (or removed)."""
    rng = random.Random(seed)
    opened = pikepdf.open(BytesIO(pdf))
    known: dict[str, str] = {}
    for font in _fonts(opened):
        lie = LAYERS[kind]
        if lie is None:
            del font["/ToUnicode"]
            continue
        entries = []
        for code, target in _entries(font["/ToUnicode"].read_bytes().decode("latin-1")):
            text = bytes.fromhex(target).decode("utf-16-be")
            wrong = "".join(known.setdefault(c, lie(c, rng)) for c in text)
            entries.append(f"<{code}> <{wrong.encode('utf-16-be', 'surrogatepass').hex()}>")
        font["/ToUnicode"] = opened.make_stream(_cmap(entries, len(entries[0].split(">")[0]) - 1))
    target_file = BytesIO()
    opened.save(target_file)
    return target_file.getvalue()


def _fonts(pdf: pikepdf.Pdf) -> Iterator[Any]:
    for item in pdf.objects:
        if isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/Font" and "/ToUnicode" in item:
            yield item


def _entries(cmap: str) -> Iterator[tuple[str, str]]:
    for block in re.findall(r"beginbfchar(.*?)endbfchar", cmap, re.S):
        yield from re.findall(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block)
    for block in re.findall(r"beginbfrange(.*?)endbfrange", cmap, re.S):
        for low, high, first in re.findall(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            for step in range(int(high, 16) - int(low, 16) + 1):
                yield f"{int(low, 16) + step:0{len(low)}x}", f"{int(first, 16) + step:0{len(first)}x}"


def _cmap(entries: list[str], digits: int) -> bytes:
    blocks = "".join(
        f"{len(part)} beginbfchar\n" + "\n".join(part) + "\nendbfchar\n"
        for part in (entries[start : start + 100] for start in range(0, len(entries), 100))
    )
    head = "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
    return (
        f"{head}1 begincodespacerange <{'0' * digits}> <{'f' * digits}> endcodespacerange\n{blocks}endcmap\n".encode()
    )


def _scan(pdf: bytes, layer: list[str], *, hidden: bool) -> bytes:
    """A picture of the page over (or with, in render mode 3) a layer of these lines."""
    with pdfium.PdfDocument(pdf) as opened:
        image = opened[0].render(scale=150 / 72, grayscale=True).to_pil().convert("L")
    picture = BytesIO()
    image.save(picture, "JPEG", quality=80)
    out = pikepdf.new()
    page = out.add_blank_page(page_size=(595, 842))
    text = "".join(f"({line}) Tj T*\n" for line in layer)
    drawn = f"BT {3 if hidden else 0} Tr /F1 11 Tf 14 TL 60 770 Td {text} ET q 595 0 0 842 0 0 cm /I1 Do Q"
    page.Contents = out.make_stream(drawn.encode("latin-1", "replace"))
    font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
    stream = out.make_stream(picture.getvalue())
    stream.Type, stream.Subtype, stream.Filter = pikepdf.Name.XObject, pikepdf.Name.Image, pikepdf.Name.DCTDecode
    stream.Width, stream.Height, stream.BitsPerComponent = image.width, image.height, 8
    stream.ColorSpace = pikepdf.Name.DeviceGray
    page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font), XObject=pikepdf.Dictionary(I1=stream))
    target = BytesIO()
    out.save(target)
    return target.getvalue()


def _junk(rng: random.Random) -> list[str]:
    return ["".join(rng.choice("abcdefghijklmnop .,;rstuvw'xyz0") for _ in range(60)) for _ in range(30)]


def _misread(rng: random.Random) -> list[str]:
    lines = [line for line in _PROSE.split("\n") if line]
    return [
        "".join(rng.choice("aeilrtn1.") if rng.random() < 0.3 else c for c in re.sub(r"[()\\]", "", ln)) for ln in lines
    ]


def garbage_pages() -> Iterator[tuple[str, str, bytes]]:
    """(kind, page, PDF): every way of lying on every page it can be done on."""
    for name, source in _STYLES.items():
        good = typeset(source)
        for number, kind in enumerate(LAYERS):
            yield kind, name, plant(good, kind, seed=number)
        rng = random.Random(name)
        yield "junk hidden layer", name, _scan(good, _junk(rng), hidden=True)
        yield "misread hidden layer", name, _scan(good, _misread(rng), hidden=True)
        yield "junk under the picture", name, _scan(good, _junk(rng), hidden=False)
    yield "digits shuffled", "numbers", plant(typeset(_NUMBERS), "shuffled letters")


def unusual_pages() -> Iterator[tuple[str, bytes]]:
    """(name, PDF): good pages that are unlike running text, and some that are not."""
    for name, source in UNUSUAL.items():
        yield name, typeset(source)
