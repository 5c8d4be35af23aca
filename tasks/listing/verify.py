"""Reads the files of a repository and compares them with one of its versions."""

from __future__ import annotations

from hashlib import md5

from blocks.repository import Repository
from catalog.model.finding import Finding
from orchestration.task import task
from tasks.job import open_source, run_resources
from transfer.inventory.verify import verify_content

SHARE_STEPS = 2**32


@task("examine-digests")
def verify_files(repository: Repository, number: int, run_id: str, sample: float) -> list[Finding]:
    """Read the files of a version, or a `sample` of them (0 to 1), and compare their digests.

    Files that are only catalogued are skipped.
    """
    common = run_resources(run_id)
    content = common.catalog.versions.content(repository.address, number)
    elsewhere = {one.path for one in common.catalog.origins.all(repository.address)}
    chosen = (
        row
        for row in content
        if row.path not in elsewhere
        and (sample >= 1 or _sample_position(run_id, row.path) < sample)
    )
    with open_source(repository) as end:
        return verify_content(end, chosen, common.stop, common.progress)


def _sample_position(run_id: str, path: str) -> float:
    """Map a path to 0 to 1; every run draws another sample."""
    digest = md5(f"{run_id}\x1f{path}".encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:4], "big") / SHARE_STEPS
