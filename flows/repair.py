"""Repair: replace damaged files with bytes from any place that has them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from blocks.repository import Layout, Repository
from blocks.reserved_folders import previous_bytes_folder
from blocks.resolve import repository as resolved
from catalog.errors import CatalogError, InvalidInput
from catalog.model.finding import DAMAGE, Fault
from catalog.model.plan import Selection, Strategy
from catalog.model.version import ContentRow
from flows.forms.options import Options
from flows.forms.run_names import run_name
from flows.results.artifacts import show_findings
from flows.results.events import emit_quarantined
from flows.results.verify import VerifyResult
from flows.runs.active_run import ActiveRun
from flows.runs.verb import verb
from flows.runs.version_plans import BytesLocation, WantedContent, apply_content, missing_paths
from flows.verify import Depth, verify_repository
from orchestration.run import run_logger
from tasks.cleanup.damaged_files import move_damaged_content, move_damaged_files
from tasks.recorded_files import forget_files, forget_numbers
from transfer.batch.delivery import History

REPAIRING = Options(
    strategy=Strategy.ALWAYS,  # the catalog does not know about the damage
    selection=Selection(allow_empty=True),
    listed=False,
    history=History.DROP,  # damaged files are not worth keeping
    allow_gaps=("**",),  # the result reports gaps; they are not repaired
)
ALTERED = (Fault.CORRUPT, Fault.SIZE)


@dataclass(frozen=True, slots=True)
class RepairResult:
    """What was damaged, repaired and unrepairable; true if the repository is intact now."""

    found: VerifyResult
    repaired: tuple[str, ...] = ()
    unrepairable: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return whether every file was seen and no damage is left."""
        return not self.unrepairable and not self.found.unseen

    def summary(self) -> str:
        """Return one sentence."""
        if not self.found.damaged:
            return f"{self.found.summary()}; nothing to repair"
        counts = f"{self.found.damaged:,} damaged, {len(self.repaired):,} repaired"
        if not self.unrepairable:
            return counts
        return f"{counts}, {len(self.unrepairable):,} unrepairable: their bytes cannot be found"

    def __str__(self) -> str:
        """Return the sentence, and the first files that could not be repaired."""
        lines = [f"{self.found.repository}: {self.summary()}"]
        return "\n".join(lines + [f"  lost: {path!r}" for path in self.unrepairable[:20]])

    def __repr__(self) -> str:
        """Return the text, so that an interactive prompt shows it."""
        return str(self)


class RepairFailed(CatalogError):
    """Some files cannot be repaired; `result` names them."""

    def __init__(self, result: RepairResult) -> None:
        """List them."""
        super().__init__(str(result))
        self.result = result


@verb("repair", run_name)
def repair(
    repository: Repository | str,
    *,
    version: int | None = None,
    depth: Depth = Depth.DIGEST,
    sources: list[Repository | str] | None = None,
) -> RepairResult:
    """Find missing and damaged files and replace them, each verified.

    A damaged file whose bytes cannot be found is moved into the repository's history, so that
    nobody uses it (with the layout `versioned` it stays, and is no longer used). No version is
    created, since the content does not change.

    Args:
        repository: The repository to repair: a repository, its block's name, a path or a URL.
        version: The version to compare with; by default the latest.
        depth: How to check files: existence, size, or digest, which reads every file.
        sources: More repositories that may have the bytes, besides the stored ones.

    Returns:
        What was found and repaired.

    Raises:
        RepairFailed: some files cannot be repaired; the others were.
        NotRecorded: there is no such version.
    """
    given = list(map(resolved, sources or ()))
    result = repair_repository(resolved(repository), version, depth, given)
    if not result:
        raise RepairFailed(result)
    return result


def repair_repository(
    end: Repository, version: int | None, depth: Depth, given: list[Repository]
) -> RepairResult:
    """Repair one repository in a run of its own."""
    with ActiveRun("repair", previous_bytes_folder(end), (end,)) as run:
        _check_version(run, end, version)
        found = verify_repository(run, end, version, depth, 1.0)
        damaged = {finding.path for finding in found.findings if finding.fault in DAMAGE}
        result = RepairResult(found)
        if damaged:
            result = _repair_files(run, end, found, damaged, given)
        run.end("completed" if result else "failed", result.summary())
        show_findings(found)
        run_logger().info("%s", result.summary())
    return result


def _check_version(run: ActiveRun, end: Repository, number: int | None) -> None:
    latest = run.catalog.versions.latest(end.address).number
    if end.layout is not Layout.PATH and number not in (None, latest):
        raise InvalidInput(
            f"version {number} of {end.label!r} cannot be repaired: with the layout "
            f"{end.layout.value!r} only the latest version can, which is {latest}"
        )


def _repair_files(
    run: ActiveRun,
    end: Repository,
    found: VerifyResult,
    damaged: set[str],
    given: list[Repository],
) -> RepairResult:
    version = (end.address, found.version)
    rows = [row for row in run.catalog.versions.content(*version) if row.path in damaged]
    paths = {finding.path for finding in found.findings if finding.fault in ALTERED}
    altered = [row for row in rows if row.path in paths]
    if end.layout is Layout.CONTENT:  # the damaged file has the name of the wanted one
        move_damaged_content(end, altered, run.job.run_id)
    elif end.layout is Layout.VERSIONED:  # a number is never reused, so damaged files stay
        forget_numbers(end, altered, run.job.run_id)
    lost = set(missing_paths(run, _content(rows, version), REPAIRING, given))
    if end.layout is Layout.PATH:
        move_damaged_files(end, sorted(lost), run.job.run_id)
    elif end.layout is Layout.VERSIONED:
        forget_files(end, sorted(lost), run.job.run_id)
    if lost:
        emit_quarantined(end, sorted(lost), run.job.run_id)
    repairable = [row for row in rows if row.path not in lost]
    if repairable:
        apply_content(run, _content(repairable, version), REPAIRING, given)
    return replace(
        RepairResult(found),
        repaired=tuple(row.path for row in repairable),
        unrepairable=tuple(sorted(lost)),
    )


def _content(rows: list[ContentRow], version: tuple[str, int]) -> WantedContent:
    return WantedContent(rows, BytesLocation.IN_ITS_HISTORY, (version,))
