"""A time limit for receiving a request's head, against slow clients."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.limits.connection_overhead import OverheadLimitProtocol

REPLY = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


def header_timeout_protocol(head_s: float) -> type[asyncio.Protocol]:
    """Return a uvicorn protocol that allows `head_s` seconds for each request head."""

    class HeaderTimeoutProtocol(OverheadLimitProtocol):
        """Closes a connection whose request head is not received in time."""

        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - as uvicorn has it
            """Start the timer for the first head."""
            super().connection_made(transport)
            self._start_timer()

        def on_message_begin(self) -> None:
            """Start the timer for another head."""
            super().on_message_begin()
            if self._timer is None:
                self._start_timer()

        def on_headers_complete(self) -> None:
            """Stop the timer: the head is complete."""
            self._stop_timer()
            super().on_headers_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            """Stop the timer: the client disconnected."""
            self._stop_timer()
            super().connection_lost(exc)

        def _start_timer(self) -> None:
            self._timer = self.loop.call_later(head_s, self._time_out)

        def _stop_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _time_out(self) -> None:
            self._timer = None
            if not self.transport.is_closing():
                # There is no cycle before the first request.
                if getattr(self.cycle, "response_complete", True):
                    self.transport.write(REPLY)
                self.transport.close()

    return HeaderTimeoutProtocol
