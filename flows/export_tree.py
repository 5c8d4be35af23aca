"""Export tree: write or link the files of one version into a local folder.

from flows.export_tree import export_tree
export_tree("s3-archive", "/srv/export/2026-03", version=7)
sync("/srv/export/2026-03/PULP_MANIFEST", ["another-repository"])   # enforces its digests
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.errors import InvalidInput
from catalog.formats.manifest import is_manifest
from catalog.model.diff import Change
from flows.forms.run_names import run_name
from flows.results.archives import TreeResult
from flows.runs.active_run import ActiveRun
from flows.runs.local_folder import local_folder
from flows.runs.open_repositories import OpenRepositories
from flows.runs.verb import verb
from orchestration.run import run_logger
from providers.local.settings import LocalSettings
from providers.local.storage import Placement
from tasks.job import run_resources
from transfer.archive import tree_export as engine
from transfer.archive.atomic_folder import atomic_folder
from transfer.locate.fetch_by_digest import DigestFetcher


class Method(StrEnum):
    """How files are put into the exported folder."""

    WRITE = "write"
    HARDLINK = "hardlink"
    SYMLINK = "symlink"


_PLACEMENTS = {
    Method.WRITE: Placement.COPY,
    Method.HARDLINK: Placement.HARDLINK,
    Method.SYMLINK: Placement.SYMLINK,
}


@verb("export-tree", run_name)
def export_tree(
    repository: Repository | str,
    directory: str,
    *,
    version: int | None = None,
    since: int | None = None,
    method: Method = Method.WRITE,
    manifest: str = "PULP_MANIFEST",
    sources: list[Repository | str] | None = None,
) -> TreeResult:
    """Write one version of a repository into a local folder, completely or not at all.

    Every file is verified by its sha256. The folder also gets a manifest, so that other instances
    can sync from it and enforce its digests.

    Args:
        repository: The repository of the version: a repository, its block's name, a path or a URL.
        directory: The folder to create; it must be empty or not exist.
        version: The version's number; by default the latest.
        since: Export only files that were added or replaced after this version; removed files are
            listed beside the manifest.
        method: Write the files, or link to those of a local repository; files on another device
            cannot be hard-linked and are written.
        manifest: Name of the manifest.
        sources: More repositories that may have bytes which the repository no longer has.

    Returns:
        What was exported.

    Raises:
        BytesNotFound: some bytes cannot be found; the error names the files, nothing is written.
        NotRecorded: there is no such version.
        InvalidInput: a parameter is invalid.
    """
    origin = resolved(repository)
    end = local_folder(directory)
    target = Path(end.settings.address().removeprefix("file://"))
    if method is not Method.WRITE and not isinstance(origin.settings, LocalSettings):
        raise InvalidInput(f"{origin.label!r} is not a local folder: {method.value} needs one")
    if not is_manifest(manifest) or "/" in manifest or manifest.upper().startswith(("MD5", "SHA")):
        raise InvalidInput(
            f"expected a manifest name like PULP_MANIFEST or *.manifest, found {manifest!r}"
        )
    given = (origin, *map(resolved, sources or ()))
    with (
        ActiveRun("export-tree", origin, (end,), writes=()) as run,
        OpenRepositories(given) as places,
    ):
        catalog, stop = run.catalog, run_resources(run.job.run_id).stop
        number = catalog.versions.latest(origin.address).number if version is None else version
        rows = catalog.exports.located_content(origin.address, number, since)
        changes = () if since is None else catalog.versions.diff(origin.address, since, number)
        removed = (row.path for row in changes if row.change is Change.REMOVED)
        fetcher = DigestFetcher(places, stop, _PLACEMENTS[method])
        with atomic_folder(target) as draft:
            done = engine.export_tree(
                rows, removed, draft, fetcher, stop, address=origin.address, manifest=manifest
            )
        result = TreeResult(
            run.job.run_id,
            origin.label,
            number,
            since,
            str(target),
            str(target / manifest),
            done.files,
            done.bytes,
            done.removed,
        )
        run.end("completed", str(result))
    run_logger().info("%s", result)
    return result
