"""Exports a version as a plain tree of files with a manifest, which others can sync from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import InvalidInput, ResourceNotFound, UnsafePath
from catalog.formats.manifest import format_manifest
from catalog.model.digest import Digest
from catalog.model.resource import Resource
from catalog.paths import check_path
from catalog.queries.exports import LocatedResource
from transfer.locate.fetch_by_digest import (
    BytesNotFound,
    DigestFetcher,
    DigestRequest,
    FetchedBytes,
)
from transfer.workers.ordered_map import map_in_order
from transfer.workers.stop import StopFlag

REMOVED_SUFFIX = ".removed"  # of the file that lists removed paths


class _Tree:
    """The folder to fill, and the files that are missing."""

    def __init__(self, root: Path, fetcher: DigestFetcher, manifest: str) -> None:
        self._root, self._fetcher, self._manifest = root, fetcher, manifest
        self.missing: list[str] = []

    def fetch(self, wanted: DigestRequest) -> FetchedBytes | None:
        """Fetch one file; collect missing ones, so that all are named in the end."""
        try:
            return self._fetcher.fetch(wanted, self._prepare_target(wanted.name))
        except ResourceNotFound as error:
            self.missing.append(str(error))
            return None

    def _prepare_target(self, path: str) -> Path:
        check_path(path)
        if path in (self._manifest, self._manifest + REMOVED_SUFFIX):
            raise InvalidInput(
                f"the version has a file {path!r}, the name of the manifest: "
                "give the manifest another name"
            )
        target = self._root / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise UnsafePath(
                path, "another file of the version has the name of its folder"
            ) from error
        if target.is_dir():
            raise UnsafePath(path, "other files of the version need it to be a folder")
        return target


@dataclass(frozen=True, slots=True)
class Exported:
    """How many files and bytes an export wrote, and how many paths it lists as removed."""

    files: int
    bytes: int
    removed: int


def export_tree(
    rows: Iterable[LocatedResource],
    removed: Iterable[str],
    root: Path,
    fetcher: DigestFetcher,
    stop: StopFlag,
    *,
    address: str,
    manifest: str,
) -> Exported:
    """Fill the folder `root` with `rows`, which are a version of the repository at `address`.

    Raises:
        BytesNotFound: files cannot be found anywhere; names all of them.
    """
    tree = _Tree(root, fetcher, manifest)
    files = size = gone = 0

    def resources() -> Iterator[Resource]:
        nonlocal files, size
        for fetched in map_in_order(
            tree.fetch, (digest_request(row, address) for row in rows), stop
        ):
            if fetched is not None:
                files, size = files + 1, size + fetched.size
                yield Resource(
                    fetched.name, size=fetched.size, digests=(Digest("sha256", fetched.digest),)
                )

    with (root / manifest).open("x", encoding="utf-8", newline="\n") as file:
        file.writelines(format_manifest(resources(), manifest))
    if tree.missing:
        raise BytesNotFound("nothing was exported", tuple(sorted(tree.missing)))
    names = list(removed)
    if names:
        with (root / (manifest + REMOVED_SUFFIX)).open("x", encoding="utf-8", newline="\n") as file:
            for path in names:
                if "\n" in path or "\r" in path:
                    raise InvalidInput(
                        f"the removed path {path!r} has a line break: it cannot be listed"
                    )
                file.write(path + "\n")
                gone += 1
    return Exported(files, size, gone)


def digest_request(found: LocatedResource, address: str) -> DigestRequest:
    """Return the request for a resource: by digest, or else as it was listed at `address`."""
    row = found.row
    places = found.places if row.digest is not None else ((address, row.path),)
    return DigestRequest(row.path, row.size, row.digest, places, row.etag, row.modified_us)
