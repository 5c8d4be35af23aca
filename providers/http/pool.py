"""Bounded pools of keep-alive connections, shared by threads and discarded in a forked child."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

from catalog.errors import (
    AccessDenied,
    StorageFailed,
    TransferTimeout,
    UnexpectedReply,
)
from providers.base import Timeouts
from providers.http.connection import Connection
from providers.http.socket import open_socket, open_tls
from providers.shared.origin import Proxy, Tls, WebOrigin
from providers.shared.tls_context import make_context

Taken = tuple[Connection, bool]


class Pool:
    """At most `limit` connections to one origin; the most recently used is taken first.

    The fast path takes no lock: `list.pop` and `append` are atomic, and a waiting thread
    increments `_waiting` before it checks again.
    """

    __slots__ = ("_condition", "_connect", "_idle", "_open", "_pid", "_wait_s", "_waiting", "limit")

    def __init__(
        self, connect: Callable[[str], Connection], limit: int, *, wait_s: float = 300.0
    ) -> None:
        """Open connections with `connect(path)`; wait at most `wait_s` while all are in use."""
        self._wait_s = wait_s
        self._connect = connect
        self.limit = limit
        self._idle: list[Connection] = []
        self._condition = threading.Condition()
        self._open = 0
        self._waiting = 0
        self._pid = os.getpid()

    def take_nowait(self, path: str) -> Taken | None:
        """Return a connection, and whether it was used before; None if all are in use."""
        if self._pid != os.getpid():
            self._reset_after_fork()
        try:
            return self._idle.pop(), True
        except IndexError:
            pass
        with self._condition:
            if self._open >= self.limit:
                return None
            self._open += 1
        return self._dial(path), False

    def take(self, path: str) -> Taken:
        """Return a connection, and whether it was used before; wait while all are in use."""
        taken = self.take_nowait(path)
        if taken is not None:
            return taken
        with self._condition:
            self._waiting += 1
            try:
                while True:
                    if self._idle:
                        try:
                            return self._idle.pop(), True
                        except IndexError:
                            continue
                    if self._open < self.limit:
                        self._open += 1
                        break
                    if not self._condition.wait(self._wait_s):
                        raise TransferTimeout(
                            f"no connection became free for {path!r} within {self._wait_s} s: "
                            f"all {self.limit} are in use",
                            path=path,
                        )
            finally:
                self._waiting -= 1
        return self._dial(path), False

    def replace(self, stale: Connection, path: str) -> Connection:
        """Replace a connection that the server closed by a new one."""
        stale.close()
        return self._dial(path)

    def put_back(self, connection: Connection) -> None:
        """Return a connection that is ready for the next request."""
        self._idle.append(connection)
        if self._waiting:
            with self._condition:
                self._condition.notify()

    def drop(self, connection: Connection) -> None:
        """Close a connection that cannot be used again."""
        connection.close()
        self._release()

    def raise_limit(self, limit: int) -> None:
        """Allow `limit` connections."""
        with self._condition:
            self.limit = limit
            self._condition.notify_all()

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                return
            self.drop(connection)

    def _dial(self, path: str) -> Connection:
        try:
            return self._connect(path)
        except BaseException:
            self._release()
            raise

    def _release(self) -> None:
        with self._condition:
            self._open -= 1
            self._condition.notify()

    def _reset_after_fork(self) -> None:
        # A child shares its parent's sockets: closing the copies is harmless, but a TLS
        # close_notify is not, so leave them to the garbage collector's plain close.
        self._condition = threading.Condition()
        self._idle = []
        self._open = self._waiting = 0
        self._pid = os.getpid()


@dataclass(frozen=True, slots=True)
class Dialer:
    """Opens connections to one origin: directly or through a proxy, with TLS for https."""

    origin: WebOrigin
    timeouts: Timeouts
    tls: Tls
    proxy: Proxy | None = None
    public_only: bool = False

    def pool(self, limit: int) -> Pool:
        """Return a pool of such connections, which share one TLS context."""
        if self.origin.scheme == "http":
            return Pool(self._plain, limit, wait_s=10 * self.timeouts.read_s)
        tls = self.tls
        context = make_context(
            authorities=tls.authorities,
            client_certificate=tls.client_certificate,
            client_key=tls.client_key,
            verify=tls.verify,
        )

        def connect(path: str) -> Connection:
            below = self._plain(path)
            sock = below.sock
            label = self.origin.label
            if self.proxy is not None:
                self._tunnel(below, self.proxy, path)
            sock.settimeout(self.timeouts.connect_s)
            secured = open_tls(sock, context, self.origin.host, label=label, path=path)
            return Connection(secured, label, self.timeouts)

        return Pool(connect, limit, wait_s=10 * self.timeouts.read_s)

    def _plain(self, path: str) -> Connection:
        place, label = self.origin, self.origin.label
        if self.proxy is not None:
            place = self.proxy.origin()
            label = f"{label} through the proxy {place.label}"
        sock = open_socket(
            (place.host, place.port),
            self.timeouts,
            label=label,
            path=path,
            public_only=self.public_only and self.proxy is None,
        )
        return Connection(sock, label, self.timeouts)

    def _tunnel(self, connection: Connection, proxy: Proxy, path: str) -> None:
        target = self.origin.label.partition("://")[2].encode("idna")
        head = b"CONNECT %s HTTP/1.1\r\nHost: %s\r\n" % (target, target)
        try:
            connection.begin(path)
            connection.send(head + proxy.authorization() + b"\r\n")
            status, _ = connection.read_head()
            if status == 407:
                raise AccessDenied(_refusal_message(proxy, status), path=path, status=status)
            if status >= 500:
                raise StorageFailed(_refusal_message(proxy, status), path=path, status=status)
            if not 200 <= status < 300:
                raise UnexpectedReply(_refusal_message(proxy, status), path=path, status=status)
        except EOFError as error:
            connection.close()
            raise StorageFailed(f"{connection.label} closed the connection", path=path) from error
        except BaseException:
            connection.close()
            raise


class Pools:
    """The connections with one set of TLS and proxy settings: a pool for each origin."""

    def __init__(
        self,
        tls: Tls,
        proxy: Proxy | None,
        timeouts: Timeouts,
        limit: int,
        *,
        public_only: bool = False,
    ) -> None:
        """Open connections on demand, at most `limit` to each origin."""
        self._tls, self._proxy, self._public_only = tls, proxy, public_only
        self._timeouts, self._limit = timeouts, limit
        self._pools: dict[tuple[WebOrigin, bool, bool], Pool] = {}
        self._places: set[str] = set()
        self._lock = threading.Lock()

    def add_place(self, place: str) -> None:
        """Add a location: each may use `limit` connections to an origin.

        With one limit for all of them, transfers from one location to another would use every
        connection for reading, and wait for ever for one to write.
        """
        with self._lock:
            self._places.add(place)
            limit = self._limit_per_origin()
            for pool in self._pools.values():
                pool.raise_limit(limit)

    def _limit_per_origin(self) -> int:
        return self._limit * max(1, len(self._places))

    def pool(self, origin: WebOrigin, *, trusted: bool, public_only: bool = False) -> Pool:
        """Return the pool of an origin; only trusted origins get the client certificate."""
        public_only = public_only or self._public_only
        key = (origin, trusted, public_only)
        if (found := self._pools.get(key)) is not None:
            return found
        tls = self._tls
        if not trusted:
            tls = Tls(authorities=tls.authorities, verify=tls.verify)
        dialer = Dialer(origin, self._timeouts, tls, self._proxy, public_only)
        with self._lock:
            return self._pools.setdefault(key, dialer.pool(self._limit_per_origin()))

    def close(self) -> None:
        """Close every idle connection."""
        for pool in list(self._pools.values()):
            pool.close()


def _refusal_message(proxy: Proxy, status: int) -> str:
    return f"the proxy {proxy.origin().label} refused the connection with status {status}"
