"""`docalign eval`: groups, calibration, and the HTML report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docalign.cli import run
from docalign.evaluate.calibration import calibrate
from docalign.evaluate.report import report_html
from docalign.evaluate.run import Chunking, evaluate
from docalign.evaluate.spans import spans_of
from docalign.train.gold import GoldLine, write_gold
from tests.support.documents import document_of

PARTS = [("heading", "One"), ("paragraph", "a b c"), ("heading2", "Two"), ("paragraph", "d e"), ("paragraph", "f g")]


def gold() -> list[GoldLine]:
    document = document_of(PARTS)
    return [
        GoldLine("law/1", "law", document, (0, 2), target_tokens=100, max_tokens=200, condition="marked"),
        GoldLine("law/2", "law", document, (0, 2), target_tokens=700, max_tokens=900, condition="scan-marked"),
        GoldLine("<b>talk/1", "meeting", document, (0, 3)),
    ]


def test_a_calibrated_forecaster_has_no_error_and_a_boaster_has_all_of_it() -> None:
    honest = calibrate([(0.25, i % 4 == 0) for i in range(400)])
    assert honest is not None
    assert honest.error == pytest.approx(0)
    assert honest.brier == pytest.approx(0.25 * 0.75)
    boaster = calibrate([(1.0, False)] * 10)
    assert boaster is not None
    assert (boaster.error, boaster.brier) == (1.0, 1.0)
    assert boaster.bins[-1] == (10, 1.0, 0.0)
    assert calibrate([]) is None


def test_scores_by_domain_form_and_size_with_calibration() -> None:
    def chunk(line: GoldLine) -> Chunking:
        return Chunking(spans_of(line.document, line.starts), [1.0, 0.0, float(2 in line.starts), 1.0, 0.0])

    report = evaluate(gold(), chunk)
    assert set(report["domains"]) == {"law", "meeting"}
    assert set(report["forms"]) == {"plain", "scan"}
    assert set(report["sizes"]) == {"target 1–150", "target over 600", "none"}
    assert report["boundary_f1"] == 1.0
    calibration = report["calibration"]
    assert calibration["blocks"] == 12  # the first block always starts a chunk and is not judged
    assert calibration["expected_calibration_error"] == pytest.approx(2 / 12, abs=1e-5)


def test_a_chunker_without_probabilities_has_no_calibration() -> None:
    assert "calibration" not in evaluate(gold(), lambda line: spans_of(line.document, line.starts))


def test_the_report_page_shows_every_group_and_escapes_names() -> None:
    report = evaluate(gold(), lambda line: spans_of(line.document, line.starts))
    page = report_html(report, title="docalign on <gold>")
    assert "&lt;gold&gt;" in page
    assert "<b>talk" not in page
    for heading in ("By domain", "By source", "By form", "By size asked for"):
        assert heading in page
    assert "<script" not in page


def test_eval_writes_each_format_with_the_shipped_model(tmp_path: Path) -> None:
    write_gold(tmp_path / "gold.jsonl", gold())
    for name in ("json", "html", "text"):
        assert run(["eval", str(tmp_path / "gold.jsonl"), "--format", name, "--out", str(tmp_path / name)]) == 0
    report = json.loads((tmp_path / "json").read_text())
    assert report["calibration"]["blocks"] == 12
    assert report["over_limit"] == report["lost_characters"] == 0
    assert "Reliability" in (tmp_path / "html").read_text()
    assert "calibration error" in (tmp_path / "text").read_text()
