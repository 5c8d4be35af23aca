"""Runs the gateway's server: where it may listen, and its graceful shutdown.

By default it listens on loopback; elsewhere only with tokens and TLS, its own or that of a proxy.
On SIGTERM it reports that it is not ready, accepts no new connections, and stops when the current
requests have finished.
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
GRACE_S = 30  # for the current requests
SWITCH_S = 0.0005  # how long a busy thread runs before another one may
SWEEP_S = 60.0  # between two clean-ups
PORT = 4242


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Where and how the gateway listens."""

    host: str = "127.0.0.1"
    port: int = PORT
    certificate: Path | None = None
    key: Path | None = None
    proxies: tuple[str, ...] = ()  # addresses whose X-Forwarded-… headers are trusted
    grace_s: int = GRACE_S

    @property
    def local(self) -> bool:
        """Return whether only this machine can reach it, without a proxy."""
        return is_loopback(self.host) and not self.proxies


def check_exposure(options: ServerOptions, *, tokens: bool) -> None:
    """Refuse to listen where strangers have access, or could read tokens.

    Raises:
        InvalidInput: with what is missing.
    """
    if (options.certificate is None) != (options.key is None):
        raise InvalidInput("TLS needs both --certificate and --key")
    for file in (options.certificate, options.key):
        if file is not None and not file.is_file():
            raise InvalidInput(f"there is no file {str(file)!r}")
    if options.local:
        return
    if not tokens:
        where = "behind a proxy" if options.proxies else f"on {options.host!r}"
        raise InvalidInput(
            f"the gateway does not listen {where} without tokens, because everyone would have full "
            "access: create a token with `entrepot token create --role admin`"
        )
    if is_loopback(options.host):
        return
    if options.certificate is None and not options.proxies:
        raise InvalidInput(
            f"the gateway does not listen on {options.host!r} without TLS, because tokens could be "
            "intercepted: set --certificate and --key, or --behind-proxy for a proxy with TLS"
        )


class Server(uvicorn.Server):
    """uvicorn's server, which reports that it is not ready before it shuts down."""

    def __init__(self, config: uvicorn.Config, application: Application) -> None:
        """Run `application`."""
        super().__init__(config)
        self._application = application

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Become not ready and shut down; a second signal stops immediately."""
        self._application.gateway.draining.begin()
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Start listening, and log the addresses."""
        await super().startup(sockets)  # type: ignore[arg-type]
        for server in self.servers:
            for socket in server.sockets:
                host, port, *_ = socket.getsockname()
                LOG.info("listening on http%s://%s:%s", "s" * self.config.is_ssl, host, port)


def serve(application: Application, options: ServerOptions) -> None:
    """Serve until a signal stops it.

    Raises:
        InvalidInput: it may not listen there, or its catalog is gone.
    """
    application.gateway.start()
    check_exposure(options, tokens=bool(application.gateway.authenticator.known_tokens()))
    sys.setswitchinterval(SWITCH_S)  # a short request switches threads ten times
    server = Server(uvicorn_config(application, options), application)
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(_serve(server, application))


def uvicorn_config(application: Application, options: ServerOptions) -> uvicorn.Config:
    """Return uvicorn's configuration."""
    limits = application.gateway.config.limits
    return uvicorn.Config(
        application,
        host=options.host,
        port=options.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(options.proxies),
        forwarded_allow_ips=list(options.proxies),
        ssl_certfile=options.certificate,
        ssl_keyfile=options.key,
        timeout_graceful_shutdown=options.grace_s,
        http=header_timeout_protocol(limits.head_s),
        limit_concurrency=limits.connections,
        lifespan="on",
    )


async def _serve(server: Server, application: Application) -> None:
    sweeping = asyncio.create_task(_sweep_regularly(application))
    try:
        await server.serve()
    finally:
        sweeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sweeping


async def _sweep_regularly(application: Application) -> None:
    """Regularly remove the remains of deleted resources and dead uploads."""
    gateway = application.gateway
    while True:
        for tenant in gateway.tenants:
            try:
                store = await gateway.run_in_thread(tenant.store)
                await gateway.run_in_thread(store.sweep)
                await gateway.run_in_thread(store.sweep_temporary)
                await gateway.run_in_thread(chunk_store(tenant).sweep)
            except (CatalogError, OSError) as error:
                LOG.warning("clean-up of tenant %s failed: %s", tenant.name, error)
        await asyncio.sleep(SWEEP_S)


def parse_proxies(text: Sequence[str]) -> tuple[str, ...]:
    """Check the addresses of proxies, each an IP address or a network.

    >>> parse_proxies(["10.0.0.1", "192.168.0.0/16"])
    ('10.0.0.1', '192.168.0.0/16')
    """
    for one in text:
        try:
            ipaddress.ip_network(one, strict=False)
        except ValueError as error:
            raise InvalidInput(f"the proxy {one!r} is not an IP address or network") from error
    return tuple(text)
