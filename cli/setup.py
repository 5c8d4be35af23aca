"""`entrepot setup`: makes at a Prefect server what Entrepot needs there, as often as one likes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from catalog.errors import CatalogError, InvalidInput
from cli.exits import Exit, exit_of
from cli.output import PLAIN, Output, show, show_error
from cli.quiet import load_quietly
from cli.setup_steps import Did, Setup, Step

FLOWS = Path("prefect.yaml")
POOL = "entrepot"


def setup(
    *,
    pool: str | None = None,
    pool_type: str | None = None,
    deploy: bool | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    output: Annotated[Output, Parameter(group="Output")] = PLAIN,
) -> None:
    """Make at Prefect's server what Entrepot needs: block types, a work pool, deployments.

    Run it again at any time, after an upgrade above all: what is as it should be stays.

    Args:
        pool: The work pool of all flows; by default each has the one that prefect.yaml names.
        pool_type: The type of a work pool that has to be made; by default process.
        deploy: Deploy the flows of prefect.yaml; by default where this folder has one.
        dry_run: Only say what would be done.
        output: How to print.
    """
    load_quietly()
    import httpx  # noqa: PLC0415 - Prefect's
    from prefect.exceptions import PrefectException  # noqa: PLC0415 - it takes two seconds
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415

    url = PREFECT_API_URL.value()
    try:
        if not url:
            raise InvalidInput(
                "set PREFECT_API_URL first: without it Prefect starts a temporary server, "
                "and what is set up there is of no use to anybody"
            )
        steps = _set_up(pool, pool_type, deploy=deploy, dry=dry_run)
        show(Setup.of(steps, dry=dry_run), output)
    except CatalogError as error:
        show_error(error, output)
        sys.exit(exit_of(error))
    except (httpx.HTTPError, PrefectException) as error:
        show_error(PrefectException(f"Prefect's API at {url} could not be asked: {error}"), output)
        sys.exit(Exit.UNREACHABLE)


def _set_up(
    pool: str | None, pool_type: str | None, *, deploy: bool | None, dry: bool
) -> Iterator[Step]:
    from prefect import get_client  # noqa: PLC0415 - it takes two seconds

    from cli.setup_flows import FlowsFile, set_up_flows  # noqa: PLC0415 - they need Prefect
    from cli.setup_server import set_up_blocks, set_up_pools  # noqa: PLC0415

    wanted = FLOWS.exists() if deploy is None else deploy
    file = FlowsFile.read(FLOWS) if wanted else None
    named = (file.pools if file else ()) or (POOL,)
    pools = named if pool is None else (pool,)
    with get_client(sync_client=True) as client:
        yield from set_up_blocks(client, dry=dry)
        yield from set_up_pools(client, pools, pool_type, dry=dry)
        if file:
            yield from set_up_flows(client, file, pool, dry=dry)
        else:
            why = "--no-deploy" if deploy is False else "no prefect.yaml in this folder"
            yield Step("deployments", Did.LEFT_OUT, why)
