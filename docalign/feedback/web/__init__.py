"""The page people judge on: a FastAPI router that the service mounts too, and the small app around it.

Server-rendered (Jinja2) with htmx and a little plain JavaScript, all of it files of this package: nothing comes from
another host, and nothing needs to be built. It needs the extra `rank` (or `serve`).
"""

from __future__ import annotations

from docalign.feedback.web.app import create_app
from docalign.feedback.web.desk import Desk
from docalign.feedback.web.routes import rank_router

__all__ = ["Desk", "create_app", "rank_router"]
