"""A source whose files are listed by a manifest in it."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import replace

from catalog.errors import ManifestError
from catalog.formats.manifest import is_manifest, parse_manifest
from catalog.model.gap import Gap, Listed
from catalog.model.resource import Resource
from catalog.paths import is_below
from providers.base import Chunk, Fetched, Reader, Source
from providers.capabilities import Capabilities

MAX_LINE = 2**16  # characters; manifests have no longer lines


class ManifestSource:
    """Reads from `source`, but lists the files in its `manifest` without a request for each."""

    def __init__(self, source: Source, manifest: str) -> None:
        """Wrap `source`; paths in `manifest` are relative to the manifest's folder."""
        self._source = source
        self._manifest = manifest
        folder, slash, _ = manifest.rpartition("/")
        self._root = folder + slash

    @property
    def capabilities(self) -> Capabilities:
        """Return the wrapped storage's capabilities, with digests in listings."""
        inner = self._source.capabilities
        digests = dict.fromkeys((*inner.digests, "sha256"))
        return replace(inner, etags=False, sizes=False, digests=tuple(digests))

    def enumerate(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Listed]:
        """Yield the files that the manifest lists at or below `prefix`, with digests."""
        return filter_listing(
            list_manifest(self._source, self._manifest), prefix, recursive=recursive
        )

    def stat(self, path: str) -> Resource:
        """Return the metadata of one file from the wrapped storage."""
        return replace(self._source.stat(self._root + path), path=path)

    def fetch(self, path: str, *, etag: str | None = None) -> Fetched:
        """Read a small file whole."""
        fetched = self._source.fetch(self._root + path, etag=etag)
        return Fetched(fetched.data, replace(fetched.resource, path=path))

    def read(
        self, path: str, *, etag: str | None = None, start: int = 0, length: int | None = None
    ) -> Reader:
        """Read in chunks."""
        return self._source.read(self._root + path, etag=etag, start=start, length=length)

    def remove(self, path: str) -> None:
        """Delete one file; the manifest is not changed."""
        self._source.remove(self._root + path)

    def close(self) -> None:
        """Close the wrapped storage."""
        self._source.close()


def list_manifest(source: Source, manifest: str) -> Iterator[Resource]:
    """Yield the files that a manifest lists; an invalid line is an error."""
    reader = source.read(manifest)
    try:
        yield from parse_manifest(manifest, decode_lines(reader, manifest))
    finally:
        reader.close()


def filter_listing(listed: Iterable[Listed], prefix: str, *, recursive: bool) -> Iterator[Listed]:
    """Yield what is at or below `prefix`, or only its direct children if not recursive."""
    for entry in listed:
        if isinstance(entry, Gap):
            if entry.overlaps(prefix):
                yield entry
            continue
        rest = entry.path[len(prefix) + 1 if prefix else 0 :]
        if is_below(prefix, entry.path) and (recursive or "/" not in rest):
            yield entry


def split_manifest(url: str) -> tuple[str, str] | None:
    """Return the folder and name of a manifest's URL or path; None if it is not a manifest.

    >>> split_manifest("s3://bucket/dir/SHA256SUMS")
    ('s3://bucket/dir', 'SHA256SUMS')
    >>> split_manifest("https://host/dir/")
    """
    place = url.partition("?")[0]
    folder, slash, name = place.rpartition("/")
    if not slash or folder.endswith("/") or not is_manifest(name):
        return None
    return folder + url[len(place) :], name


def decode_lines(chunks: Reader | Iterator[Chunk], name: str) -> Iterator[str]:
    """Yield the lines of a text from its chunks, split at newlines only."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    rest, count = "", 0
    try:
        for chunk in chunks:
            *lines, rest = (rest + decoder.decode(bytes(chunk))).split("\n")
            count += len(lines)
            yield from lines
            if len(rest) > MAX_LINE:
                raise ManifestError(
                    name, count + 1, f"the line is longer than {MAX_LINE:,} characters"
                )
        rest += decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise ManifestError(name, count + 1, "it is not UTF-8 text") from error
    if rest:
        yield rest
