"""Flows that do nothing, the floor that Prefect sets; run as a script, it calls the first."""

from __future__ import annotations

from orchestration.with_prefect.loading import load_prefect

load_prefect()

from prefect import flow

from flows.forms.run_names import run_name
from flows.runs.verb import verb


@verb("idle", run_name)
def idle() -> None:
    """Do nothing, as our flows do what they do."""


@flow
def plain() -> None:
    """Do nothing, as Prefect's documentation writes flows."""


if __name__ == "__main__":
    idle()
