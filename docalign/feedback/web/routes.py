"""The routes of the page. Each answers HTML: the whole page, or the piece of it that htmx puts in place.

A judgement is stored before it is answered, and the answer is the next task; the page keeps its id until it has that
answer, so that a lost one can be sent again and is stored once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from importlib.resources import files
from typing import Any, Final

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from docalign.errors import DocalignError, UnknownItemError
from docalign.feedback import store
from docalign.feedback.values import Annotator
from docalign.feedback.web.desk import Desk, is_of_team
from docalign.feedback.web.forms import MAX_NUMBER, SentJudgement, SentName, SentUndo, read_form
from docalign.feedback.web.pages import Pages
from docalign.feedback.web.security import COOKIE_AGE_S, HEADERS, is_foreign

__all__ = ["rank_router"]

_ANNOTATOR_COOKIE: Final = "docalign_annotator"
_IMAGES: Final = frozenset({"image/webp", "image/png", "image/jpeg"})
_ASSETS: Final = {
    "palette.css": ("docalign.view", "text/css"),
    "rank.css": ("docalign.feedback.web", "text/css"),
    "rank.js": ("docalign.feedback.web", "text/javascript"),
    "paint.js": ("docalign.feedback.web", "text/javascript"),
    "mend.js": ("docalign.feedback.web", "text/javascript"),
    "icon.svg": ("docalign.feedback.web", "image/svg+xml"),
    "htmx.min.js": ("docalign.feedback.web", "text/javascript"),
}

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


Team = Callable[[Request], str]
"""Whose people a request comes from; annotators of one team are none of another's. Empty: there are no teams."""


def _no_team(_: Request) -> str:
    return ""


def rank_router(desk: Desk | Callable[[], Desk], *, prefix: str = "", team: Team = _no_team) -> APIRouter:
    """The routes, to be included in any app below `prefix`. Who may reach them is the app's business.

    Args:
        desk: what is judged; a function where the store is opened later than the app is built.
        team: named in front of an annotator's name, so that nobody signs in as somebody of another team.
    """
    desk_now = (lambda: desk) if isinstance(desk, Desk) else desk
    pages = Pages(desk_now, stamp=_stamp())
    router = APIRouter(prefix=prefix, route_class=_route_class(pages))
    _add_pages(router, desk_now, pages, team)
    _add_judging(router, desk_now, pages, team)
    return router


def _add_pages(router: APIRouter, desk: Callable[[], Desk], pages: Pages, team: Team) -> None:
    @router.get("/", name="rank:page")
    def page(request: Request) -> Response:
        annotator = _annotator(desk(), request, team)
        return pages.who(request) if annotator is None else pages.whole(request, annotator)

    @router.get("/guideline", name="rank:guideline")
    def guideline(request: Request) -> Response:
        return pages.guideline(request)

    @router.get("/pictures/{document_id:int}/{page:int}", name="rank:picture")
    def picture(document_id: int, page: int) -> Response:
        known = max(document_id, page) <= MAX_NUMBER
        found = store.page_picture(desk().database, document_id, page) if known else None
        if found is None or found[1] not in _IMAGES:
            raise UnknownItemError("there is no such picture.", remedy="Its document may be deleted.")
        return Response(found[0], media_type=found[1], headers={"Cache-Control": "private, max-age=3600"})

    @router.get("/assets/{stamp}/{name}", name="rank:asset")
    def asset(stamp: str, name: str) -> Response:  # noqa: ARG001 - the stamp only makes addresses of new versions new
        if name not in _ASSETS:
            raise UnknownItemError("there is no such file.", remedy="Reload the page.")
        headers = {"Cache-Control": "private, max-age=604800"}
        return Response(_asset(name), media_type=_ASSETS[name][1], headers=headers)


def _add_judging(router: APIRouter, desk: Callable[[], Desk], pages: Pages, team: Team) -> None:
    @router.post("/annotator", name="rank:sign_in")
    async def sign_in(request: Request) -> Response:
        sent = await read_form(request, SentName)
        me = await run_in_threadpool(lambda: desk().sign_in(sent.name, team=team(request)))
        home = request.url_for("rank:page").path
        answer = RedirectResponse(home, 303)
        answer.set_cookie(
            _ANNOTATOR_COOKIE, str(me.id), path=home, max_age=COOKIE_AGE_S, httponly=True, samesite="strict"
        )
        return answer

    @router.get("/task", name="rank:task")
    def task(request: Request) -> Response:
        return pages.next_task(request, _must_be(desk(), request, team))

    @router.get("/ahead/{task_id:int}", name="rank:ahead")
    def ahead(request: Request, task_id: int) -> Response:
        return pages.ahead(
            request, _must_be(desk(), request, team), store.task(desk().database, min(task_id, MAX_NUMBER))
        )

    @router.post("/judgements", name="rank:judge")
    async def judge(request: Request) -> Response:
        sent = await read_form(request, SentJudgement)

        def answer() -> Response:
            me = _must_be(desk(), request, team)
            desk().check_guideline(sent.guideline, sent.id)
            stored = store.judge(desk().database, sent.judgement(me.id))
            made = pages.next_task(request, me, stored=stored)
            made.background = BackgroundTask(desk().after, stored)
            return made

        return await run_in_threadpool(answer)

    @router.post("/undo", name="rank:undo")
    async def undo(request: Request) -> Response:
        sent = await read_form(request, SentUndo)

        def answer() -> Response:
            me = _must_be(desk(), request, team)
            undone = store.undo(desk().database, sent.id, me.id, sent.judgement)
            return pages.next_task(request, me, stored=undone)

        return await run_in_threadpool(answer)


def _annotator(desk: Desk, request: Request, team: Team) -> Annotator | None:
    """Who judges: the one the page was started for, else whoever of this team signed in with this browser."""
    if desk.annotator is not None:
        return desk.annotator
    known = request.cookies.get(_ANNOTATOR_COOKIE, "")
    if not (known.isascii() and known.isdigit() and len(known) < 10):
        return None
    try:
        found = store.annotator(desk.database, int(known))
    except UnknownItemError:
        return None
    return found if is_of_team(found, team(request)) else None


def _must_be(desk: Desk, request: Request, team: Team) -> Annotator:
    annotator = _annotator(desk, request, team)
    if annotator is None:
        raise UnknownItemError("nobody has signed in.", remedy="Reload the page and say who you are.")
    return annotator


def _route_class(pages: Pages) -> type[APIRoute]:
    """Routes that refuse foreign requests, answer errors as the page shows them, and set the headers."""

    class Guarded(APIRoute):
        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()

            async def guarded(request: Request) -> Response:
                try:
                    answer = pages.refusal(request) if is_foreign(request) else await handle(request)
                except DocalignError as error:
                    answer = await run_in_threadpool(pages.problem, request, error)
                for name, value in HEADERS.items():
                    answer.headers[name] = value
                answer.headers.setdefault("Cache-Control", "no-store")
                return answer

            return guarded

    return Guarded


def _asset(name: str) -> bytes:
    return (files(_ASSETS[name][0]) / "assets" / name).read_bytes()


def _stamp() -> str:
    """Changes when any asset does."""
    return hashlib.sha256(b"".join(_asset(name) for name in _ASSETS)).hexdigest()[:10]
