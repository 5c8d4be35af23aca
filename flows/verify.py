"""Verify: whether a repository still holds what one of its versions says, byte by byte if asked.

from flows.verify import verify
verify("s3-archive", depth="digest")
"""

from __future__ import annotations

from enum import StrEnum

from prefect.logging import get_run_logger

from blocks.repository import Layout, Repository
from blocks.resolve import repository as resolved
from catalog.errors import InvalidInput
from catalog.model.finding import UNPROVEN, Fault, Finding
from flows.forms.run_names import run_name
from flows.results.artifacts import show_findings
from flows.results.verify import VerifyFailed, VerifyResult, counted
from flows.runs.active_run import ActiveRun
from flows.runs.verb import verb
from providers.cache import STORAGES
from tasks.job import run_resources
from tasks.listing.read_digests import examine_digests
from tasks.listing.repository import enumerate_repository


class Depth(StrEnum):
    """How closely to look."""

    EXISTENCE = "existence"
    """Whether each file is there, and which are there besides."""
    SIZE = "size"
    """Also whether each has its size, and the mark that the storage gave it when it was written."""
    DIGEST = "digest"
    """Also whether each has its bytes: they are read and hashed."""


@verb("verify", run_name)
def verify(
    repository: Repository | str,
    *,
    version: int | None = None,
    depth: Depth = Depth.SIZE,
    sample: float = 1.0,
) -> VerifyResult:
    """Compare what a repository holds with one of its versions.

    Files that are missing or damaged, or that nobody could look at, fail the run. Foreign files,
    and files that somebody wrote anew with the same size, are named. What is only catalogued is
    counted as not stored.

    Args:
        repository: What to look at: a repository, its block's name, a path or a URL.
        version: The number of the version; the latest by default.
        depth: How closely to look: existence, size, or digest, which reads every file.
        sample: The share of the files to read, above 0 and at most 1; each run draws anew.

    Returns:
        What was found; true when nothing is damaged.

    Raises:
        VerifyFailed: something is damaged; it names the files.
        NotRecorded: there is no such version.
    """
    end = resolved(repository)
    with ActiveRun("verify", end, (), writes=()) as run:
        result = verify_repository(run, end, version, depth, sample)
        run.end("completed" if result else "failed", result.summary())
        show_findings(result)
        get_run_logger().info("%s", result.summary())
        if not result:
            raise VerifyFailed(result)
    return result


def verify_repository(
    run: ActiveRun, end: Repository, number: int | None, depth: Depth, sample: float
) -> VerifyResult:
    """List the repository, read it where asked, and return what was found."""
    if not 0 < sample <= 1:
        raise InvalidInput(f"a sample is a share above 0 and at most 1, not {sample}")
    catalog, run_id = run.catalog, run.job.run_id
    address = end.address
    version = (
        catalog.versions.latest(address)
        if number is None
        else catalog.versions.get(address, number)
    )
    with STORAGES.open(end.settings, end.open_options()) as storage:
        # The number of an older version is another than the one that was stored last.
        etags = storage.capabilities.etags and end.layout is not Layout.VERSIONED
    listing = enumerate_repository(end, run_id, "destination", version=version.number)
    found: list[Finding] = []
    unstored = 0  # there may be millions: they are only counted
    for one in catalog.versions.drift(address, version.number, listing, match_etags=etags):
        if one.fault is Fault.NOT_STORED:
            unstored += 1
        else:
            found.append(one)
    if depth is Depth.EXISTENCE:
        found = [one for one in found if one.fault in ("missing", "unseen", "foreign")]
    if depth is Depth.DIGEST:
        found = _merged(found, examine_digests(end, version.number, run_id, sample))
    seen = run_resources(run_id).progress.snapshot()
    return VerifyResult(
        run_id,
        end.label,
        address,
        version.number,
        version.total,
        seen.files,
        seen.bytes,
        tuple(found),
        counted(found) | ({Fault.NOT_STORED: unstored} if unstored else {}),
    )


def _merged(listed: list[Finding], read: list[Finding]) -> list[Finding]:
    """Return one finding a path: what the bytes say counts more than what a listing says."""
    merged = {one.path: one for one in listed}
    for one in read:
        before = merged.get(one.path)
        if before is None or before.fault not in UNPROVEN:
            merged[one.path] = one
    return [merged[path] for path in sorted(merged)]
