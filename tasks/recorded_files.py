"""Outcomes that tell the catalog where files are: forgotten files, and numbered names."""

from __future__ import annotations

from collections.abc import Iterable

from blocks.repository import Layout, Repository
from blocks.reserved_folders import numbered_folder
from catalog.model.outcome import Outcome, Proof, Status
from catalog.model.plan import Action
from catalog.model.version import ContentRow
from providers.layouts.numbered_names import is_number, number_key
from tasks.job import run_resources


def forget_files(place: Repository, paths: Iterable[str], run_id: str) -> None:
    """Record that these paths of a repository have no valid file."""
    gone = [Outcome(place.address, path, path, Action.REMOVE, Status.REMOVED) for path in paths]
    run_resources(run_id).catalog.runs.record_outcomes(run_id, "", gone)


def with_versioned_names(
    outcomes: Iterable[Outcome], repositories: Iterable[Repository]
) -> list[Outcome]:
    """Return the outcomes that record numbered files under their own names."""
    places = {
        repository.address: numbered_folder(repository).address
        for repository in repositories
        if repository.layout is Layout.VERSIONED
    }
    return [
        Outcome(
            destination=places[outcome.destination],
            path=number_key(outcome.path, outcome.etag),
            origin="",
            action=Action.ADD,
            status=Status.STORED,
            proof=outcome.proof or Proof.STORED,
            digest=outcome.digest,
            size=outcome.size,
            message=f"number {outcome.etag} of {outcome.path!r}",
        )
        for outcome in outcomes
        if outcome.destination in places
        and outcome.status in (Status.STORED, Status.KEPT)
        and outcome.digest is not None
        and outcome.etag is not None
        and is_number(outcome.etag)
    ]


def forget_numbers(repository: Repository, rows: Iterable[ContentRow], run_id: str) -> None:
    """Record that these files of a version are not valid; the files themselves stay."""
    keys = [number_key(row.path, row.etag) for row in rows if row.etag is not None]
    forget_files(numbered_folder(repository), keys, run_id)
