"""Templates and what goes into them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from docalign.errors import DocalignError
from docalign.feedback import store
from docalign.feedback.values import Annotator, Judgement, Task
from docalign.feedback.web.desk import Desk
from docalign.feedback.web.screens import Screen, screen_of

__all__ = ["Pages"]

_SAID: Final = {
    "ranking": "Ranking saved.",
    "all_bad": "Saved: all bad.",
    "correction": "Correction saved.",
    "skip": "Skipped.",
    "undo": "Taken back.",
}


class Pages:
    """Renders what the routes answer. `stamp` goes into the addresses of assets, so that browsers may keep them."""

    def __init__(self, desk: Callable[[], Desk], *, stamp: str) -> None:
        self._desk = desk
        self._stamp = stamp
        self._templates = Environment(
            loader=PackageLoader("docalign.feedback.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip

    def who(self, request: Request) -> HTMLResponse:
        """Asks who judges."""
        return self._render(request, "who.html")

    def whole(self, request: Request, me: Annotator) -> HTMLResponse:
        """The page with the task at hand."""
        return self._render(request, "judge.html", **self._task(request, me), stored=None)

    def next_task(self, request: Request, me: Annotator, *, stored: Judgement | None = None) -> HTMLResponse:
        """The task at hand, to take the place of the last one; `stored` is what has just been saved."""
        return self._render(request, "task.html", **self._task(request, me), stored=stored)

    def ahead(self, request: Request, me: Annotator, task: Task) -> HTMLResponse:
        """The pictures that will be needed after `task`."""
        coming = self._desk().next_task(me, after=task)
        pictures = [] if coming is None else self._screen(request, coming).pictures
        return self._render(request, "ahead.html", pictures=pictures)

    def guideline(self, request: Request) -> HTMLResponse:
        return self._render(request, "guideline.html", guideline=self._desk().guideline)

    def problem(self, request: Request, error: DocalignError) -> HTMLResponse:
        """An error: a sentence for htmx to show, or a page that says it."""
        name = "problem.html" if request.headers.get("hx-request") else "problem_page.html"
        return self._render(request, name, status=error.http_status, what=error.what, remedy=error.remedy)

    def refusal(self, request: Request) -> HTMLResponse:
        """For what comes from another site."""
        what, remedy = "this request does not come from this page.", "Open the page and judge there."
        return self._render(request, "problem_page.html", status=403, what=what, remedy=remedy)

    def _task(self, request: Request, me: Annotator) -> dict[str, Any]:
        desk = self._desk()
        database = desk.database
        task = desk.next_task(me)
        last = store.last_judgement(database, me.id)
        return {
            "me": me,
            "screen": None if task is None else self._screen(request, task),
            "progress": store.progress(database, me.id, overlap=desk.overlap),
            "preparing": desk.preparing(),
            "undoable": None if last is None else last.id,
            "guideline": desk.guideline,
        }

    def _screen(self, request: Request, task: Task) -> Screen:
        document_id = task.stretch.document_id
        document = self._desk().document(task.stretch)
        drawn = store.pages_with_pictures(self._desk().database, document_id)

        def picture(page: int) -> str | None:
            if page not in drawn:
                return None
            return request.url_for("rank:picture", document_id=document_id, page=page).path

        return screen_of(task, document, picture)

    def _render(self, request: Request, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        def url(route: str, **parameters: Any) -> str:
            return str(request.url_for(f"rank:{route}", **parameters).path)

        template = self._templates.get_template(name)
        asset = partial(url, "asset", stamp=self._stamp)
        said = _SAID | {None: ""}
        text = template.render(url=url, asset=lambda name: asset(name=name), said=said, status=status, **values)
        return HTMLResponse(text.encode("utf-8", "replace"), status)
