"""The training experiments in miniature: every factor, the transfer and the styles run on a tiny random LLM."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra is not installed")
pytest.importorskip("trl", reason="the training extra is not installed")

from benchmarks.train import screen, transfer  # noqa: E402
from benchmarks.train.form import Form, form_renderer, form_windows, lift_mask  # noqa: E402
from benchmarks.train.inline import InlineEngine, with_labels  # noqa: E402
from benchmarks.train.styles import STYLES, TEST, TRAIN, style_lines  # noqa: E402
from docalign.chunker.context import Window  # noqa: E402
from docalign.train.gold import read_gold  # noqa: E402
from docalign.train.slot_model import cut_base, log_odds  # noqa: E402
from docalign.train.windows import collate  # noqa: E402
from tests.support.tiny_models import gold_file, tiny_base  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("experiments")
    tiny_base(root / "base")
    gold_file(root / "gold.jsonl", lines=9)
    lines = [json.loads(line) for line in (root / "gold.jsonl").read_text("utf-8").splitlines()]
    for number, line in enumerate(lines):
        line["source"] = ("dc_code", "medquad", "peps", "openstax")[number % 4]
        line["document"]["source"] = f"document {number}"
    (root / "gold.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return root


def arguments(made: Path, work: str) -> list[str]:
    gold = str(made / "gold.jsonl")
    given = ["--base", str(made / "base"), "--most-layers", "2", "--tokens", "3000", "--rate", "1e-3"]
    return [*given, "--gold", gold, "--dev", gold, "--work", str(made / work)]


def test_every_factor_is_screened_and_drawn(made: Path) -> None:
    out = made / "screen.json"
    screen.main([*arguments(made, "screen"), "--out", str(out)])
    report = json.loads(out.read_text("utf-8"))
    assert set(screen.FACTORS) <= set(report)
    for factor, forms in screen.FACTORS.items():
        assert [arm["arm"] for arm in report[factor]] == [form.name for form in forms]
        for arm in report[factor]:
            assert arm["documents"] == 9
            assert arm["trained_tokens"] >= 3000
            assert arm["difference_interval"][0] <= arm["difference"] <= arm["difference_interval"][1]
    assert report["default"]["difference"] == 0.0
    screen.main(["--plot", str(out)])
    drawn = ElementTree.parse(out.with_suffix(".svg")).getroot()
    circles = drawn.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == 1 + sum(map(len, screen.FACTORS.values()))


def test_a_screening_goes_on_where_it_was(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.train import loop

    whole, broken = made / "one", made / "two"
    real, calls = loop._loss, 0

    def dies(*a: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return real(*a)  # type: ignore[arg-type]

    for work in (whole, broken):
        given = [*arguments(made, work.name), "--factors", "loss", "--out", str(made / f"{work.name}.json")]
        if work is broken:
            monkeypatch.setattr(loop, "_SAVE_EVERY", 1)
            monkeypatch.setattr(loop, "_loss", dies)
            with pytest.raises(KeyboardInterrupt):
                screen.main(given)
            assert (broken / "default" / "state.pt").exists()
        screen.main(given)
    ours, theirs = (
        json.loads((work / "default" / "policy" / "docalign.json").read_text())["curve"] for work in (broken, whole)
    )
    assert [step for step, _ in ours] == [step for step, _ in theirs]
    assert [loss for _, loss in ours] == pytest.approx([loss for _, loss in theirs], rel=1e-3)


def test_transfer_compares_each_group_with_and_without(made: Path) -> None:
    out = made / "transfer.json"
    transfer.main([*arguments(made, "transfer"), "--groups", "law", "health", "--out", str(out)])
    report = json.loads(out.read_text("utf-8"))
    assert report["law"]["documents"] == 3
    assert report["health"]["documents"] == 2
    assert {p.name for p in (made / "transfer").iterdir()} == {"all", "without-law", "without-health"}


def probe(made: Path, form: Form, lifted: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """log-odds at the slots of a window, and of the same window with its last token changed."""
    model, tokenizer, config = cut_base(made / "base", layers=2)
    lift_mask(model.eval(), lifted)
    (line, *_) = read_gold(made / "gold.jsonl")
    (window,) = form_windows(form, [line], form_renderer(form, tokenizer, config.slot_id), config.label_ids)
    batch = collate([window], pad_id=config.slot_id)
    with torch.no_grad():
        first = log_odds(model, batch)[0].numpy()
        batch["input_ids"][0, -2] = (batch["input_ids"][0, -2] + 1) % 50
        return first, log_odds(model, batch)[0].numpy()


def test_a_lifted_mask_lets_earlier_slots_see_later_words(made: Path) -> None:
    causal, changed = probe(made, Form())
    assert np.abs(causal - changed)[:-1].max() < 1e-6
    seeing, changed = probe(made, Form(), lifted=1)
    assert np.abs(seeing - changed)[:-1].max() > 1e-6


def test_a_late_slot_reads_the_next_block(made: Path) -> None:
    early, _ = probe(made, Form())
    late, _ = probe(made, Form(late_slot=True))
    np.testing.assert_allclose(late[:-1], early[1:], atol=1e-5)


def test_labels_read_one_by_one_give_what_one_pass_over_them_gives(made: Path) -> None:
    model, tokenizer, config = cut_base(made / "base", layers=2)
    model.eval()
    (line, *_) = read_gold(made / "gold.jsonl")
    renderer = form_renderer(Form(), tokenizer, config.slot_id)
    (window,) = form_windows(Form(), [line], renderer, config.label_ids)
    seen = Window(np.array(window["input_ids"]), np.array(window["slots"]), tuple(range(len(window["slots"]))))
    (s,) = InlineEngine(model, config).log_odds([seen])
    greedy = [1, *(int(v > 0) for v in s[1:])]
    written = with_labels(window | {"starts": greedy}, config.label_ids)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        whole = log_odds(model, collate([written], pad_id=config.slot_id))[0].numpy()
    assert 0 < sum(greedy) < len(greedy)
    np.testing.assert_allclose(s, whole, atol=0.05)


@pytest.mark.parametrize("style", sorted(STYLES))
def test_styles_follow_their_stated_policy(style: str) -> None:
    lines = list(style_lines(style, 20, test=True))
    assert lines == list(style_lines(style, 20, test=True))
    for line in lines:
        edges = [*line.starts, len(line.document.blocks)]
        assert len(edges) > 3
        assert all(2 <= b - a <= 10 for a, b in pairwise(edges))
        assert {b.kind for b in line.document.blocks} == {"paragraph"}
    trained = " ".join(line.document.text for line in style_lines(style, 100, test=False))
    for group in ("things", "places", "people", "faults", "matters", "wishes"):
        assert not set(getattr(TRAIN, group)) & set(getattr(TEST, group))
        assert not any(word in trained for word in getattr(TEST, group) if len(word.split()) > 2)
    sentences = {text for line in lines for text in line.document.text.split("\n\n")}
    assert not any(sentence in trained for sentence in sentences)
