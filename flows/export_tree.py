"""Export tree: write one version of a repository into a local folder, or link it there.

from flows.export_tree import export_tree
export_tree("s3-archive", "/srv/export/2026-03", version=7)
sync("/srv/export/2026-03/PULP_MANIFEST", ["another-repository"])   # its digests are enforced
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from prefect.logging import get_run_logger

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
from providers.local.settings import LocalSettings
from providers.local.storage import Placement
from tasks.job import run_resources
from transfer.archive import tree_export as engine
from transfer.archive.atomic_folder import atomic_folder
from transfer.locate.gather import Gatherer


class Method(StrEnum):
    """How files get into the exported folder."""

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
    """Write one version of a repository into a local folder, all of it or nothing.

    Every file is verified by its sha256. A manifest is written beside the files, so that the
    folder is a source for other instances, whose digests they enforce.

    Args:
        repository: Whose version: a repository, its block's name, a path or a URL.
        directory: The folder to make; it must be empty or not exist.
        version: The number of the version; the latest by default.
        since: Export only what was added or replaced after this version, and name what was removed
            in a text beside the manifest.
        method: Write the files, or link to those of a local repository; a hard link that would
            cross devices is written.
        manifest: The name of the manifest.
        sources: Further repositories that may hold bytes which the repository holds no more.

    Returns:
        What was exported.

    Raises:
        BytesNowhere: bytes are nowhere to be had; each file is named, and nothing is left behind.
        NotRecorded: there is no such version.
        InvalidInput: a parameter cannot be used.
    """
    origin = resolved(repository)
    end = local_folder(directory)
    target = Path(end.settings.address().removeprefix("file://"))
    if method is not Method.WRITE and not isinstance(origin.settings, LocalSettings):
        raise InvalidInput(f"{origin.label!r} is not a local folder: {method.value} needs one")
    if not is_manifest(manifest) or "/" in manifest or manifest.upper().startswith(("MD5", "SHA")):
        raise InvalidInput(f"{manifest!r} is no name for it: PULP_MANIFEST or *.manifest is")
    given = (origin, *(resolved(one) for one in sources or ()))
    with (
        ActiveRun("export-tree", origin, (end,), writes=()) as run,
        OpenRepositories(given) as places,
    ):
        catalog, stop = run.catalog, run_resources(run.job.run_id).stop
        number = catalog.versions.latest(origin.address).number if version is None else version
        rows = catalog.exports.located_content(origin.address, number, since)
        changes = () if since is None else catalog.versions.diff(origin.address, since, number)
        removed = (one.path for one in changes if one.change is Change.REMOVED)
        gatherer = Gatherer(places, stop, _PLACEMENTS[method])
        with atomic_folder(target) as draft:
            done = engine.export_tree(
                rows, removed, draft, gatherer, stop, address=origin.address, manifest=manifest
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
    get_run_logger().info("%s", result)
    return result
