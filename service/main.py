"""Starting the service: what `docalign serve` calls."""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING

import uvicorn

from docalign.errors import DocalignError, UsageError

from . import tracing
from .app import build_app
from .auth import new_token
from .state import Service

if TYPE_CHECKING:
    from docalign.config import Settings

__all__ = ["print_token", "serve"]


def serve(settings: Settings) -> None:
    """Listen until told to stop; SIGHUP reads the model again.

    Raises:
        DocalignError: the settings make no sense, the model cannot be loaded, or the database not be used.
    """
    _check_port(settings.serve.host, settings.serve.port)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    tracing.set_up()
    app = build_app(settings)
    service: Service = app.state.service
    wanted = settings.serve
    config = uvicorn.Config(
        app,
        host=wanted.host,
        port=wanted.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(wanted.drain_s) or None,
        timeout_keep_alive=30,
    )
    for name in ("uvicorn.error", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    server = _Server(config, service)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=_reload, args=(service,), daemon=True).start())
    server.run()
    if service.problem is not None:
        raise service.problem


def _check_port(host: str, port: int) -> None:
    """Before anything is loaded: may this address be listened on?

    Raises:
        UsageError: it may not; something else listens there, or it is no address of this machine.
    """
    if not 0 <= port < 65536:
        raise UsageError(f"--port is {port}.", remedy="Ports are 1 to 65535, or 0 for any that is free.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise UsageError(
            f"{host}, port {port}, cannot be listened on ({error.strerror}).",
            remedy="Choose another --port or --host, or end what listens there.",
        ) from error


def print_token(tenant: str) -> None:
    """A new token on standard output, once, and the table that admits it.

    Raises:
        ConfigError: no name for a tenant.
    """
    token, table = new_token(tenant)
    sys.stderr.write("The token, which is kept nowhere, then the table for the tokens file:\n")
    sys.stdout.write(f"{token}\n\n{table}")


def _reload(service: Service) -> None:
    log = logging.getLogger("docalign.service")
    try:
        log.info("the model is now %s", service.models.switch(None))
    except DocalignError as error:
        log.error("the model stays as it was: %s", error)


class _Server(uvicorn.Server):
    """Says where it listens, ends where the service cannot start, and stops being ready as soon as it is told to."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        for server in self.servers:
            for listening in server.sockets:
                host, port = listening.getsockname()[:2]
                sys.stderr.write(f"docalign: listening on http://{host}:{port}\n")
        sys.stderr.flush()

    async def on_tick(self, counter: int) -> bool:
        return self._service.problem is not None or await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: object) -> None:
        self._service.draining = True
        super().handle_exit(sig, frame)  # type: ignore[arg-type]
