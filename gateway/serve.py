"""Run the gateway: where it may listen, and how it ends with nothing left half done.

It listens on loopback unless told otherwise, and elsewhere only with tokens and with TLS, its own
or that of a proxy before it. On SIGTERM it says that it is not ready, takes no new connections, and
ends when the requests under way have.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn

from catalog.errors import CatalogError, InvalidInput
from gateway.access.peer import is_loopback
from gateway.app import Application
from gateway.limits.header_timeout import header_timeout_protocol
from gateway.resources.chunked_uploads import chunk_store

LOG = logging.getLogger("entrepot.gateway")
GRACE_S = 30  # for the requests under way
SWITCH_S = 0.0005  # a thread that makes a long list goes on so long before another one may
SWEEP_S = 60.0  # between two looks for what is to be removed
PORT = 4242


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Where and how a gateway listens."""

    host: str = "127.0.0.1"
    port: int = PORT
    certificate: Path | None = None
    key: Path | None = None
    proxies: tuple[str, ...] = ()  # addresses of those whose X-Forwarded-… is believed
    grace_s: int = GRACE_S

    @property
    def local(self) -> bool:
        """Say whether only this machine reaches it, and nobody is to pass requests on."""
        return is_loopback(self.host) and not self.proxies


def check(listening: ServerOptions, *, tokens: bool) -> None:
    """Refuse to listen where anybody could come in, or listen in.

    Raises:
        InvalidInput: it says what is missing.
    """
    if (listening.certificate is None) != (listening.key is None):
        raise InvalidInput("TLS needs a certificate and its key")
    for file in (listening.certificate, listening.key):
        if file is not None and not file.is_file():
            raise InvalidInput(f"there is no file {str(file)!r}")
    if listening.local:
        return
    if not tokens:
        where = "behind a proxy" if listening.proxies else f"on {listening.host!r}"
        raise InvalidInput(
            f"the gateway does not listen {where} as long as there is no token: "
            "anybody could do anything. Make one with `entrepot token create --role admin`"
        )
    if is_loopback(listening.host):
        return
    if listening.certificate is None and not listening.proxies:
        raise InvalidInput(
            f"the gateway does not listen on {listening.host!r} without TLS, for tokens could be "
            "read on the way: give --certificate and --key, or name the proxy that has them with "
            "--behind-proxy"
        )


class Server(uvicorn.Server):
    """uvicorn's server, which says that it is about to end before it does."""

    def __init__(self, config: uvicorn.Config, application: Application) -> None:
        """Run `application`."""
        super().__init__(config)
        self._application = application

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Be ready no more, and end; a second signal ends at once."""
        self._application.gateway.draining.begin()
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Listen, and say where."""
        await super().startup(sockets)  # type: ignore[arg-type]
        for one in self.servers:
            for socket in one.sockets:
                host, port, *_ = socket.getsockname()
                LOG.info("listening on http%s://%s:%s", "s" * self.config.is_ssl, host, port)


def serve(application: Application, listening: ServerOptions) -> None:
    """Serve until a signal ends it.

    Raises:
        InvalidInput: it may not listen there, or its catalog is gone.
    """
    application.gateway.start()
    check(listening, tokens=bool(application.gateway.doors.known()))
    sys.setswitchinterval(SWITCH_S)  # a short request changes threads ten times, waiting each time
    server = Server(config_of(application, listening), application)
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(_serving(server, application))


def config_of(application: Application, listening: ServerOptions) -> uvicorn.Config:
    """Return how uvicorn is to serve."""
    limits = application.gateway.config.limits
    return uvicorn.Config(
        application,
        host=listening.host,
        port=listening.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(listening.proxies),
        forwarded_allow_ips=list(listening.proxies),
        ssl_certfile=listening.certificate,
        ssl_keyfile=listening.key,
        timeout_graceful_shutdown=listening.grace_s,
        http=header_timeout_protocol(limits.head_s),
        limit_concurrency=limits.connections,
        lifespan="on",
    )


async def _serving(server: Server, application: Application) -> None:
    sweeping = asyncio.create_task(_swept(application))
    try:
        await server.serve()
    finally:
        sweeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sweeping


async def _swept(application: Application) -> None:
    """Remove now and then what deleted resources and dead uploads left."""
    gateway = application.gateway
    while True:
        for tenant in gateway.tenants:
            try:
                store = await gateway.thread(tenant.store)
                await gateway.thread(store.sweep)
                await gateway.thread(store.sweep_old)
                await gateway.thread(chunk_store(tenant).sweep)
            except (CatalogError, OSError) as error:
                LOG.warning("nothing was swept for %s: %s", tenant.name, error)
        await asyncio.sleep(SWEEP_S)


def proxies_of(text: Sequence[str]) -> tuple[str, ...]:
    """Return the addresses of proxies, each an IP address or a network.

    >>> proxies_of(["10.0.0.1", "192.168.0.0/16"])
    ('10.0.0.1', '192.168.0.0/16')
    """
    for one in text:
        try:
            ipaddress.ip_network(one, strict=False)
        except ValueError as error:
            raise InvalidInput(f"the proxy {one!r} is no IP address and no network") from error
    return tuple(text)
