"""Counts what a client and the app exchange in one request."""

from __future__ import annotations

from starlette.types import Message, Receive, Scope, Send

NOBODY = "none"  # the tenant of an unauthenticated request


class RequestMeter:
    """Counts messages: pass its `receive` and `send` to the app."""

    __slots__ = ("_receive", "_send", "client_left", "complete", "received", "sent", "status")

    def __init__(self, receive: Receive, send: Send) -> None:
        """Start counting."""
        self._receive, self._send = receive, send
        self.received = 0  # bytes of the request body
        self.sent = 0  # bytes of the response body
        self.status: int | None = None
        self.complete = False
        self.client_left = False  # before the end of the response

    async def receive(self) -> Message:
        """Receive a message of the client."""
        message = await self._receive()
        if message["type"] == "http.request":
            self.received += len(message.get("body", b""))
        elif message["type"] == "http.disconnect" and not self.complete:
            self.client_left = True
        return message

    async def send(self, message: Message) -> None:
        """Send a message of the app; bytes count once the server has accepted them."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            # Before sending: right afterwards the client's disconnect may be received.
            self.complete = not message.get("more_body", False)
        await self._send(message)
        if message["type"] == "http.response.body":
            self.sent += len(message.get("body", b""))

    def final_status(self, *, failed: bool) -> int:
        """Return the status to report: 499 if the client left first, 500 if the app failed."""
        if self.status is not None:
            return self.status
        return 499 if self.client_left or not failed else 500


def tenant_of(scope: Scope) -> str:
    """Return the tenant of an ended request, which authentication stored in the scope.

    That is `scope["entrepot.tenant"]` or `request.state.tenant`.
    """
    found = scope.get("entrepot.tenant") or scope.get("state", {}).get("tenant")
    return str(found) if found else NOBODY


def client_of(scope: Scope) -> str:
    """Return the client's address, without the port."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"
