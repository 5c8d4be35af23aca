"""Manifests as text: Pulp's `path,digest,size`, and `<hex>  path` as sha256sum writes it.

>>> line = "a,b.txt,ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad,3"
>>> [(resource.path, resource.size) for resource in parse_manifest("PULP_MANIFEST", [line])]
[('a,b.txt', 3)]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from catalog.errors import InvalidInput, ManifestError
from catalog.model.digest import Digest
from catalog.model.resource import Resource
from catalog.paths import check_path

_SUMS_NAME = re.compile(
    r"(MD5|SHA\d{1,3})SUMS?([._-].*)?|.*\.(md5|sha1|sha256|sha512)", re.IGNORECASE
)
_SUM = re.compile(r"(\\?)([0-9A-Fa-f]{32,128}) [ *](.+)\Z", re.DOTALL)
_PULP_NAMES = ("PULP_MANIFEST",)
CURRENT = "current"
"""The name of the published manifest, at destinations whose layout has one."""


def is_manifest(name: str) -> bool:
    """Say whether a file of this name is a manifest, by the last segment of its path.

    >>> is_manifest("x/SHA256SUMS"), is_manifest("files.manifest"), is_manifest("a.sha256")
    (True, True, False)
    """
    last = name.rpartition("/")[2]
    if last in _PULP_NAMES or (last.endswith(".manifest") and last != ".manifest"):
        return True
    match = _SUMS_NAME.fullmatch(last)
    return match is not None and match[1] is not None


def parse_manifest(name: str, lines: Iterable[str]) -> Iterator[Resource]:
    """Yield the resources of the manifest `name`; `ManifestError` names an invalid line."""
    sums = _SUMS_NAME.fullmatch(name.rpartition("/")[2]) is not None
    known = sums or name.rpartition("/")[2] in (*_PULP_NAMES, CURRENT)
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip("\r\n")
        if not line.strip() or line.startswith("#"):
            continue
        if not known:
            sums, known = _SUM.match(line) is not None, True
        try:
            yield _parse_sums_line(line) if sums else _parse_pulp_line(line)
        except InvalidInput as error:
            raise ManifestError(name, number, str(error)) from error


def format_manifest(resources: Iterable[Resource], name: str = "PULP_MANIFEST") -> Iterator[str]:
    """Yield a Pulp line for each resource, with newline; each needs a size and a sha256."""
    for number, resource in enumerate(resources, 1):
        path = resource.path
        digest = next((each for each in resource.digests if each.algorithm == "sha256"), None)
        if digest is None or resource.size is None:
            raise ManifestError(name, number, f"{path!r} has no sha256 or no size")
        if "\n" in path or "\r" in path or path.startswith("#"):
            raise ManifestError(name, number, f"{path!r} has a line break or begins with #")
        yield f"{path},{digest.value},{resource.size}\n"


def _parse_pulp_line(line: str) -> Resource:
    parts = line.rsplit(",", 2)
    if len(parts) != 3:
        raise InvalidInput("expected 'path,digest,size'")
    path, digest, size = parts
    if not (size.strip().isascii() and size.strip().isdigit()):
        raise InvalidInput(f"the size {size!r} is not a number")
    return Resource(check_path(path), size=int(size), digests=(Digest.parse(digest),))


def _parse_sums_line(line: str) -> Resource:
    match = _SUM.match(line)
    if match is None:
        raise InvalidInput("expected '<digest>  path'")
    escaped, digest, path = match.groups()
    if escaped:  # sha256sum marks lines whose name has a newline or a backslash
        path = re.sub(r"\\([\\nr])", lambda one: {"n": "\n", "r": "\r"}.get(one[1], "\\"), path)
    return Resource(check_path(path.removeprefix("./")), digests=(Digest.parse(digest),))
