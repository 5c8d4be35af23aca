"""The command `gateway`: serve resources and repositories over HTTP."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from catalog.errors import CatalogError
from catalog.settings import Settings
from cli.terminal.exit_codes import exit_of
from cli.terminal.output import PLAIN, OutputOptions, show_error
from cli.terminal.quiet_prefect import load_quietly


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen."""

    host: str = "127.0.0.1"
    """Address to listen on; any but a loopback address requires tokens and TLS."""
    port: int = 4242
    """Port to listen on; 0 chooses a free one."""
    certificate: Path | None = None
    """TLS certificate, a PEM file."""
    key: Path | None = None
    """Private key of the certificate, a PEM file."""
    behind_proxy: tuple[str, ...] = ()
    """Addresses of trusted proxies that terminate TLS and forward client addresses."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Logs:
    """What to log."""

    log_format: Literal["json", "text"] = "json"
    """Format of log lines."""
    log_level: Literal["all", "debug", "info", "warn", "error", "none"] = "info"
    """Lowest level to log."""


LISTEN, LOGS = Listen(), Logs()

# Prefect's own would let a request wait for a server that does not answer for seven minutes.
PATIENCE = {"PREFECT_CLIENT_MAX_RETRIES": "1", "PREFECT_API_REQUEST_TIMEOUT": "20"}


def gateway(
    *,
    config: Annotated[Path | None, Parameter(env_var="ENTREPOT_GATEWAY_CONFIG")] = None,
    listen: Annotated[Listen, Parameter(group="Listening")] = LISTEN,
    logs: Annotated[Logs, Parameter(group="Logs")] = LOGS,
    output: OutputOptions = PLAIN,
) -> None:
    """Serve resources, repositories and content over HTTP, until SIGTERM or Ctrl-C.

    Args:
        config: YAML file that says what to serve to whom; by default every stored block is served
            to the tenant of ENTREPOT_TENANT.
        listen: Where to listen.
        logs: What to log.
        output: Output format of errors.
    """
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)  # read when Prefect is imported, and only then
    load_quietly()
    from gateway.app import create_app  # noqa: PLC0415 - it loads Prefect, which takes seconds
    from gateway.config import default, load  # noqa: PLC0415
    from gateway.ops.logs import LogFormat, configure_logs  # noqa: PLC0415
    from gateway.serve import ServerOptions, parse_proxies, serve  # noqa: PLC0415

    try:
        settings = Settings()
        configure_logs(LogFormat(logs.log_format), logs.log_level)
        configuration = default(settings.tenant) if config is None else load(config)
        proxies = parse_proxies(listen.behind_proxy)
        options = ServerOptions(listen.host, listen.port, listen.certificate, listen.key, proxies)
        serve(create_app(configuration, settings, local=options.local), options)
    except CatalogError as error:
        show_error(error, output)
        sys.exit(exit_of(error))
