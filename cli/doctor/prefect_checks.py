"""What the doctor looks at over Prefect's API: the server, the clock, limits and repositories."""

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

SKEW_S = 30.0  # leases and schedules of a minute stand that much
PAGE = 200
UNDER_WAY = [StateType.RUNNING, StateType.CANCELLING, StateType.PENDING]


def check_prefect(*, connect: bool, free: bool) -> Iterator[Diagnosis]:
    """Look at the server, and then at all that it stores of ours."""
    url = PREFECT_API_URL.value()
    if not url:
        yield Diagnosis(
            "Prefect",
            Health.WARNING,
            "no server: each command starts a temporary one, ten seconds",
            "run `prefect server start` and set PREFECT_API_URL",
        )
        return
    try:
        with get_client(sync_client=True) as client:
            yield from _server(client, url)
            yield from _limits(client, free=free)
        yield from _repositories(connect=connect)
    except (httpx.HTTPError, PrefectException, RuntimeError) as error:
        yield Diagnosis(
            "Prefect", Health.ILL, f"{url}: {error}", "start the server, or mend PREFECT_API_URL"
        )


def _server(client: SyncPrefectClient, url: str) -> Iterator[Diagnosis]:
    theirs, ours = client.api_version(), prefect.__version__
    same = theirs.split(".")[:2] == ours.split(".")[:2]
    found = f"{url}, version {theirs}"
    if same:
        yield Diagnosis("Prefect", Health.WELL, found)
    else:
        advice = "use the same minor version on both sides"
        yield Diagnosis("Prefect", Health.WARNING, f"{found}, here {ours}", advice)
    said = client.request("GET", "/health").headers.get("date")
    if said is None:
        return
    skew = abs(time.time() - parsedate_to_datetime(said).timestamp())
    health = Health.WELL if skew < SKEW_S else Health.ILL
    advice = "" if health is Health.WELL else "set both clocks by NTP: leases and S3 need it"
    yield Diagnosis("clock", health, f"{skew:.0f} s from the server's", advice)


def _limits(client: SyncPrefectClient, *, free: bool) -> Iterator[Diagnosis]:
    """Look for slots that are taken while nothing runs; `free` gives them back."""
    busy = [one for one in _own_limits(client) if one.active_slots]
    wanted = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNDER_WAY)))
    if not busy or client.read_flow_runs(flow_run_filter=wanted, limit=1):
        told = ", ".join(f"{one.name} {one.active_slots}/{one.limit}" for one in busy)
        yield Diagnosis("limits", Health.WELL, told or "no slot is taken")
        return
    for one in busy:
        found = f"{one.name}: {one.active_slots} of {one.limit} slots taken, and nothing runs"
        if free:
            client.update_global_concurrency_limit(
                one.name, GlobalConcurrencyLimitUpdate(active_slots=0)
            )
            yield Diagnosis("limits", Health.WELL, f"{found}; freed")
        else:
            advice = "their leases end by themselves in two minutes, or: entrepot doctor --free"
            yield Diagnosis("limits", Health.WARNING, found, advice)


def _own_limits(client: SyncPrefectClient) -> Iterator[GlobalConcurrencyLimitResponse]:
    offset = 0
    while page := client.read_global_concurrency_limits(PAGE, offset):
        yield from (one for one in page if one.name.startswith(PREFIX))
        offset += len(page)


def _repositories(*, connect: bool) -> Iterator[Diagnosis]:
    for one in stored_repositories():
        if isinstance(one, UnusableRepository):
            advice = "mend the block in Prefect's UI, or save it anew"
            yield Diagnosis(f"repository {one.name}", Health.ILL, one.why, advice)
        else:
            yield _repository(one, connect=connect)


def _repository(one: Repository, *, connect: bool) -> Diagnosis:
    name = f"repository {one.name}"
    if not connect:
        return Diagnosis(name, Health.WELL, f"{one.address}, not tried")
    try:
        with open_source(one) as end:
            found = next(iter(end.storage.enumerate("")), None)
    except CatalogError as error:
        advice = "see its address, credentials and limits"
        return Diagnosis(name, Health.ILL, f"{one.address}: {error}", advice)
    return Diagnosis(name, Health.WELL, f"{one.address}{': empty' if found is None else ''}")
