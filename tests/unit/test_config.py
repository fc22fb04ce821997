"""One precedence, nothing ignored: unknown and ill-typed settings are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from docalign.config import Settings, load_settings
from docalign.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    path = folder / "docalign.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_are_those_of_the_documentation(tmp_path: Path) -> None:
    assert load_settings(env={}, cwd=tmp_path) == Settings()
    assert load_settings(env={}, cwd=tmp_path).chunk.max_tokens == 512


def test_flags_beat_environment_beats_file_beats_defaults(tmp_path: Path) -> None:
    write(tmp_path, "[chunk]\nmax_tokens = 1\ntarget_tokens = 1\noverlap = 1\n")
    env = {"DOCALIGN_CHUNK_MAX_TOKENS": "2", "DOCALIGN_CHUNK_TARGET_TOKENS": "2"}
    chunk = load_settings(flags={"chunk": {"max_tokens": 3, "overlap": None}}, env=env, cwd=tmp_path).chunk
    assert (chunk.max_tokens, chunk.target_tokens, chunk.overlap, chunk.format) == (3, 2, 1, "jsonl")


def test_file_is_the_nearest_one_upward(tmp_path: Path) -> None:
    write(tmp_path, "[chunk]\nmax_tokens = 100\n")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    settings = load_settings(env={}, cwd=inner)
    assert (settings.chunk.max_tokens, settings.file) == (100, tmp_path / "docalign.toml")
    write(tmp_path / "a", "[chunk]\noverlap = 5\n")
    assert load_settings(env={}, cwd=inner).chunk.max_tokens == 512, "files are not merged with each other"


def test_named_file_is_read_instead_of_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "[chunk]\nmax_tokens = 100\n")
    other = tmp_path / "other.toml"
    other.write_text("[chunk]\nmax_tokens = 200\n")
    assert load_settings(config=other, env={}, cwd=tmp_path).chunk.max_tokens == 200
    assert load_settings(env={"DOCALIGN_CONFIG": str(other)}, cwd=tmp_path).chunk.max_tokens == 200
    with pytest.raises(ConfigError, match="no such configuration file"):
        load_settings(config=tmp_path / "missing.toml", env={}, cwd=tmp_path)


@pytest.mark.parametrize(
    ("text", "named", "suggested"),
    [
        ("[chunk]\nmax_token = 5\n", "'max_token'", "'max_tokens' in [chunk]"),
        ("[chunk]\nocr = 'always'\n", "'ocr'", "'ocr' in [ingest]"),
        ("[chnuk]\nmax_tokens = 5\n", "[chnuk]", "[chunk]"),
        ("max-tokens = 5\n", "'max-tokens'", "'max_tokens' in [chunk]"),
    ],
)
def test_unknown_key_is_refused_with_the_nearest_known_one(
    tmp_path: Path, text: str, named: str, suggested: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_settings(env={}, cwd=tmp_path)
    assert named in caught.value.what
    assert suggested in caught.value.remedy
    assert caught.value.source == str(path)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[chunk]\nmax_tokens = '5'\n", "a whole number"),
        ("[chunk]\nmax_tokens = true\n", "a whole number"),
        ("[chunk]\nmax_tokens = 5.0\n", "a whole number"),
        ("[chunk]\nembed_text = 1\n", "true or false"),
        ("[ingest]\nlanguages = ['eng']\n", "a string"),
        ("[ingest]\npage_timeout_s = 'long'\n", "a number"),
        ("chunk = 5\n", "[chunk]"),
    ],
)
def test_ill_typed_value_says_what_it_must_be(tmp_path: Path, text: str, wanted: str) -> None:
    write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_settings(env={}, cwd=tmp_path)
    assert wanted in caught.value.remedy


def test_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "[chunk\n")
    with pytest.raises(ConfigError, match="cannot be read as TOML"):
        load_settings(env={}, cwd=tmp_path)


def test_every_type_is_read_from_file_and_environment(tmp_path: Path) -> None:
    write(tmp_path, "[ingest]\nlanguages = 'eng+deu'\npage_timeout_s = 30\n[chunk]\nembed_text = true\n")
    from_file = load_settings(env={}, cwd=tmp_path)
    env = {
        "DOCALIGN_INGEST_LANGUAGES": "eng+deu",
        "DOCALIGN_INGEST_PAGE_TIMEOUT_S": "30",
        "DOCALIGN_CHUNK_EMBED_TEXT": "yes",
    }
    empty = tmp_path / "empty.toml"
    empty.touch()
    from_env = load_settings(config=empty, env=env, cwd=tmp_path)
    for settings in (from_file, from_env):
        assert settings.ingest.languages == "eng+deu"
        assert settings.ingest.page_timeout_s == 30.0
        assert isinstance(settings.ingest.page_timeout_s, float)
        assert settings.chunk.embed_text is True


def test_unknown_or_ill_typed_variable_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(env={"DOCALIGN_MAX_TOKENS": "5"}, cwd=tmp_path)
    assert "DOCALIGN_CHUNK_MAX_TOKENS" in str(caught.value)
    with pytest.raises(ConfigError, match="must be a whole number"):
        load_settings(env={"DOCALIGN_CHUNK_MAX_TOKENS": "many"}, cwd=tmp_path)


def test_variables_that_are_no_settings_and_empty_ones_are_left_alone(tmp_path: Path) -> None:
    env = {"DOCALIGN_DATA": "/data", "DOCALIGN_DEBUG": "1", "DOCALIGN_CHUNK_MAX_TOKENS": "", "OTHER": "x"}
    assert load_settings(env=env, cwd=tmp_path) == Settings()


@pytest.mark.parametrize(
    ("feedback", "serve", "store"),
    [(None, None, "docalign-rankings.db"), (None, "service.db", "service.db"), ("kept.db", "service.db", "kept.db")],
)
def test_rank_feedback_and_serve_share_one_store(
    tmp_path: Path, feedback: str | None, serve: str | None, store: str
) -> None:
    flags = {"feedback": {"store": feedback}, "serve": {"database": serve}}
    assert load_settings(flags=flags, env={}, cwd=tmp_path).rankings == store
