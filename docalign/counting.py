"""Counters: what `max_tokens` and `target_tokens` count, chosen by name.

A counter is a pure function text → tokens. Three are built in: `words*1.35` (white-space words times 1.35, so that
no tokenizer has to agree with it), `chars`, and any Hugging Face tokenizer, given as the path of a `tokenizer.json`,
as a directory that holds one, or as a name on the hub: what was fetched before is taken from this machine, and the hub
is asked only for the rest. `tokenizers` is imported only when a tokenizer is asked for.

It does not know which counter a model uses; that stands in the model's JSON.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from docalign.errors import UsageError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["CHARS", "TOKENS_PER_WORD", "WORDS", "Counter", "count_words", "counter", "counter_identity"]

Counter = Callable[[str], int]

WORDS: Final = "words*1.35"
CHARS: Final = "chars"
TOKENS_PER_WORD: Final = 1.35

_TOKENIZER_FILE: Final = "tokenizer.json"
_NOT_HERE: Final = "it is no counter and no file here, and"
_REACH_TIMEOUT_S: Final = 5.0
"""The hub's own client tries for half a minute before it says that there is no network."""


@lru_cache(maxsize=8)
def counter(name: str) -> Counter:
    """The counter called `name`: `words*1.35`, `chars`, the path of a tokenizer, or a hub name.

    The last few are kept, so that asking again for every line is cheap.

    Raises:
        UsageError: no such counter, the file is no tokenizer, or the hub could not be asked.
    """
    if name == WORDS:
        return count_words
    if name == CHARS:
        return len
    return _tokenizer_counter(name)


def count_words(text: str) -> int:
    """White-space words × 1.35, rounded, at least 1; 0 for blank text."""
    words = len(text.split())
    return max(1, round(words * TOKENS_PER_WORD)) if words else 0


def counter_identity(name: str) -> str:
    """What `counter(name)` counts with: the name of a built-in one, else a hash of the tokenizer's content.

    Raises:
        UsageError: as `counter`.
    """
    if name in (WORDS, CHARS):
        return name
    return hashlib.sha256(_tokenizer(name).to_str().encode("utf-8")).hexdigest()


def _tokenizer_counter(name: str) -> Counter:
    tokenizer = _tokenizer(name)
    # A tokenizer.json may ask for truncation or padding; either would make long or short texts count wrong.
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(text: str) -> int:
        try:
            return len(tokenizer.encode(text, add_special_tokens=False).ids)
        except TypeError:  # a lone surrogate (broken text layer): no tokenizer takes one
            whole = text.encode("utf-8", "replace").decode("utf-8")
            return len(tokenizer.encode(whole, add_special_tokens=False).ids)

    return count


def _tokenizer(name: str) -> Tokenizer:
    path = Path(name)
    if path.is_dir():
        path = path / _TOKENIZER_FILE
        if not path.is_file():
            raise _unknown(name, f"the directory holds no {_TOKENIZER_FILE}.")
    looks_like_path = path.suffix == ".json" or name.startswith((".", "/", "~"))
    if looks_like_path and not path.is_file():
        raise _unknown(name, "there is no such file.")

    known = path if path.is_file() else _fetched(name)
    if known is None:
        _reach_hub(name)
    # tokenizers raises bare `Exception` for every failure (file, syntax, network), so nothing narrower can be caught.
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(known)) if known is not None else Tokenizer.from_pretrained(name)
    except Exception as error:
        what = "the file is no tokenizer" if known is not None else f"{_NOT_HERE} the hub does not give it"
        raise _unknown(name, f"{what} ({_first_line(error)}).") from error


def _fetched(name: str) -> Path | None:
    """The tokenizer's file, if it was fetched from the hub before.

    Raises:
        UsageError: the hub has no such names.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HFValidationError

    try:
        return Path(hf_hub_download(name, _TOKENIZER_FILE, local_files_only=True))
    except HFValidationError as error:
        raise _unknown(name, f"{_NOT_HERE} the hub has no names like that.") from error
    except (EntryNotFoundError, OSError):
        return None


def _reach_hub(name: str) -> None:
    """Ask whether there is a hub to ask.

    Raises:
        UsageError: there is not.
    """
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise _unknown(name, f"{_NOT_HERE} the hub may not be asked (HF_HUB_OFFLINE).")
    try:
        with urlopen(Request(constants.ENDPOINT, method="HEAD"), timeout=_REACH_TIMEOUT_S):  # noqa: S310 - http(s) by configuration
            pass
    except HTTPError:
        return  # it answered
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise _unknown(name, f"{_NOT_HERE} the hub cannot be reached ({reason}).") from error


def _unknown(name: str, what: str) -> UsageError:
    return UsageError(
        f"cannot count tokens with {name!r}: {what}",
        remedy=f"Name {WORDS!r}, {CHARS!r}, the path of a {_TOKENIZER_FILE}, or a tokenizer the hub has.",
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
