"""What the doctor checks through Prefect's API: the server, the clock, limits, repositories."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx
import prefect
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.responses import GlobalConcurrencyLimitResponse
from prefect.exceptions import PrefectException
from prefect.settings import PREFECT_API_URL

from blocks.repository import Repository
from blocks.stored_repositories import UnusableRepository, stored_repositories
from catalog.errors import CatalogError
from cli.doctor.diagnosis import Diagnosis, Health
from tasks.concurrency_limit import PREFIX
from tasks.job import open_source

MAX_SKEW_S = 30.0  # leases and schedules of a minute tolerate this much
PAGE = 200
ACTIVE_STATES = [StateType.RUNNING, StateType.CANCELLING, StateType.PENDING]


def check_prefect(*, connect: bool, free: bool) -> Iterator[Diagnosis]:
    """Check the server, then the limits and repositories that it stores for Entrepot."""
    url = PREFECT_API_URL.value()
    if not url:
        yield Diagnosis(
            "Prefect",
            Health.WARNING,
            "no server: each command starts a temporary one, which takes ten seconds",
            "run `prefect server start` and set PREFECT_API_URL",
        )
        return
    try:
        with get_client(sync_client=True) as client:
            yield from _check_server(client, url)
            yield from _check_limits(client, free=free)
        yield from _check_repositories(connect=connect)
    except (httpx.HTTPError, PrefectException, RuntimeError) as error:
        yield Diagnosis(
            "Prefect",
            Health.ERROR,
            f"{url}: {error}",
            "start the server, or correct PREFECT_API_URL",
        )


def _check_server(client: SyncPrefectClient, url: str) -> Iterator[Diagnosis]:
    theirs, ours = client.api_version(), prefect.__version__
    same = theirs.split(".")[:2] == ours.split(".")[:2]
    found = f"{url}, version {theirs}"
    if same:
        yield Diagnosis("Prefect", Health.HEALTHY, found)
    else:
        advice = "install the same minor version of Prefect on both sides"
        yield Diagnosis("Prefect", Health.WARNING, f"{found}, here {ours}", advice)
    date = client.request("GET", "/health").headers.get("date")
    if date is None:
        return
    skew = abs(time.time() - parsedate_to_datetime(date).timestamp())
    health = Health.HEALTHY if skew < MAX_SKEW_S else Health.ERROR
    advice = "" if skew < MAX_SKEW_S else "synchronise both clocks with NTP: leases and S3 need it"
    yield Diagnosis("clock", health, f"{skew:.0f} s off the server's clock", advice)


def _check_limits(client: SyncPrefectClient, *, free: bool) -> Iterator[Diagnosis]:
    """Look for slots that are held while nothing runs; `free` releases them."""
    busy = [limit for limit in _own_limits(client) if limit.active_slots]
    active = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=ACTIVE_STATES))
    )
    if not busy or client.read_flow_runs(flow_run_filter=active, limit=1):
        usage = ", ".join(f"{limit.name} {limit.active_slots}/{limit.limit}" for limit in busy)
        yield Diagnosis("limits", Health.HEALTHY, usage or "no slots in use")
        return
    for limit in busy:
        found = (
            f"{limit.name}: {limit.active_slots} of {limit.limit} slots in use while nothing runs"
        )
        if free:
            client.update_global_concurrency_limit(
                limit.name, GlobalConcurrencyLimitUpdate(active_slots=0)
            )
            yield Diagnosis("limits", Health.HEALTHY, f"{found}; freed")
        else:
            advice = (
                "their leases expire within two minutes; `entrepot doctor --free` frees them now"
            )
            yield Diagnosis("limits", Health.WARNING, found, advice)


def _own_limits(client: SyncPrefectClient) -> Iterator[GlobalConcurrencyLimitResponse]:
    offset = 0
    while page := client.read_global_concurrency_limits(PAGE, offset):
        yield from (limit for limit in page if limit.name.startswith(PREFIX))
        offset += len(page)


def _check_repositories(*, connect: bool) -> Iterator[Diagnosis]:
    for repository in stored_repositories():
        if isinstance(repository, UnusableRepository):
            advice = "correct the block in Prefect's UI, or save it again"
            yield Diagnosis(f"repository {repository.name}", Health.ERROR, repository.why, advice)
        else:
            yield _check_repository(repository, connect=connect)


def _check_repository(repository: Repository, *, connect: bool) -> Diagnosis:
    name, address = f"repository {repository.name}", repository.address
    if not connect:
        return Diagnosis(name, Health.HEALTHY, f"{address}, not tried")
    try:
        with open_source(repository) as source:
            first = next(iter(source.storage.enumerate("")), None)
    except CatalogError as error:
        advice = "check its address, credentials and limits"
        return Diagnosis(name, Health.ERROR, f"{address}: {error}", advice)
    return Diagnosis(name, Health.HEALTHY, f"{address}{': empty' if first is None else ''}")
