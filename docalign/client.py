"""A thin client of the service: `docalign.Client("http://…").chunk("report.pdf")`.

It sends files, waits when the service says that it is busy, and raises the errors that the command line raises. Work
too large for one request goes through a job by itself. Needs `httpx` (extra `client`); loads nothing else.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import unquote

from docalign import errors
from docalign.errors import BusyError, DocalignError, MissingInputError, ServiceError, UsageError

if TYPE_CHECKING:
    import httpx

__all__ = ["Answer", "Client"]

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total) while a job runs."""

_AGAIN: Final = (429, 503)
_LONGEST_WAIT_S: Final = 60.0
_POLL_S: Final = (0.2, 2.0)


class Answer:
    """What the service gave for one input: the bytes that `docalign chunk` would write, and what it would warn of."""

    def __init__(self, content: bytes, warnings: tuple[str, ...], model: str) -> None:
        self.content, self.warnings, self.model = content, warnings, model

    def chunks(self) -> list[dict[str, Any]]:
        """The `docalign.chunk/1` objects, where the format is jsonl."""
        return [json.loads(line) for line in self.content.decode("utf-8").splitlines()]


class Client:
    """A connection to one service. Options of a call are those of `docalign chunk`, with underscores."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        timeout_s: float = 600.0,
        retries: int = 8,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """
        Args:
            timeout_s: how long one input may take, waiting for room included.
            retries: how often a call that was refused for want of room is made again.

        Raises:
            UsageError: httpx is missing, or the address is none.
        """
        try:
            import httpx
        except ModuleNotFoundError as error:
            raise UsageError(
                "the client needs httpx.", remedy="pip install '.[client]' in the docalign folder"
            ) from error
        if not url.startswith(("http://", "https://")):
            raise UsageError("this is no address of a service.", source=url, remedy="Give http://HOST:PORT.")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._url, self._timeout_s, self._retries, self._sleep = url, timeout_s, retries, sleep
        try:
            self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s, transport=transport)
        except httpx.InvalidURL as error:
            raise UsageError(
                f"this is no address of a service ({error}).", source=url, remedy="Give http://HOST:PORT."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def models(self) -> list[dict[str, Any]]:
        """The models of the service, and which is at work.

        Raises:
            DocalignError: as the service said; ServiceError: it cannot be reached.
        """
        found: list[dict[str, Any]] = self._ask("GET", "/v1/models").json()["models"]
        return found

    def chunk(
        self,
        source: str | Path | bytes,
        *,
        name: str | None = None,
        password: str | None = None,
        progress: Progress | None = None,
        **options: Any,
    ) -> Answer:
        """The chunks of one file, or of its bytes; through a job where it is too large for one request.

        Raises:
            DocalignError: what `docalign chunk` would raise; ServiceError: the service cannot be reached or stays busy.
        """
        if isinstance(source, bytes):
            data, called = source, name or "-"
        else:
            data, called = _read(source), name or Path(source).name
        query = {key: value for key, value in options.items() if value is not None} | {"name": called}
        sent: dict[str, Any] = {"params": query, "files": {"file": (called, data)}}
        if password is not None:
            sent["data"] = {"password": password}
        try:
            answer = self._ask("POST", "/v1/chunk", **sent)
        except errors.LimitExceededError:
            return self._through_job(sent, progress)
        return Answer(
            answer.content,
            tuple(json.loads(unquote(answer.headers.get("Docalign-Warnings", "[]")))),
            answer.headers.get("Docalign-Made-With", ""),
        )

    def _through_job(self, sent: dict[str, Any], progress: Progress | None) -> Answer:
        job = self._ask("POST", "/v1/jobs", **sent).json()
        path, wait_s, end = f"/v1/jobs/{job['id']}", _POLL_S[0], time.monotonic() + self._timeout_s
        while job["state"] not in ("done", "failed"):
            if time.monotonic() > end:
                self._ask("DELETE", path)
                raise ServiceError("the job took too long and was given up.", source=self._url, remedy="Wait longer.")
            self._sleep(wait_s)
            wait_s = min(_POLL_S[1], wait_s * 1.5)
            job = self._ask("GET", path).json()
            if progress is not None:
                progress(*(job["progress"][key] for key in ("stage", "done", "total")))
        try:
            content = self._ask("GET", f"{path}/result").content
        finally:
            self._ask("DELETE", path)
        return Answer(content, tuple(job["outcome"]["warnings"]), job["outcome"]["model"])

    def _ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """
        Raises:
            DocalignError: the problem that the service answered with; ServiceError: it cannot be reached.
        """
        import httpx

        for tries in range(self._retries + 1):
            try:
                answer = self._http.request(method, path, **sent)
            except httpx.HTTPError as error:
                raise ServiceError(
                    f"the service cannot be reached ({type(error).__name__}).", source=self._url, remedy="Is it there?"
                ) from error
            if answer.is_success:
                return answer
            if answer.status_code not in _AGAIN or tries == self._retries or "retry-after" not in answer.headers:
                raise _problem(answer, self._url)
            # Nobody comes back at the same moment as all the others who were sent away with the same number.
            self._sleep(min(_LONGEST_WAIT_S, _seconds(answer.headers["retry-after"])) * random.uniform(1.0, 1.3))
        raise AssertionError("unreachable")


def _read(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise MissingInputError("there is no such file.", source=str(path), remedy="Check the path.") from error
    except (OSError, ValueError) as error:
        raise MissingInputError(f"the file cannot be read ({error}).", source=str(path)) from error


def _seconds(header: str) -> float:
    try:
        return max(0.0, float(header))
    except ValueError:
        return 1.0


def _problem(answer: httpx.Response, url: str) -> DocalignError:
    """The error that a problem document is; one of the tree where it names one."""
    try:
        said = answer.json()
        kind = getattr(errors, said["error"], ServiceError)
        if not (isinstance(kind, type) and issubclass(kind, DocalignError)):
            kind = ServiceError
        made: DocalignError = kind(said["detail"], source=said.get("source"), remedy=said.get("remedy", ""))
    except (ValueError, KeyError, TypeError):
        made = ServiceError(f"the service answered {answer.status_code}.", source=url, remedy="Look at its log.")
    if isinstance(made, BusyError) and "retry-after" in answer.headers:
        made.retry_after_s = int(_seconds(answer.headers["retry-after"]))
    return made
