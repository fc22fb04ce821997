"""Counters count what they say, whatever is stored in a tokenizer's file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from docalign.counting import counter
from docalign.errors import UsageError


@pytest.fixture
def tokenizer_file(tmp_path: Path) -> Path:
    """A word tokenizer that truncates to 4, pads to 8 and adds a special token at each end."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "a": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=8)
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    return path


@pytest.mark.parametrize(("words", "tokens"), [(1, 1), (2, 3), (3, 4), (10, 14), (100, 135)])
def test_words_count_1_35_each(words: int, tokens: int) -> None:
    assert counter("words*1.35")("word\n" * words) == tokens


@pytest.mark.parametrize("text", ["", " ", "\n\n\t"])
def test_blank_text_has_no_words(text: str) -> None:
    assert counter("words*1.35")(text) == 0


def test_chars_counts_characters() -> None:
    assert counter("chars")("né\n") == 3


def test_tokenizer_counts_neither_truncation_nor_padding_nor_special_tokens(tokenizer_file: Path) -> None:
    for name in (str(tokenizer_file), str(tokenizer_file.parent)):
        count = counter(name)
        assert [count(t) for t in ("", "a", "a " * 7, "b " * 500)] == [0, 1, 7, 500]


def test_same_counter_is_not_loaded_twice(tokenizer_file: Path) -> None:
    assert counter(str(tokenizer_file)) is counter(str(tokenizer_file))


def test_what_is_no_tokenizer_is_a_usage_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")
    for name in (str(broken), str(tmp_path), str(tmp_path / "none.json"), "./none", ""):
        with pytest.raises(UsageError, match="cannot count tokens") as caught:
            counter(name)
        assert "words*1.35" in caught.value.remedy
        assert caught.value.exit_code == 2


def test_unknown_hub_name_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UsageError, match="hub"):
        counter("no-such-owner/no-such-tokenizer")


def test_a_hub_that_cannot_be_reached_is_said_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("tokenizers.Tokenizer.from_pretrained", lambda _: pytest.fail("it was asked all the same"))
    with pytest.raises(UsageError, match=r"no file here, and the hub cannot be reached \("):
        counter("no-such-owner/no-such-tokenizer")


def test_what_was_fetched_before_needs_no_hub(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tokenizer_file: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("docalign.counting._reach_hub", lambda name: pytest.fail(f"the hub was asked for {name}"))
    kept = tmp_path / "models--some--tokenizer"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text("0" * 40)
    (kept / "snapshots" / ("0" * 40)).mkdir(parents=True)
    tokenizer_file.rename(kept / "snapshots" / ("0" * 40) / "tokenizer.json")
    assert counter("some/tokenizer")("a a a") == 3


def test_built_in_counters_do_not_load_tokenizers() -> None:
    program = "import sys, docalign.counting as c; c.counter('chars')('x'); sys.exit('tokenizers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=30).returncode == 0
