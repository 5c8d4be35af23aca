"""`entrepot setup`: makes at a Prefect server what Entrepot needs there, as often as one likes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from catalog.errors import CatalogError, InvalidInput
from cli.setup.steps import ChangeKind, SetupReport, SetupStep
from cli.terminal.exit_codes import ExitCode, exit_of
from cli.terminal.output import PLAIN, Output, show, show_error
from cli.terminal.prefect_loading import load_quietly

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
    output: Annotated[Output, Parameter(group="Output")] = PLAIN,
) -> None:
    """Make at Prefect's server what Entrepot needs: types, pool, limits, deployments, automations.

    Run it again at any time, after an upgrade above all: what is as it should be stays.

    Args:
        pool: The work pool of all flows; by default each has the one that prefect.yaml names.
        pool_type: The type of a work pool that has to be made; by default process.
        pool_template: The base job template of the work pool, YAML or JSON; by default Prefect's.
        deploy: Deploy the flows of prefect.yaml; by default where this folder has one.
        limits: What may go on at once, as YAML; by default what comes with Entrepot.
        automations: What the server does by itself, as YAML; by default what comes with Entrepot.
        dry_run: Only say what would be done.
        output: How to print.
    """
    load_quietly()
    import httpx  # noqa: PLC0415 - Prefect's
    from prefect.exceptions import PrefectException  # noqa: PLC0415 - it takes two seconds

    url = ""
    try:
        url = lasting_server()
        wanted = _Wanted(pool, pool_type, pool_template, deploy, limits, automations)
        show(SetupReport.of(_set_up(wanted, dry=dry_run), dry=dry_run), output)
    except CatalogError as error:
        show_error(error, output)
        sys.exit(exit_of(error))
    except (httpx.HTTPError, PrefectException) as error:
        show_error(PrefectException(f"Prefect's API at {url} could not be asked: {error}"), output)
        sys.exit(ExitCode.UNREACHABLE)


def lasting_server() -> str:
    """Return the URL of Prefect's API.

    Raises:
        InvalidInput: none is named, and one that Prefect starts goes with this program.
    """
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415 - it takes two seconds

    url: str | None = PREFECT_API_URL.value()
    if not url:
        raise InvalidInput(
            "set PREFECT_API_URL first: without it Prefect starts a temporary server, "
            "and what is set up there is of no use to anybody"
        )
    return url


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What was asked for; each as in `setup`."""

    pool: str | None
    pool_type: str | None
    pool_template: Path | None
    deploy: bool | None
    limits: Path | None
    automations: Path | None


def _set_up(wanted: _Wanted, *, dry: bool) -> Iterator[SetupStep]:
    """Read every file, and only then touch anything."""
    from prefect import get_client  # noqa: PLC0415 - it takes two seconds

    from cli.setup.blocks_and_pools import set_up_blocks, set_up_pools  # noqa: PLC0415
    from cli.setup.files import (  # noqa: PLC0415 - they need Prefect
        read_automations,
        read_limits,
        read_template,
    )
    from cli.setup.flow_deployments import FlowsFile, set_up_flows  # noqa: PLC0415
    from cli.setup.limits_and_automations import set_up_automations, set_up_limits  # noqa: PLC0415

    deploy = FLOWS.exists() if wanted.deploy is None else wanted.deploy
    file = FlowsFile.read(FLOWS) if deploy else None
    limits, automations = read_limits(wanted.limits), read_automations(wanted.automations)
    template = read_template(wanted.pool_template) if wanted.pool_template else None
    named = (file.pools if file else ()) or (POOL,)
    pools = named if wanted.pool is None else (wanted.pool,)
    with get_client(sync_client=True) as client:
        yield from set_up_blocks(client, dry=dry)
        yield from set_up_pools(client, pools, wanted.pool_type, template, dry=dry)
        yield from set_up_limits(client, limits, pools, dry=dry)
        if file:
            yield from set_up_flows(client, file, wanted.pool, dry=dry)
        else:
            why = "--no-deploy" if wanted.deploy is False else "no prefect.yaml in this folder"
            yield SetupStep("deployments", ChangeKind.LEFT_OUT, why)
        yield from set_up_automations(client, automations, dry=dry)
