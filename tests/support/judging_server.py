"""The store behind HTTP and nothing else, as a process of its own that a test can kill.

`python -m tests.support.judging_server URL` prints its port when it listens. `POST /next` leases a task, `POST /judge`
stores a judgement and answers when it is stored.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from docalign.errors import DocalignError
from docalign.feedback.store import judge, next_task, open_store
from docalign.feedback.values import Judgement
from docalign.store import Database


def app_for(database: Database) -> FastAPI:
    app = FastAPI()

    @app.exception_handler(DocalignError)
    def answer(_: Request, error: DocalignError) -> JSONResponse:
        return JSONResponse(error.as_json(), error.http_status)

    @app.post("/next")
    def next_(body: dict[str, Any]) -> Any:
        task = next_task(database, body["annotator"])
        return None if task is None else {"task": task.id, "candidates": len(task.candidates)}

    @app.post("/judge")
    def judge_(body: dict[str, Any]) -> Any:
        ranking = tuple(tuple(group) for group in body["ranking"])
        stored = judge(database, Judgement(body["id"], body["task"], body["annotator"], "ranking", ranking))
        return {"id": stored.id, "number": stored.number}

    return app


def main(url: str) -> None:
    with open_store(url) as database, socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app_for(database), log_level="error", access_log=False)
        print(listener.getsockname()[1], flush=True)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1])
