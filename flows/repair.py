"""Repair: mend what verify finds damaged, from any place that holds the right bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from prefect.logging import get_run_logger

from blocks.history import bytes_of
from blocks.repository import Layout, Repository
from blocks.resolve import repository as resolved
from catalog.errors import CatalogError, InvalidInput
from catalog.model.finding import DAMAGE, Fault
from catalog.model.plan import Selection, Strategy
from catalog.model.version import ContentRow
from flows.forms.options import Options
from flows.forms.run_names import run_name
from flows.results.artifacts import show_findings
from flows.results.events import resources_quarantined
from flows.results.verify import VerifyResult
from flows.runs.active_run import ActiveRun
from flows.runs.verb import verb
from flows.runs.version_plans import BytesLocation, WantedContent, apply_content, missing_paths
from flows.verify import Depth, verify_repository
from tasks.cleanup.quarantine import quarantine, set_bytes_aside
from tasks.recorded_files import forget_files, forget_numbers
from transfer.batch.delivery import History

REPAIRING = Options(
    strategy=Strategy.ALWAYS,  # the catalog believes that all is well there
    selection=Selection(allow_empty=True),
    listed=False,
    history=History.DROP,  # damaged bytes are no history
    allow_gaps=("**",),  # what could not be seen is told by the result, and not mended
)
ALTERED = (Fault.CORRUPT, Fault.SIZE)


@dataclass(frozen=True, slots=True)
class RepairResult:
    """What was damaged, what was mended, and what could not be; true when all is well now."""

    found: VerifyResult
    repaired: tuple[str, ...] = ()
    unrepairable: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Say whether all was seen and nothing damaged is left."""
        return not self.unrepairable and not self.found.unseen

    def summary(self) -> str:
        """Return one sentence."""
        if not self.found.damaged:
            return f"{self.found.summary()}; nothing to repair"
        told = f"{self.found.damaged} damaged, {len(self.repaired)} repaired"
        if not self.unrepairable:
            return told
        return f"{told}, {len(self.unrepairable)} cannot be: their bytes are nowhere to be had"

    def __str__(self) -> str:
        """Return the sentence, and what could not be mended."""
        lines = [f"{self.found.repository}: {self.summary()}"]
        return "\n".join(lines + [f"  lost: {path!r}" for path in self.unrepairable[:20]])

    def __repr__(self) -> str:
        """Return the text, so that a bare `result` in a prompt is readable."""
        return str(self)


class RepairFailed(CatalogError):
    """Some files cannot be repaired; `result` tells which."""

    def __init__(self, result: RepairResult) -> None:
        """Name them."""
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
    """Look for damage and mend it: missing and altered files are written anew, each verified.

    A damaged file whose right bytes are nowhere to be had is moved into the repository's
    quarantine, so that it is not taken for whole (a numbered one stays, and is believed no more).
    No version is made: the set is the same.

    Args:
        repository: What to mend: a repository, its block's name, a path or a URL.
        version: The version that counts; the latest by default.
        depth: How closely to look for damage: existence, size, or digest, which reads every file.
        sources: Repositories that may hold the bytes, where no stored block leads to them.

    Returns:
        What was found and mended.

    Raises:
        RepairFailed: some files cannot be repaired; the others were.
        NotRecorded: there is no such version.
    """
    given = [resolved(one) for one in sources or ()]
    result = repair_repository(resolved(repository), version, depth, given)
    if not result:
        raise RepairFailed(result)
    return result


def repair_repository(
    end: Repository, version: int | None, depth: Depth, given: list[Repository]
) -> RepairResult:
    """Mend one repository in a run of its own, and return what could be and what could not."""
    with ActiveRun("repair", bytes_of(end), (end,)) as run:
        _check_version(run, end, version)
        found = verify_repository(run, end, version, depth, 1.0)
        damaged = {one.path for one in found.findings if one.fault in DAMAGE}
        result = RepairResult(found)
        if damaged:
            result = _mended(run, end, found, damaged, given)
        run.end("completed" if result else "failed", result.summary())
        show_findings(found)
        get_run_logger().info("%s", result.summary())
    return result


def _check_version(run: ActiveRun, end: Repository, number: int | None) -> None:
    latest = run.catalog.versions.latest(end.address).number
    if end.layout is not Layout.PATH and number not in (None, latest):
        raise InvalidInput(
            f"version {number} of {end.label!r} cannot be repaired: with the layout "
            f"{end.layout.value!r} only the latest can, and that is {latest}"
        )


def _mended(
    run: ActiveRun,
    end: Repository,
    found: VerifyResult,
    damaged: set[str],
    given: list[Repository],
) -> RepairResult:
    place = (end.address, found.version)
    rows = [row for row in run.catalog.versions.content(*place) if row.path in damaged]
    paths = {one.path for one in found.findings if one.fault in ALTERED}
    altered = [row for row in rows if row.path in paths]
    if end.layout is Layout.CONTENT:  # damaged bytes bear the very name of those that are sought
        set_bytes_aside(end, altered, run.job.run_id)
    elif end.layout is Layout.VERSIONED:  # a number is never used again: they stay where they are
        forget_numbers(end, altered, run.job.run_id)
    lost = set(missing_paths(run, _content(rows, place), REPAIRING, given))
    if end.layout is Layout.PATH:
        quarantine(end, sorted(lost), run.job.run_id)
    elif end.layout is Layout.VERSIONED:
        forget_files(end, sorted(lost), run.job.run_id)
    if lost:
        resources_quarantined(end, sorted(lost), run.job.run_id)
    good = [row for row in rows if row.path not in lost]
    if good:
        apply_content(run, _content(good, place), REPAIRING, given)
    return replace(
        RepairResult(found),
        repaired=tuple(row.path for row in good),
        unrepairable=tuple(sorted(lost)),
    )


def _content(rows: list[ContentRow], place: tuple[str, int]) -> WantedContent:
    return WantedContent(rows, BytesLocation.IN_ITS_HISTORY, (place,))
