"""A Prefect server that takes connections and never answers, before a gateway that runs."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

import pytest

from tests.gateway.cli_process import gateway, token


class SilentServer:
    """Takes connections, counts them, and says nothing."""

    def __init__(self) -> None:
        """Listen on a free port."""
        self.taken: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with suppress(OSError):  # it is closed
            while True:
                self.taken.append(self._listener.accept()[0])

    def close(self) -> None:
        """Let everybody go."""
        self._listener.shutdown(socket.SHUT_RDWR)
        for one in (self._listener, *self.taken):
            one.close()


@pytest.fixture
def silent() -> Iterator[SilentServer]:
    """Run such a server."""
    with closing(SilentServer()) as server:
        yield server


def test_the_gateway_gives_up_and_says_so(tmp_path: Path, silent: SilentServer) -> None:
    environment = {
        "PREFECT_API_URL": f"http://127.0.0.1:{silent.port}/api",
        "PREFECT_API_REQUEST_TIMEOUT": "1",  # what an operator says goes before the gateway's own
        "PREFECT_CLIENT_RETRY_JITTER_FACTOR": "0",
    }
    with gateway(tmp_path, environment=environment) as running:
        answer = running.client.get(
            f"/v1/acme/flow-runs/{uuid4()}", headers=token(tmp_path), timeout=300
        )

    assert answer.status_code == 503
    assert answer.json()["error"]["kind"] == "PrefectUnreachable"
    assert len(silent.taken) == 2  # asked, and asked once more; Prefect's own is six times
