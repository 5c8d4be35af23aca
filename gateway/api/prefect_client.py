"""Starts, inspects and cancels flow runs through Prefect's API, without importing flows.

Each run has a tag of its tenant, and runs as that tenant.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas import filters
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.responses import SetStateStatus
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL

from catalog.errors import InvalidInput
from gateway.http.errors import RequestRefused

TAG = "entrepot"
FLOW = "entrepot.flow"  # label with the flow's name
ABOUT = "entrepot.repositories"  # label with the names of the run's repositories, as JSON
PROGRESS = "entrepot-progress"  # key of a run's progress
ENDED = (StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED)
PURGED = 200  # runs listed at once
MAX_PURGED = 5_000  # runs deleted by one request
FORGOTTEN = timedelta(seconds=60)  # after which a cancelled run that never started has ended
HIDDEN = "the run does not exist"


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run, in percent and as text."""

    percent: float
    told: str | None


class PrefectRuns:
    """The flow runs of one tenant."""

    def __init__(self, tenant: str) -> None:
        """Set the tenant."""
        self._tenant = tenant
        self._tags = [TAG, f"tenant:{tenant}"]

    def start(
        self, flow: str, parameters: Mapping[str, Any], names: Collection[str] = ()
    ) -> FlowRun:
        """Start a run of a flow's deployment, for repositories with these names.

        Raises:
            Refused: 404 if the flow is not deployed, 503 if Prefect cannot be reached.
            InvalidInput: the flow does not have these parameters.
        """
        with _prefect_client() as client:
            try:
                deployment = client.read_deployment_by_name(f"{flow}/{flow}")
            except ObjectNotFound as error:
                raise RequestRefused(
                    404,
                    f"the flow {flow!r} is not deployed: run `entrepot setup`",
                    kind="NotDeployed",
                ) from error
            known = (deployment.parameter_openapi_schema or {}).get("properties", {})
            unknown = sorted(set(parameters) - set(known))
            if unknown:
                raise InvalidInput(f"{flow!r} has no parameter {unknown[0]!r}")
            given = deployment.job_variables or {}
            environment = {**given.get("env", {}), "ENTREPOT_TENANT": self._tenant}
            return client.create_flow_run_from_deployment(
                deployment.id,
                parameters=dict(parameters),
                tags=self._tags,
                labels={FLOW: flow, ABOUT: json.dumps(sorted(names))},
                job_variables={"env": environment},  # replaces the deployment's
            )

    def find(self, run_id: UUID) -> FlowRun:
        """Return a run; raise `RequestRefused` (404) if the tenant has none with this id."""
        with _prefect_client() as client:
            return self._with_final_state(client, self._find(client, run_id))

    def progress(self, run_id: UUID) -> Progress | None:
        """Return the progress of a run, if it has reported any."""
        of_run = filters.ArtifactFilterFlowRunId.model_validate({"any_": [run_id]})
        with _prefect_client() as client:
            found = client.read_artifacts(
                artifact_filter=filters.ArtifactFilter(
                    key=filters.ArtifactFilterKey(any_=[PROGRESS]), flow_run_id=of_run
                ),
                limit=1,
            )
        if not found or not isinstance(found[0].data, int | float):
            return None
        return Progress(float(found[0].data), found[0].description)

    def cancel(self, run_id: UUID) -> FlowRun:
        """Cancel a run.

        Raises:
            Refused: 404 if it does not exist, 409 if it has ended.
        """
        with _prefect_client() as client:
            run = self._with_final_state(client, self._find(client, run_id))
            if run.state is not None and run.state.type in ENDED:
                raise RequestRefused(
                    409, f"the run has already ended: {run.state_name}", kind="RunEnded"
                )
            answer = client.set_flow_run_state(run_id, State(type=StateType.CANCELLING))
            run = self._find(client, run_id)
            if answer.status is not SetStateStatus.ACCEPT and run.state_type in ENDED:
                if run.state_type is StateType.CANCELLED:
                    return run
                raise RequestRefused(
                    409, f"the run has already ended: {run.state_name}", kind="RunEnded"
                )
            return run

    def list_runs(self, states: list[StateType], count: int, offset: int) -> list[FlowRun]:
        """Return runs, the latest first."""
        with _prefect_client() as client:
            return client.read_flow_runs(
                flow_run_filter=self._filter(states),
                sort=FlowRunSort.EXPECTED_START_TIME_DESC,
                limit=count,
                offset=offset,
            )

    def purge(self, before: datetime, states: list[StateType]) -> int:
        """Delete runs that ended before a time; return how many, at most `MAX_PURGED`."""
        deleted = 0
        with _prefect_client() as client:
            while deleted < MAX_PURGED:
                found = client.read_flow_runs(
                    flow_run_filter=self._filter(states or list(ENDED), before), limit=PURGED
                )
                for one in found:
                    client.delete_flow_run(one.id)
                deleted += len(found)
                if len(found) < PURGED:
                    break
        return deleted

    def _filter(
        self, states: list[StateType], before: datetime | None = None
    ) -> filters.FlowRunFilter:
        chosen = filters.FlowRunFilterState(type=filters.FlowRunFilterStateType(any_=states))
        ended = filters.FlowRunFilterEndTime.model_validate({"before_": before})
        return filters.FlowRunFilter(
            tags=filters.FlowRunFilterTags(all_=self._tags),
            state=chosen if states else None,
            end_time=ended if before is not None else None,
        )

    def _with_final_state(self, client: SyncPrefectClient, run: FlowRun) -> FlowRun:
        # A cancelled run that a worker has picked up but not started never ends (Prefect 3.8.8): it
        # can no longer start, and stays in this state, so end it here.
        state = run.state
        if state is None or state.type is not StateType.CANCELLING or run.start_time is not None:
            return run
        if datetime.now(UTC) - state.timestamp < FORGOTTEN:
            return run
        ended = State[Any](type=StateType.CANCELLED, message="cancelled before it started")
        client.set_flow_run_state(run.id, ended)
        return self._find(client, run.id)

    def _find(self, client: SyncPrefectClient, run_id: UUID) -> FlowRun:
        try:
            run = client.read_flow_run(run_id)
        except ObjectNotFound as error:
            raise RequestRefused(404, HIDDEN, kind="RunNotFound") from error
        if not set(self._tags) <= set(run.tags):
            raise RequestRefused(404, HIDDEN, kind="RunNotFound")
        return run


def repositories_of(run: FlowRun) -> frozenset[str]:
    """Return the names of a run's repositories; empty if unknown."""
    text = run.labels.get(ABOUT)
    return frozenset(json.loads(text)) if isinstance(text, str) else frozenset()


@contextmanager
def _prefect_client() -> Generator[SyncPrefectClient]:
    """Yield a Prefect client; translate its errors."""
    if not PREFECT_API_URL.value():
        raise RequestRefused(
            503,
            "no Prefect server is configured: set PREFECT_API_URL for the gateway",
            kind="PrefectUnreachable",
        )
    try:
        with get_client(sync_client=True) as client:
            yield client
    except PrefectHTTPStatusError as error:
        if error.response.status_code in {409, 422}:
            raise InvalidInput(f"Prefect refused the run: {_detail(error.response)}") from error
        raise _unreachable() from error
    except httpx.HTTPError as error:
        raise _unreachable() from error
    except RuntimeError as error:  # raised if the server's version check fails
        if isinstance(error.__cause__, httpx.HTTPError):
            raise _unreachable() from error
        raise


def _unreachable() -> RequestRefused:
    return RequestRefused(
        503, "the Prefect server cannot be reached: try again later", kind="PrefectUnreachable"
    )


def _detail(response: httpx.Response) -> str:
    try:
        found = response.json()
    except ValueError:
        return response.reason_phrase
    detail = found.get("detail") if isinstance(found, dict) else None
    return detail if isinstance(detail, str) else response.reason_phrase
