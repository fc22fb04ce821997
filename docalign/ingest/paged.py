"""The pages of one paged file, in order: from the cache what it has, the rest from worker processes.

A page that cannot be read becomes an empty page of its true size with an `error`, or with `strict` the file's error.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from docalign.errors import DocalignError, LimitExceededError, OcrMissingError
from docalign.ingest.options import IngestOptions
from docalign.ingest.page import PageContent
from docalign.ingest.pages import FileFacts
from docalign.ingest.source import SourceFile
from docalign.ingest.work.cache import PageCache
from docalign.ingest.work.cache_key import PageKeys, may_be_cached
from docalign.ingest.work.limits import Limits
from docalign.ingest.work.pool import PoolShare, WorkerPool

__all__ = ["PagedFile", "page_limits"]

_UNKNOWN_SIZE_PT: Final = (612.0, 792.0)
_SIZE_TIMEOUT_S: Final = 10.0
_MOST_LOST_SIZES: Final = 3
"""So many pages may refuse to tell their size before the rest of them is not asked."""


def page_limits(options: IngestOptions) -> Limits:
    """What reading one page may take."""
    return Limits(
        timeout_s=options.page_timeout_s,
        memory_mib=options.worker_memory_mib,
        output_mib=options.worker_output_mib,
    )


class PagedFile:
    """A file on disk and the reader that takes it.

    Raises:
        DocalignError: the file cannot be opened.
    """

    def __init__(self, reader: str, file: SourceFile, options: IngestOptions, pool: WorkerPool | PoolShare) -> None:
        self._file, self._options, self._pool = file, options, pool
        self._about = (reader, str(file.path.absolute()), options)
        self._limits = page_limits(options)
        self._cache: PageCache | None = None
        if may_be_cached(reader, options):
            self._open_cache(reader)
        self._lost_sizes = 0
        self.facts = self._inspect()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What opening the file and using the cache gave reason to warn of; complete after `pages`."""
        problem = self._cache.problem if self._cache is not None else None
        return (*self.facts.warnings, problem) if problem else self.facts.warnings

    def pages(self) -> Iterator[PageContent]:
        """Every page in order.

        Raises:
            DocalignError: OCR is needed and missing; every page failed; with `strict`, the first page that failed.
        """
        count = self.facts.pages
        missing = [index for index in range(count) if not self._is_kept(index)]
        calls = [(*self._about, index) for index in missing]
        wanted = iter([*missing, count])
        errors: list[DocalignError] = []
        with closing(self._pool.map("docalign.ingest.pages:read_page", calls, limits=self._limits)) as results:
            following = next(wanted)
            for index in range(count):
                if index == following:
                    result = self._fresh(index, results)
                    following = next(wanted)
                else:
                    result = self._kept(index)
                if isinstance(result, DocalignError):
                    errors.append(self._judged(index, result))
                    if len(errors) == count:
                        raise _all_failed(errors)
                    result = PageContent(index + 1, *self._size(index), "blank", error=_said(result))
                yield result

    def _inspect(self) -> FileFacts:
        facts = self._cache.get(self._keys.of("facts"), FileFacts) if self._cache is not None else None
        if facts is not None and facts.pages <= self._options.max_pages:
            return facts
        fresh: FileFacts = self._pool.call("docalign.ingest.pages:inspect_file", *self._about, limits=self._limits)
        self._keep("facts", FileFacts, fresh)
        return fresh

    def _fresh(self, index: int, results: Generator[Any, None, None]) -> PageContent | DocalignError:
        """The next page that comes from a worker."""
        result: PageContent | DocalignError = next(results)
        if isinstance(result, PageContent) and result.error is None:
            self._keep(index, PageContent, replace(result, seconds=None))
        return result

    def _judged(self, index: int, error: DocalignError) -> DocalignError:
        """The error of a page that the rest of the file may go on without.

        Raises:
            DocalignError: it may not.
        """
        if isinstance(error, OcrMissingError):
            raise error
        if self._options.strict:
            raise type(error)(f"page {index + 1}: {error.what}", source=error.source, remedy=error.remedy)
        return error

    def _size(self, index: int) -> tuple[float, float]:
        """A page's true size in points, if the file tells it without being read further."""
        if self._lost_sizes < _MOST_LOST_SIZES:
            limits = replace(self._limits, timeout_s=min(_SIZE_TIMEOUT_S, self._limits.timeout_s))
            try:
                size = self._pool.call("docalign.ingest.pages:page_size", *self._about, index, limits=limits)
            except DocalignError:
                size = None
            if size is not None:
                return size[0], size[1]
            self._lost_sizes += 1
        return _UNKNOWN_SIZE_PT

    def _open_cache(self, reader: str) -> None:
        options = self._options
        directory = Path(options.cache_dir).expanduser() if options.cache_dir else None
        try:
            self._keys = PageKeys(self._file.sha256, reader, options)
        except OSError:  # trained data that cannot be read: the engine will say so
            return
        self._cache = PageCache(directory, options.cache_mib)

    def _is_kept(self, index: int) -> bool:
        return self._cache is not None and self._cache.has(self._keys.of(index))

    def _kept(self, index: int) -> PageContent | DocalignError:
        """A page the cache has; read all the same if the entry turns out to be damaged."""
        began = time.perf_counter()
        assert self._cache is not None
        page = self._cache.get(self._keys.of(index), PageContent)
        if page is not None:
            return replace(page, seconds=time.perf_counter() - began)
        return self._fresh(
            index, self._pool.map("docalign.ingest.pages:read_page", [(*self._about, index)], limits=self._limits)
        )

    def _keep(self, part: str | int, kind: type[Any], value: Any) -> None:
        if self._cache is not None and self._file.unchanged():
            self._cache.put(self._keys.of(part), kind, value)


def _said(error: DocalignError) -> str:
    """What a page's warning says: a limit with the option that raises it."""
    return f"{error.what} {error.remedy}" if isinstance(error, LimitExceededError) else error.what


def _all_failed(errors: list[DocalignError]) -> DocalignError:
    first = errors[0]
    which = "its only page" if len(errors) == 1 else f"all {len(errors)} pages failed; page 1"
    return type(first)(f"{which}: {first.what}", source=first.source, remedy=first.remedy)
