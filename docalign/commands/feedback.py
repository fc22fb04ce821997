"""`docalign feedback …`: rankings out of the store and into it, the report on them, and deletion."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docalign.commands import messages
from docalign.commands.results import keep_inputs, out_path, write_result, write_stdout
from docalign.commands.train import need_extra
from docalign.errors import EmptyInputError, MissingInputError, OutputError, UsageError
from docalign.output.atomic import is_replaceable
from docalign.output.jsonout import dump
from docalign.wording import counted

if TYPE_CHECKING:
    from docalign.config import Settings
    from docalign.document import Document
    from docalign.feedback.export import Rewrite
    from docalign.store import Database

__all__ = ["run_delete", "run_export", "run_import", "run_report"]

_REPORTS: Final = ("text", "json", "html")
_LIBRARIES: Final = ("sqlalchemy", "alembic", "evalica")
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")


def run_export(*, settings: Settings, view: str, out: str | None, redact: bool, repeats: bool, quiet: bool) -> None:
    """Write what stands in the store as lines to train on; held-out documents, if any, go to a `.dev` file beside.

    Raises:
        UsageError: no such view or store, or Presidio is installed and does not start.
        EmptyInputError: nothing to write.
    """
    need_extra("rank", *_LIBRARIES)
    from docalign.feedback.export import VIEWS, export
    from docalign.feedback.store import open_store
    from docalign.jsonl import write_lines
    from docalign.train.prepare.run import dev_path

    if view not in VIEWS:
        raise UsageError(f"there is no view {view!r}.", remedy=f"Choose one of {', '.join(VIEWS)}.")
    with open_store(settings.rankings, read_only=True) as store:
        path = out_path(out, [_file(store)])
        if path is not None:
            keep_inputs([dev_path(path)], [_file(store)])
        found = export(store, view, rewrite=_redaction(quiet) if redact else None, with_repeats=repeats)
    if not found.train and not found.held_out:
        raise _nothing_in(settings.rankings, view, found.over_limit)
    if path is None:
        write_stdout(("\n".join(_lines([*found.train, *found.held_out])) + "\n").encode("utf-8", "surrogatepass"))
    elif not is_replaceable(path):  # a pipe or a device, beside which no other file can be
        write_lines(path, _lines([*found.train, *found.held_out]))
    else:
        write_lines(path, _lines(found.train))
        if found.held_out:
            write_lines(dev_path(path), _lines(found.held_out))
        else:
            _remove_old(dev_path(path))
    if view == "gold" and found.over_limit:
        messages.warn(
            f"{found.over_limit} corrected chunkings have chunks over the limit: they are no gold, and stay preferences"
        )
    if not quiet:
        messages.note(
            f"{counted(found.opinions, 'opinion')}: {counted(len(found.train), 'line')} to train on, "
            f"{len(found.held_out)} of held-out documents; left out "
            f"{found.repeats} repeats and {found.contradicted} contradicted later"
        )


def _nothing_in(store: str, view: str, over_limit: int) -> EmptyInputError:
    if view != "gold":
        return EmptyInputError(f"nothing in it makes a line of {view}.", source=store, remedy="Judge some tasks first.")
    if not over_limit:
        return EmptyInputError("nothing in it was corrected.", source=store, remedy="Correct some candidates first.")
    return EmptyInputError(
        f"all {over_limit} corrections in it have chunks over the limit, and are no gold.",
        source=store,
        remedy="Export preferences: they are among them.",
    )


def _remove_old(dev: Path) -> None:
    """No held-out line is no file: one of an earlier export would be taken for this one's.

    Raises:
        OutputError: it cannot be removed.
    """
    try:
        dev.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot be removed ({error.strerror}).", source=str(dev), remedy="Remove it.") from error


def run_import(files: Sequence[str], *, settings: Settings, format: str, quiet: bool) -> None:  # noqa: A002
    """Store the rankings of files.

    Raises:
        UsageError: no such format.
        MissingInputError: a file that cannot be read.
        InvalidPreferenceError: a file of which nothing can be used.
    """
    need_extra("rank", *_LIBRARIES)
    from docalign.feedback.imports import FORMATS, import_rankings
    from docalign.feedback.store import open_store

    if format not in FORMATS:
        raise UsageError(f"there is no format {format!r}.", remedy=f"Choose one of {', '.join(FORMATS)}.")
    with open_store(settings.rankings) as store:
        for path in files:
            found = import_rankings(store, path, format)
            for why in found.left_out:
                messages.warn(f"left out: {why}")
            for what in found.capped:
                messages.warn(what)
            if not quiet:
                messages.note(f"{path}: {found.stored} rankings stored, {found.known} were there already")


def run_report(*, settings: Settings, format: str, out: str | None, seed: int) -> None:  # noqa: A002
    """Write the report on the store.

    Raises:
        UsageError: no such format or store.
    """
    need_extra("rank", *_LIBRARIES)
    from docalign.feedback.report import report, report_text
    from docalign.feedback.report_html import report_html
    from docalign.feedback.store import open_store

    if format not in _REPORTS:
        raise UsageError(f"there is no report format {format!r}.", remedy=f"Choose one of {', '.join(_REPORTS)}.")
    with open_store(settings.rankings, read_only=True) as store:
        place = out_path(out, [_file(store)])
        found = report(store, seed=seed)
        name = store.engine.url.database or ""
    if format == "json":
        data = dump(found, indent=2) + b"\n"
    elif format == "text":
        data = report_text(found).encode("utf-8")
    else:
        data = report_html(found, title=f"Rankings in {Path(name).name}").encode("utf-8", "replace")
    write_result(data, place)


def _file(store: Database) -> str | None:
    """The file a store is, where it is one."""
    return store.engine.url.database if store.engine.dialect.name == "sqlite" else None


def run_delete(documents: Sequence[str], *, settings: Settings, quiet: bool) -> None:
    """Delete documents, named by their sha256 or as files, and all that came from them.

    Raises:
        UsageError: there is no such store.
        UnknownItemError: the store holds nothing of one of them; those before it are deleted.
        MissingInputError: neither a sha256 nor a file that can be read.
    """
    need_extra("rank", *_LIBRARIES)
    from docalign.feedback.store import delete_document, open_store

    hashes = [_sha256(name) for name in documents]
    with open_store(settings.rankings, must_exist=True) as store:
        for name, sha256 in zip(documents, hashes, strict=True):
            gone = delete_document(store, sha256)
            if not quiet:
                messages.note(f"{name}: deleted, with all that came from it ({gone} records of the file)")


def _sha256(name: str) -> str:
    if _SHA256.match(name):
        return name
    try:
        return hashlib.sha256(Path(name).read_bytes()).hexdigest()
    except OSError as error:
        raise MissingInputError(
            f"neither a sha256 nor a file ({error.strerror}).", source=name, remedy="Name the file, or its sha256."
        ) from error


def _redaction(quiet: bool) -> Rewrite:
    from docalign.feedback.redact import find_by_rules, presidio_finder, redact

    presidio = presidio_finder()
    finders = (find_by_rules, presidio) if presidio else (find_by_rules,)
    if not quiet:
        messages.note("redacting by rules" + (" and Presidio" if presidio else "; names of people stay (no Presidio)"))

    def rewrite(document: Document) -> Document:
        return redact(document, *finders)

    return rewrite


def _lines(values: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    return (json.dumps(value, ensure_ascii=False) for value in values)
