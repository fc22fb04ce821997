"""An OpenAI-compatible endpoint on the loopback interface that answers as a script says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["FakeJudge", "serving"]

Answer = Callable[[int, dict[str, Any]], "str | int | bytes | None"]
"""Number of the request (from 0) and its body → an answer's text, an HTTP status, a raw body, or None: no answer."""


class FakeJudge:
    """What was asked (`requests`, `headers`), and where (`url`)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []


@contextmanager
def serving(answer: Answer) -> Iterator[FakeJudge]:
    """Serve until the block ends."""
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            judge.requests.append(body)
            judge.headers.append(dict(self.headers))
            said = answer(len(judge.requests) - 1, body)
            if said is None:
                released.wait(10)
                return
            status = said if isinstance(said, int) else 200
            completion = {"choices": [{"message": {"role": "assistant", "content": said}}]}
            data = said if isinstance(said, bytes) else json.dumps(completion).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Tests keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    judge = FakeJudge(f"http://127.0.0.1:{server.server_port}/v1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield judge
    finally:
        released.set()
        server.shutdown()
        thread.join()
        server.server_close()
