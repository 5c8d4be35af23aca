"""Reports as Prefect artifacts, events and assets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.assets import Asset, AssetProperties, add_asset_metadata, materialize
from prefect.cache_policies import NO_CACHE
from prefect.events import emit_event as emit_prefect_event
from prefect.exceptions import PrefectException

from orchestration.with_prefect.run import run_logger

Table: TypeAlias = list[dict[str, Any]]

BY = "entrepot"


def publish_table(rows: Table, key: str, description: str) -> None:
    """Publish a table artifact."""
    create_table_artifact(
        table=rows,
        key=key,
        description=description,
        _sync=True,  # type: ignore[call-arg]
    )


def publish_text(markdown: str, key: str, description: str) -> None:
    """Publish a markdown artifact."""
    create_markdown_artifact(
        markdown,
        key=key,
        description=description,
        _sync=True,  # type: ignore[call-arg]
    )


class ProgressBar:
    """A progress artifact."""

    def __init__(self, key: str, description: str) -> None:
        """Create it with no progress."""
        self._id: UUID = create_progress_artifact(  # type: ignore[assignment]
            progress=0.0,
            key=key,
            description=description,
            _sync=True,  # type: ignore[call-arg]
        )

    def update(self, percent: float, description: str) -> None:
        """Show a percentage; a failure is logged, for a run must not fail because of it."""
        try:
            update_progress_artifact(
                self._id,
                progress=percent,
                description=description,
                _sync=True,  # type: ignore[call-arg]
            )
        except PrefectException as error:
            run_logger().warning("cannot update the progress: %s", error)


def emit_event(name: str, resource: Mapping[str, str], payload: Mapping[str, Any]) -> None:
    """Emit an event about a resource; Prefect adds the flow run."""
    emit_prefect_event(name, dict(resource), payload=dict(payload))


def record_lineage(
    asset: tuple[str, str], upstream: Sequence[tuple[str, str]], facts: Mapping[str, Any]
) -> None:
    """Record that an asset, by key and name, was created from others, with facts about it."""
    made = _asset(*asset)

    @materialize(
        made,
        by=BY,
        asset_deps=[_asset(*one) for one in upstream],
        name="materialize",
        task_run_name="materialize",
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    def materialization() -> None:
        add_asset_metadata(made, dict(facts))

    materialization()


def _asset(key: str, name: str) -> Asset:
    return Asset(key=key, properties=AssetProperties(name=name))
