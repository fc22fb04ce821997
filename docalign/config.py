"""Settings: `docalign.toml`, DOCALIGN_* variables and flags, merged with one precedence.

    flags  >  environment  >  docalign.toml  >  defaults

The file is the one named by `--config` or DOCALIGN_CONFIG, else the nearest `docalign.toml` from the working
directory upward. Each key exists once, in the dataclasses below: `[chunk] max_tokens` in the file is
DOCALIGN_CHUNK_MAX_TOKENS in the environment and `--max-tokens` as a flag. An unknown key is an error that
names the nearest known one, because a setting that is silently ignored is the worst kind.

Types are checked here; whether the values make sense (a target over the limit, an unknown OCR mode) is checked by
the options they become, `ChunkOptions` and `IngestOptions`, so that the Python API gets the same answers.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

from docalign.errors import ConfigError
from docalign.rewards.weights import JudgeSettings, RewardSettings

__all__ = [
    "ChunkSettings",
    "ClientSettings",
    "FeedbackSettings",
    "IngestSettings",
    "JudgeSettings",
    "ModelSettings",
    "RewardSettings",
    "ServeSettings",
    "Settings",
    "find_config",
    "load_settings",
    "read_options",
    "read_toml",
    "typed_options",
]

_T = TypeVar("_T")

FILE_NAME: Final = "docalign.toml"
RANKINGS: Final = "docalign-rankings.db"
PREFIX: Final = "DOCALIGN_"

RESERVED: Final = frozenset({"DOCALIGN_CACHE", "DOCALIGN_CONFIG", "DOCALIGN_DATA", "DOCALIGN_DEBUG"})
"""Variables that are no settings: where pulled models are kept, the file to read, benchmark data, tracebacks."""

RESERVED_PREFIX: Final = "DOCALIGN_TEST_"
"""Variables of the tests."""


@dataclass(frozen=True, slots=True)
class ChunkSettings:
    """`[chunk]`: sizes in tokens of `tokenizer` (None: the model's); see `ChunkOptions` for what each does."""

    max_tokens: int = 512
    target_tokens: int | None = None
    tokenizer: str | None = None
    embed_text: bool = False
    overlap: int = 0
    format: str = "jsonl"


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """`[ingest]`: how files are read; see `IngestOptions` for what each does. None keeps the reader's default."""

    ocr: str = "auto"
    languages: str | None = None
    ocr_engine: str | None = None
    dpi: int | None = None
    max_bytes: int | None = None
    max_pages: int | None = None
    max_pixels: int | None = None
    page_timeout_s: float | None = None
    file_timeout_s: float | None = None
    worker_memory_mib: int | None = None
    worker_output_mib: int | None = None
    strict: bool | None = None
    use_cache: bool = True
    cache_dir: str | None = None
    cache_mib: int | None = None
    workers: int | None = None
    password: str | None = None
    use_outline: bool = True
    use_tags: bool = True


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """`[model]`: a model folder or the name of an installed model; None takes the shipped one."""

    path: str | None = None


@dataclass(frozen=True, slots=True)
class FeedbackSettings:
    """`[feedback]`: where rankings and feedback are kept, a SQLite file or a database URL (see `Settings.rankings`); by
    how many each task is judged."""

    store: str | None = None
    overlap: int = 1


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """`[serve]`: the HTTP service; `service/settings.py` checks that the values make sense together."""

    host: str = "127.0.0.1"
    port: int = 8000
    tokens_file: str | None = None
    database: str | None = None
    keep_text: bool = False
    device: str = "auto"
    runners: int | None = None
    batch_tokens: int = 1024
    active_requests: int = 32
    queue_pages: int = 400
    queue_tokens: int = 262_144
    max_upload_mib: int = 32
    max_pages: int = 60
    max_job_mib: int = 512
    max_job_pages: int = 5000
    request_timeout_s: float = 180.0
    job_timeout_s: float = 14_400.0
    job_workers: int = 1
    job_ttl_h: float = 24.0
    lease_s: float = 30.0
    drain_s: float = 30.0


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """`[client]`: a service that does the work in our place, and the token it knows us by."""

    server: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings after merging. `file` is the docalign.toml that was read, if any."""

    chunk: ChunkSettings = field(default_factory=ChunkSettings)
    ingest: IngestSettings = field(default_factory=IngestSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    rewards: RewardSettings = field(default_factory=RewardSettings)
    judge: JudgeSettings = field(default_factory=JudgeSettings)
    feedback: FeedbackSettings = field(default_factory=FeedbackSettings)
    serve: ServeSettings = field(default_factory=ServeSettings)
    client: ClientSettings = field(default_factory=ClientSettings)
    file: Path | None = None

    @property
    def rankings(self) -> str:
        """The one store of rankings and feedback, for `docalign rank`, `docalign feedback` and `docalign serve`.

        The one that is named, else the database of the service, else a file in the working directory.
        """
        return self.feedback.store or self.serve.database or RANKINGS


SECTIONS: Final[dict[str, type[Any]]] = {
    "chunk": ChunkSettings,
    "ingest": IngestSettings,
    "model": ModelSettings,
    "rewards": RewardSettings,
    "judge": JudgeSettings,
    "feedback": FeedbackSettings,
    "serve": ServeSettings,
    "client": ClientSettings,
}

_WORDS: Final = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}
_FLAGS: Final = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def load_settings(
    *,
    flags: Mapping[str, Mapping[str, Any]] | None = None,
    config: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Settings:
    """Merge the four layers.

    Args:
        flags: section → key → value; a value of None means the flag was not given.
        config: the file to read instead of searching for one.
        env: the environment, `os.environ` by default.
        cwd: where the search for docalign.toml starts, the working directory by default.

    Raises:
        ConfigError: unreadable file, unknown section, key or variable, or a value of the wrong type.
    """
    env = os.environ if env is None else env
    file = find_config(config=config, env=env, cwd=cwd)
    layers = [_read_file(file)] if file is not None else []
    layers.append(_read_env(env))
    layers.append({s: {k: v for k, v in keys.items() if v is not None} for s, keys in (flags or {}).items()})
    settings = Settings(file=file)
    for layer in layers:
        for section, values in layer.items():
            merged = replace(getattr(settings, section), **values)
            settings = replace(settings, **{section: merged})
    return settings


def read_options(kind: type[_T], file: Path | None, **given: Any) -> _T:
    """A dataclass of options from a flat TOML file, if there is one; what is `given` and not None beats the file.

    Raises:
        ConfigError: unreadable file, unknown key, or a value of the wrong type.
    """
    return typed_options(kind, read_toml(file) if file is not None else {}, str(file), **given)


def typed_options(kind: type[_T], values: Mapping[str, Any], source: str, **given: Any) -> _T:
    """A dataclass of options from a table of values; what is `given` and not None beats the table.

    Raises:
        ConfigError: unknown key, or a value of the wrong type; `source` is named.
    """
    hints, typed = get_type_hints(kind), {}
    for key, value in values.items():
        if key not in hints:
            near = difflib.get_close_matches(key, hints, n=1, cutoff=0.0)[0]
            raise ConfigError(f"unknown key {key!r}.", source=source, remedy=f"Did you mean {near!r}?")
        typed[key] = _typed(hints[key], value, key, source)
    return kind(**typed | {key: value for key, value in given.items() if value is not None})


def find_config(*, config: Path | None, env: Mapping[str, str], cwd: Path | None = None) -> Path | None:
    """The docalign.toml to read: the one named, else the nearest from `cwd` upward, else None.

    Raises:
        ConfigError: the file named by --config or DOCALIGN_CONFIG does not exist.
    """
    named = config or (Path(env["DOCALIGN_CONFIG"]) if env.get("DOCALIGN_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise ConfigError(
                "there is no such configuration file.",
                source=str(named),
                remedy="Give --config (or DOCALIGN_CONFIG) the path of a docalign.toml.",
            )
        return named
    start = (cwd or Path.cwd()).absolute()
    return next((d / FILE_NAME for d in (start, *start.parents) if (d / FILE_NAME).is_file()), None)


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file's tables.

    Raises:
        ConfigError: the file cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"cannot be read as TOML ({reason}).", source=str(path), remedy="Mend the file.") from error


def _read_file(path: Path) -> dict[str, dict[str, Any]]:
    source = str(path)
    tables = read_toml(path)
    layer: dict[str, dict[str, Any]] = {}
    for section, table in tables.items():
        if section not in SECTIONS:
            what = f"unknown section [{section}]" if isinstance(table, dict) else f"unknown key {section!r}"
            raise ConfigError(f"{what}.", source=source, remedy=_suggest_key(section))
        if not isinstance(table, dict):
            raise ConfigError(f"{section!r} must be a section.", source=source, remedy=f"Write [{section}].")
        layer[section] = {
            key: _typed(_known(section, key, source), value, f"[{section}] {key}", source)
            for key, value in table.items()
        }
    return layer


def _read_env(env: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Settings from DOCALIGN_<SECTION>_<KEY>; an empty value counts as not set."""
    known = {
        f"{PREFIX}{section}_{f.name}".upper(): (section, f.name)
        for section, kind in SECTIONS.items()
        for f in fields(kind)
    }
    layer: dict[str, dict[str, Any]] = {}
    for name, text in sorted(env.items()):
        if not name.startswith(PREFIX) or name.startswith(RESERVED_PREFIX) or name in RESERVED or not text:
            continue
        if name not in known:
            near = difflib.get_close_matches(name, [*known, *RESERVED], n=1, cutoff=0.0)
            raise ConfigError("unknown variable.", source=name, remedy=f"Did you mean {near[0]}? Otherwise unset it.")
        section, key = known[name]
        layer.setdefault(section, {})[key] = _parse(_known(section, key, name), text, name)
    return layer


def _known(section: str, key: str, source: str) -> Any:
    """The type of a key.

    Raises:
        ConfigError: the section has no such key.
    """
    hints = get_type_hints(SECTIONS[section])
    if key not in hints:
        raise ConfigError(f"unknown key {key!r} in [{section}].", source=source, remedy=_suggest_key(key, section))
    return hints[key]


def _suggest_key(name: str, section: str | None = None) -> str:
    keys = [(s, f.name) for s, kind in SECTIONS.items() for f in fields(kind)]
    own = [(s, k) for s, k in keys if s == section]
    names = {k: s for s, k in keys} | {k: s for s, k in own} | ({} if section else dict.fromkeys(SECTIONS, ""))
    near = difflib.get_close_matches(name.replace("-", "_").lower(), names, n=1, cutoff=0.0)[0]
    return f"Did you mean {f'{near!r} in [{names[near]}]' if names[near] else f'[{near}]'}?"


def _kinds(hint: Any) -> tuple[Any, ...]:
    """The plain types a hint admits: `int | None` gives (int, NoneType)."""
    return get_args(hint) or (hint,)


def _typed(hint: Any, value: Any, name: str, source: str) -> Any:
    """`value` from TOML as the type of its key, called `name` in `source`; a whole number passes for a float.

    Raises:
        ConfigError: the value has another type.
    """
    if get_origin(hint) is Mapping:
        return _table(value, name, source)
    if get_origin(hint) is Literal:
        if value in get_args(hint):
            return value
        choices = ", ".join(map(repr, get_args(hint)))
        raise ConfigError(f"{name} is {value!r}.", source=source, remedy=f"It must be one of {choices}.")
    kinds = _kinds(hint)
    if float in kinds and type(value) is int:
        return float(value)
    if type(value) in kinds:  # not isinstance: bool is an int in Python, and here `max_tokens = true` is a mistake
        return value
    raise _ill_typed(kinds, repr(value), name, source)


def _table(value: Any, name: str, source: str) -> dict[str, float]:
    """A table of numbers by name.

    Raises:
        ConfigError: it is no table, or a value is no number.
    """
    if not isinstance(value, dict):
        raise ConfigError(f"{name} is {value!r}.", source=source, remedy="It must be a table of numbers by name.")
    return {key: _typed(float, number, f"{name} {key}", source) for key, number in value.items()}


def _parse(hint: Any, text: str, name: str) -> Any:
    """The value of an environment variable as the type of its key.

    Raises:
        ConfigError: the text is no such value.
    """
    if get_origin(hint) is Mapping:
        raise ConfigError("a table does not fit a variable.", source=name, remedy="Write it in docalign.toml.")
    if get_origin(hint) is Literal:
        return _typed(hint, text, name, name)
    kinds = _kinds(hint)
    if str in kinds:
        return text
    if bool in kinds and text.strip().lower() in _FLAGS:
        return _FLAGS[text.strip().lower()]
    if bool not in kinds:
        try:
            return int(text) if int in kinds else float(text)
        except ValueError:
            pass
    raise _ill_typed(kinds, repr(text), name, name)


def _ill_typed(kinds: tuple[Any, ...], value: str, name: str, source: str) -> ConfigError:
    wanted = next(words for kind, words in _WORDS.items() if kind in kinds)
    what = f"{name} is {value}." if name != source else f"its value is {value}."
    return ConfigError(what, source=source, remedy=f"It must be {wanted}.")
