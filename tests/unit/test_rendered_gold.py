"""A structured document printed, read back and still carrying its gold starts."""

from __future__ import annotations

from typing import Any

import pytest

from docalign.train.rendered import rendered_gold

pytest.importorskip("typst")
pytest.importorskip("cv2")

PLACES = ("the north pier", "the signal station", "the old lifeboat house", "the customs quay")
DOCUMENT: dict[str, Any] = {
    "id": "made/harbour",
    "title": "The harbour survey",
    "blocks": [
        {"kind": "heading", "level": 1, "text": "The harbour survey"},
        *(
            block
            for place in PLACES
            for block in (
                {"kind": "heading", "level": 2, "text": f"Condition of {place}"},
                {"kind": "paragraph", "level": None, "text": f"The masonry of {place} was sounded by two masons. " * 4},
                {"kind": "paragraph", "level": None, "text": f"Repairs to {place} can wait until the autumn. " * 3},
            )
        ),
    ],
}
STARTS = (0, 4, 7, 10)


@pytest.mark.parametrize("mode", ["pdf", "scan"])
@pytest.mark.parametrize("seed", [1, 4])
def test_gold_starts_point_at_the_same_headings_after_rendering(mode: Any, seed: int) -> None:
    document, starts, quality = rendered_gold(DOCUMENT, STARTS, seed=seed, mode=mode)
    assert quality > 0.95
    assert document.pages[0].ocr == (mode == "scan")
    assert len(starts) == len(STARTS)
    for start, place in zip(starts[1:], PLACES[1:], strict=True):
        assert f"condition of {place}" in document.block_text(document.blocks[start]).lower()
