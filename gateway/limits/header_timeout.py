"""How long a connection may take for the head of a request: who sends a byte a minute is let go."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.limits.connection_overhead import OverheadLimitProtocol

REPLY = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


def header_timeout_protocol(head_s: float) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol for connections that have `head_s` seconds for each head."""

    class Patient(OverheadLimitProtocol):
        """Closes a connection whose head does not come."""

        _waiting: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - as uvicorn has it
            """Begin to wait for the first head."""
            super().connection_made(transport)
            self._wait()

        def on_message_begin(self) -> None:
            """Begin to wait for the rest of a further head."""
            super().on_message_begin()
            if self._waiting is None:
                self._wait()

        def on_headers_complete(self) -> None:
            """Wait no more: the head is here."""
            self._stop()
            super().on_headers_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            """Wait no more: nobody is there."""
            self._stop()
            super().connection_lost(exc)

        def _wait(self) -> None:
            self._waiting = self.loop.call_later(head_s, self._too_slow)

        def _stop(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None

        def _too_slow(self) -> None:
            self._waiting = None
            if not self.transport.is_closing():
                # There is no cycle as long as no request was read.
                if getattr(self.cycle, "response_complete", True):
                    self.transport.write(REPLY)
                self.transport.close()

    return Patient
