"""Move away damaged files whose bytes cannot be found anywhere."""

from __future__ import annotations

from blocks.repository import Layout, Repository
from blocks.reserved_folders import history_folder
from catalog.model.version import ContentRow
from orchestration.task import task
from providers.connection_cache import STORAGES
from providers.layouts.content_names import content_path
from tasks.job import open_destination, run_resources
from tasks.recorded_files import forget_files
from transfer.destination.damaged_files import move_to_history


@task("quarantine")
def move_damaged_files(repository: Repository, paths: list[str], run_id: str) -> None:
    """Move files into the repository's history, and record that they are gone."""
    if paths:
        _move(repository, paths, paths, run_id)


@task("quarantine")
def move_damaged_content(repository: Repository, rows: list[ContentRow], run_id: str) -> None:
    """Move away files named by digest: every path that shares their bytes is damaged."""
    keys = sorted({content_path(row.digest) for row in rows if row.digest is not None})
    if keys:
        plain = repository.model_copy(update={"layout": Layout.PATH})
        _move(plain, keys, [row.path for row in rows], run_id)


def _move(repository: Repository, names: list[str], paths: list[str], run_id: str) -> None:
    common = run_resources(run_id)
    history = history_folder(repository)
    with (
        open_destination(repository) as end,
        STORAGES.open(history.settings, history.open_options()) as area,
    ):
        move_to_history(end, area, names, run_id, common.stop)
    forget_files(repository, paths, run_id)
