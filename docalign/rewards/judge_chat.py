"""Who answers a judge's questions: any OpenAI-compatible endpoint, or a causal LM from a local folder.

Both take messages and give one text. An endpoint is asked again after failures that may pass (no connection, timeout,
429, 5xx), with growing pauses; what does not pass is a `JudgeError` that names endpoint and reason. Nothing here knows
what is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from docalign.errors import JudgeError, ModelMissingError

__all__ = ["Chat", "HttpChat", "LocalChat", "Message"]

Message = Mapping[str, str]
"""`role` (system, user, assistant) and `content`."""

MAX_ANSWER_TOKENS: Final = 300


class Chat(Protocol):
    """Messages → an answer. `identity` is everything that decides the answer beside the messages."""

    @property
    def identity(self) -> str: ...

    def __call__(self, messages: Sequence[Message]) -> str: ...


@dataclass(frozen=True, slots=True)
class HttpChat:
    """`endpoint`/chat/completions with `model`, at temperature 0.

    `retries` more attempts after the first, with pauses of `backoff_s`, twice that, …
    """

    endpoint: str
    model: str
    api_key: str | None = None
    timeout_s: float = 60.0
    retries: int = 3
    backoff_s: float = 1.0
    sleep: Callable[[float], None] = time.sleep

    @property
    def identity(self) -> str:
        return f"{self.endpoint.rstrip('/')} {self.model}"

    def __call__(self, messages: Sequence[Message]) -> str:
        """The answer's text.

        Raises:
            JudgeError: no answer after all attempts, or one that is no chat completion.
        """
        import httpx

        reason = ""
        for attempt in range(self.retries + 1):
            if attempt:
                self.sleep(self.backoff_s * 2 ** (attempt - 1))
            try:
                response = httpx.post(
                    f"{self.endpoint.rstrip('/')}/chat/completions",
                    json={
                        "model": self.model,
                        "messages": list(messages),
                        "temperature": 0,
                        "seed": 0,
                        "max_tokens": MAX_ANSWER_TOKENS,
                    },
                    headers={"Authorization": f"Bearer {self.api_key}"} if self.api_key else {},
                    timeout=self.timeout_s,
                )
            except httpx.TimeoutException:
                reason = f"no answer within {self.timeout_s:g} s"
                continue
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                reason = f"{type(error).__name__}: {error}"
                continue
            if response.status_code == 429 or response.status_code >= 500:
                reason = f"HTTP status {response.status_code}"
                continue
            if response.status_code != 200:
                raise self._failed(f"HTTP status {response.status_code}: {response.text[:120]!r}")
            text = _content(response)
            if text is None:
                reason = f"an answer that is no chat completion: {response.text[:80]!r}"
                continue
            return text
        raise self._failed(f"{reason} ({self.retries + 1} attempts)")

    def _failed(self, why: str) -> JudgeError:
        return JudgeError(
            f"the judge {self.model!r} gave {why}.",
            source=self.endpoint,
            remedy="Check [judge] endpoint, model and api_key, and whether it is up; then repeat: answers are kept.",
        )


def _content(response: Any) -> str | None:
    try:
        content = response.json()["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    return content if isinstance(content, str) else None


class LocalChat:
    """A causal LM from a folder of safetensors (or a `.gguf` file), answering greedily. Needs the extra `train`."""

    def __init__(self, path: Path, *, max_new_tokens: int = MAX_ANSWER_TOKENS) -> None:
        """Load the model.

        Raises:
            ModelMissingError: it cannot be loaded, or the extra is not installed.
        """
        folder, more = (path.parent, {"gguf_file": path.name}) if path.suffix == ".gguf" else (path, {})
        try:
            from transformers import AutoModelForCausalLM, AutoTokenizer

            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, **more)
            self._model: Any = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=False, **more)
            self._model.train(False)
        except (ImportError, OSError, ValueError) as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelMissingError(
                f"the judge cannot be loaded ({first}).",
                source=str(path),
                remedy="Give a folder with config.json, a tokenizer and safetensors, or a .gguf file.",
            ) from error
        self._max_new_tokens = max_new_tokens
        self._path = path

    @property
    def identity(self) -> str:
        return f"local {self._path.resolve()}"

    def __call__(self, messages: Sequence[Message]) -> str:
        import torch

        if getattr(self._tokenizer, "chat_template", None):
            text = self._tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
        else:
            text = "\n\n".join(m["content"] for m in messages) + "\n\n"
        ids = self._tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            made = self._model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                do_sample=False,
                max_new_tokens=self._max_new_tokens,
                pad_token_id=self._tokenizer.eos_token_id,
            )
        answer: str = self._tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True)
        return answer
