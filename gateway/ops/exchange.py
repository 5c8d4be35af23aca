"""What passes between a client and the app in one request, counted on its way."""

from __future__ import annotations

from starlette.types import Message, Receive, Scope, Send

NOBODY = "none"  # the tenant of a request that was not let in


class Exchange:
    """Counts what it hands on: give its `receive` and `send` to the app."""

    __slots__ = ("_receive", "_send", "complete", "gone", "received", "sent", "status")

    def __init__(self, receive: Receive, send: Send) -> None:
        """Begin with nothing received and nothing sent."""
        self._receive, self._send = receive, send
        self.received = 0  # bytes of the request's body
        self.sent = 0  # bytes of the reply's body
        self.status: int | None = None
        self.complete = False
        self.gone = False  # the client left before the end

    async def receive(self) -> Message:
        """Hand on what the client sends."""
        message = await self._receive()
        if message["type"] == "http.request":
            self.received += len(message.get("body", b""))
        elif message["type"] == "http.disconnect" and not self.complete:
            self.gone = True
        return message

    async def send(self, message: Message) -> None:
        """Hand on what the app replies; bytes count once the server has taken them."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            # Before it is sent: right after, whoever waits for the client is told that it left.
            self.complete = not message.get("more_body", False)
        await self._send(message)
        if message["type"] == "http.response.body":
            self.sent += len(message.get("body", b""))

    def outcome(self, *, failed: bool) -> int:
        """Return the status to tell: 499 where the client left first, 500 where the app failed."""
        if self.status is not None:
            return self.status
        return 499 if self.gone or not failed else 500


def tenant_of(scope: Scope) -> str:
    """Return whose request it is, as whoever let it in wrote down in the scope.

    That is `scope["entrepot.tenant"]` or `request.state.tenant`: ask when the request has ended.
    """
    found = scope.get("entrepot.tenant") or scope.get("state", {}).get("tenant")
    return str(found) if found else NOBODY


def client_of(scope: Scope) -> str:
    """Return the address of the client, without its port."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"
