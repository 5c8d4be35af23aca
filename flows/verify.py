"""Verify: check the files of a repository against one of its versions.

from flows.verify import verify
verify("s3-archive", depth="digest")
"""

from __future__ import annotations

from enum import StrEnum

from blocks.repository import Layout, Repository
from blocks.resolve import repository as resolved
from catalog.errors import InvalidInput
from catalog.model.finding import UNPROVEN, Fault, Finding
from flows.forms.run_names import run_name
from flows.results.artifacts import show_findings
from flows.results.verify import VerifyFailed, VerifyResult, count_faults
from flows.runs.active_run import ActiveRun
from flows.runs.verb import verb
from orchestration.run import run_logger
from providers.connection_cache import STORAGES
from tasks.job import run_resources
from tasks.listing.repository import list_to_spool
from tasks.listing.verify import verify_files


class Depth(StrEnum):
    """How to check files."""

    EXISTENCE = "existence"
    """Whether each file exists, and which other files exist."""
    SIZE = "size"
    """Also whether each has its size, and the etag or time of when it was written."""
    DIGEST = "digest"
    """Also whether each has its bytes, which are read and hashed."""


@verb("verify", run_name)
def verify(
    repository: Repository | str,
    *,
    version: int | None = None,
    depth: Depth = Depth.SIZE,
    sample: float = 1.0,
) -> VerifyResult:
    """Check the files of a repository against one of its versions.

    Files that are missing, damaged or could not be examined fail the run. Foreign files, and files
    that were rewritten with the same size, are only reported. Files that are only catalogued are
    counted as not stored.

    Args:
        repository: The repository to check: a repository, its block's name, a path or a URL.
        version: The version's number; by default the latest.
        depth: How to check files: existence, size, or digest, which reads every file.
        sample: Share of the files to read, above 0 and at most 1; each run reads other files.

    Returns:
        What was found; true if no file is damaged.

    Raises:
        VerifyFailed: files are damaged; the error names them.
        NotRecorded: there is no such version.
    """
    end = resolved(repository)
    with ActiveRun("verify", end, (), writes=()) as run:
        result = verify_repository(run, end, version, depth, sample)
        run.end("completed" if result else "failed", result.summary())
        show_findings(result)
        run_logger().info("%s", result.summary())
        if not result:
            raise VerifyFailed(result)
    return result


def verify_repository(
    run: ActiveRun, end: Repository, number: int | None, depth: Depth, sample: float
) -> VerifyResult:
    """List the repository, read its files if requested, and return what was found."""
    if not 0 < sample <= 1:
        raise InvalidInput(f"sample must be above 0 and at most 1, found {sample}")
    catalog, run_id = run.catalog, run.job.run_id
    address = end.address
    version = (
        catalog.versions.latest(address)
        if number is None
        else catalog.versions.get(address, number)
    )
    with STORAGES.open(end.settings, end.open_options()) as storage:
        # With numbered files, an older version has other etags than the file stored last.
        etags = storage.capabilities.etags and end.layout is not Layout.VERSIONED
    listing = list_to_spool(end, run_id, "destination", version=version.number)
    findings: list[Finding] = []
    unstored = 0  # only counted, since there may be millions
    for finding in catalog.versions.drift(address, version.number, listing, match_etags=etags):
        if finding.fault is Fault.NOT_STORED:
            unstored += 1
        else:
            findings.append(finding)
    if depth is Depth.EXISTENCE:
        kinds = (Fault.MISSING, Fault.UNSEEN, Fault.FOREIGN)
        findings = [finding for finding in findings if finding.fault in kinds]
    if depth is Depth.DIGEST:
        findings = _merge(findings, verify_files(end, version.number, run_id, sample))
    progress = run_resources(run_id).progress.snapshot()
    return VerifyResult(
        run_id,
        end.label,
        address,
        version.number,
        version.total,
        progress.files,
        progress.bytes,
        tuple(findings),
        count_faults(findings) | ({Fault.NOT_STORED: unstored} if unstored else {}),
    )


def _merge(listed: list[Finding], read: list[Finding]) -> list[Finding]:
    """Return one finding per path; damage from the listing counts most, then what was read."""
    merged = {finding.path: finding for finding in listed}
    for finding in read:
        from_listing = merged.get(finding.path)
        if from_listing is None or from_listing.fault not in UNPROVEN:
            merged[finding.path] = finding
    return [merged[path] for path in sorted(merged)]
