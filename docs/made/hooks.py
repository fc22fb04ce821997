"""The pages of the site that are made when it is built: from the code, from records, from files that stand elsewhere.

`MADE` are pages a function writes; `ELSEWHERE` are Markdown files of the repository that are pages as they stand. Links
to files of the repository that are no pages lead to copies under `files/`, so that the site needs no other host.
A link that leads nowhere is a warning, and the build is strict.
"""

from __future__ import annotations

import logging
import os.path
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import benchmark_page
import cli_page
import errors_page
import models_page
import settings_page
from mkdocs.structure.files import File, Files

ROOT: Final = Path(__file__).resolve().parents[2]
LOG: Final = logging.getLogger("mkdocs.docs.made")

MADE: Final[dict[str, Callable[[], str]]] = {
    "benchmark.md": benchmark_page.page,
    "cli.md": cli_page.page,
    "errors.md": errors_page.page,
    "models.md": models_page.page,
    "settings.md": settings_page.page,
}
ELSEWHERE: Final[dict[str, str]] = {
    "benchmarks.md": "benchmarks/README.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "deploy.md": "service/deploy/README.md",
    "examples.md": "examples/README.md",
    "guideline.md": "data/GUIDELINE.md",
    "recipes.md": "data/recipes/README.md",
    "samples.md": "data/samples/README.md",
    "schemas.md": "data/schemas/README.md",
    "ship-rule.md": "benchmarks/SHIP_RULE.md",
    **{f"model-{card.parent.name}.md": str(card.relative_to(ROOT)) for card in sorted(ROOT.glob("models/*/card.md"))},
}
"""Page of the site → the file of the repository that it is."""
PAGE_OF: Final = {path: page for page, path in ELSEWHERE.items()} | {"README.md": "index.md"}
_LINK: Final = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)(#[^)\s]*)?(?=\))")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are in no folder, and the files that any page links to."""
    pages = {name: make() for name, make in MADE.items()}
    pages |= {name: (ROOT / path).read_text("utf-8") for name, path in ELSEWHERE.items()}
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    written = {f.src_uri: f.content_string for f in files.documentation_pages() if f.src_uri not in pages}
    linked = {path for name, text in (written | pages).items() for path in _links(name, text)}
    for path in sorted(linked - set(PAGE_OF)):
        if (ROOT / path).is_file() and _outside(path):
            files.append(File.generated(config, f"files/{path}", abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links of the repository as links of the site; what no page shows is left out."""
    name = page.file.src_uri

    def led(match: re.Match[str]) -> str:
        path = _repository_path(name, match[1])
        target = PAGE_OF.get(path)
        if target is None:
            if not _outside(path):
                target = os.path.relpath(path, "docs")
            elif (ROOT / path).is_file():
                target = f"files/{path}"
            else:
                LOG.warning("%s links to %s, which is not there", name, match[1])
                return match[1]
        return os.path.relpath(target, os.path.dirname(name) or ".") + (match[2] or "")

    return _LINK.sub(led, _without_comments(markdown))


def _links(name: str, text: str) -> Iterator[str]:
    yield from (_repository_path(name, match[1]) for match in _LINK.finditer(text))


def _repository_path(page: str, link: str) -> str:
    """Where a link on a page leads, as a path of the repository."""
    home = os.path.dirname(ELSEWHERE.get(page, f"docs/{page}"))
    return os.path.normpath(os.path.join(home, link))


def _outside(path: str) -> bool:
    """Whether a file of the repository is in no folder that the site is built from."""
    return not path.startswith("docs/")


def _without_comments(markdown: str) -> str:
    """Without remarks to tests: `<!-- not run: why -->` and the like."""
    return re.sub(r"^<!--.*?-->\n", "", markdown, flags=re.M | re.S)
