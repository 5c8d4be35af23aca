"""`entrepot setup`: set up a Prefect server for Entrepot; safe to repeat."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from catalog.errors import CatalogError, InvalidInput
from cli.setup.report import ChangeKind, SetupReport, SetupStep
from cli.terminal.exit_codes import ExitCode, exit_of
from cli.terminal.output import PLAIN, OutputOptions, show, show_error
from cli.terminal.quiet_prefect import load_quietly

FLOWS = Path("prefect.yaml")
POOL = "entrepot"


def setup(
    *,
    pool: str | None = None,
    pool_type: str | None = None,
    pool_template: Path | None = None,
    deploy: bool | None = None,
    limits: Path | None = None,
    automations: Path | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    output: OutputOptions = PLAIN,
) -> None:
    """Set up the Prefect server: block types, work pool, limits, deployments and automations.

    It is safe to run again at any time, and should be run after every upgrade.

    Args:
        pool: The work pool of all flows; by default the pools that prefect.yaml names.
        pool_type: Type of a work pool that has to be created; by default process.
        pool_template: Base job template of the work pool, YAML or JSON; by default Prefect's.
        deploy: Deploy the flows of prefect.yaml; by default if this folder has a prefect.yaml.
        limits: YAML file with concurrency limits; by default the one that comes with Entrepot.
        automations: YAML file with automations; by default the one that comes with Entrepot.
        dry_run: Show what would change, without changing anything.
        output: Output format.
    """
    load_quietly()
    import httpx  # noqa: PLC0415 - Prefect's
    from prefect.exceptions import PrefectException  # noqa: PLC0415 - it takes two seconds

    url = ""
    try:
        url = require_server()
        request = _SetupRequest(pool, pool_type, pool_template, deploy, limits, automations)
        show(SetupReport.of(_set_up(request, dry=dry_run), dry=dry_run), output)
    except CatalogError as error:
        show_error(error, output)
        sys.exit(exit_of(error))
    except (httpx.HTTPError, PrefectException) as error:
        show_error(PrefectException(f"cannot reach Prefect's API at {url}: {error}"), output)
        sys.exit(ExitCode.UNREACHABLE)


def require_server() -> str:
    """Return the URL of Prefect's API.

    Raises:
        InvalidInput: none is configured; a temporary server would end with this program.
    """
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415 - it takes two seconds

    url: str | None = PREFECT_API_URL.value()
    if not url:
        raise InvalidInput(
            "set PREFECT_API_URL first: without it Prefect starts a temporary server, "
            "which ends with this command"
        )
    return url


@dataclass(frozen=True, slots=True)
class _SetupRequest:
    """The parameters of `setup`."""

    pool: str | None
    pool_type: str | None
    pool_template: Path | None
    deploy: bool | None
    limits: Path | None
    automations: Path | None


def _set_up(request: _SetupRequest, *, dry: bool) -> Iterator[SetupStep]:
    """Read every file before changing anything."""
    from prefect import get_client  # noqa: PLC0415 - it takes two seconds

    from cli.setup.blocks_and_pools import set_up_blocks, set_up_pools  # noqa: PLC0415
    from cli.setup.config_files import (  # noqa: PLC0415 - they need Prefect
        read_automations,
        read_limits,
        read_template,
    )
    from cli.setup.deploy_flows import FlowsFile, set_up_flows  # noqa: PLC0415
    from cli.setup.limits_and_automations import set_up_automations, set_up_limits  # noqa: PLC0415

    deploy = FLOWS.exists() if request.deploy is None else request.deploy
    file = FlowsFile.read(FLOWS) if deploy else None
    limits, automations = read_limits(request.limits), read_automations(request.automations)
    template = read_template(request.pool_template) if request.pool_template else None
    named = (file.pools if file else ()) or (POOL,)
    pools = named if request.pool is None else (request.pool,)
    with get_client(sync_client=True) as client:
        yield from set_up_blocks(client, dry=dry)
        yield from set_up_pools(client, pools, request.pool_type, template, dry=dry)
        yield from set_up_limits(client, limits, pools, dry=dry)
        if file:
            yield from set_up_flows(client, file, request.pool, dry=dry)
        else:
            why = "--no-deploy" if request.deploy is False else "no prefect.yaml in this folder"
            yield SetupStep("deployments", ChangeKind.SKIPPED, why)
        yield from set_up_automations(client, automations, dry=dry)
