"""A real server on 127.0.0.1 for any ASGI app, in a thread of this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import httpx
import uvicorn
from starlette.types import ASGIApp

from tests.servers.process import ServerBrokenError, free_ports


@contextmanager
def serving(app: ASGIApp) -> Generator[httpx.Client]:
    """Serve `app` while the block lasts; give a client of it."""
    (port,) = free_ports(1)
    server = uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=port, log_config=None, access_log=False, ws="none"
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise ServerBrokenError("uvicorn did not start")
            time.sleep(0.01)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
