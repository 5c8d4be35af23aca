"""Manifests: both forms read, one written, each bad line named."""

from __future__ import annotations

from hashlib import md5, sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import ManifestError, UnsafePath
from catalog.formats.manifest import format_manifest, is_manifest, parse_manifest
from catalog.model.digest import Digest
from catalog.model.resource import Resource
from catalog.paths import check_path

HEX = sha256(b"abc").hexdigest()


@pytest.mark.parametrize(
    ("line", "path", "size"),
    [
        (f"a.txt,{HEX},3", "a.txt", 3),
        (f"dir/a,b,c.txt,{HEX},3\r\n", "dir/a,b,c.txt", 3),
        (f"a b,sha256:{HEX},0", "a b", 0),
        (f"a#b,{HEX.upper()}, 12 ", "a#b", 12),
    ],
)
def test_a_pulp_line_is_split_from_the_right(line: str, path: str, size: int) -> None:
    (one,) = parse_manifest("PULP_MANIFEST", ["# comment", "", line])
    assert (one.path, one.size, one.digests) == (path, size, (Digest("sha256", HEX),))


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (f"{HEX}  a.txt", "a.txt"),
        (f"{HEX} *./d/b c", "d/b c"),
        (f"\\{HEX}  a\\nb\\\\c", "a\nb\\c"),
        (f"{md5(b'abc', usedforsecurity=False).hexdigest()}  x", "x"),
    ],
)
def test_a_line_of_sums_is_read_as_sha256sum_writes_it(line: str, path: str) -> None:
    for name in ("SHA256SUMS", "odd.manifest"):
        (one,) = parse_manifest(name, [line])
        assert (one.path, one.size) == (path, None)


@pytest.mark.parametrize(
    "bad",
    [
        "no commas",
        "a,b",
        f"a,{HEX}",
        f"a,{HEX},x",
        f"a,{HEX},-1",
        f"a,{HEX},",
        "a,zz,3",
        f"a,{HEX[:-1]},3",
        f"/a,{HEX},3",
        f"a//b,{HEX},3",
        f"../a,{HEX},3",
        f",{HEX},3",
        f".entrepot/x,{HEX},3",
    ],
)
def test_a_bad_line_is_named(bad: str) -> None:
    with pytest.raises(ManifestError, match="'PULP_MANIFEST', line 3") as caught:
        list(parse_manifest("PULP_MANIFEST", ["# ours", f"a,{HEX},3", bad]))
    assert caught.value.line == 3


@pytest.mark.parametrize("bad", ["nothing", f"{HEX}", f"{HEX}  ../x", f"{HEX[:-2]}  x"])
def test_a_bad_line_of_sums_is_named(bad: str) -> None:
    with pytest.raises(ManifestError, match="line 1"):
        list(parse_manifest("SHA256SUMS", [bad]))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("PULP_MANIFEST", True),
        ("dir/SHA256SUMS", True),
        ("SHA512SUMS", True),
        ("MD5SUMS", True),
        ("sha256sums.txt", True),
        ("x.manifest", True),
        (".manifest", False),
        ("a.sha256", False),
        ("manifest", False),
        ("PULP_MANIFEST.txt", False),
        ("", False),
    ],
)
def test_manifests_are_known_by_name(name: str, expected: bool) -> None:  # noqa: FBT001 - a case
    assert is_manifest(name) is expected


@pytest.mark.parametrize(
    "resource",
    [
        Resource("a", size=1),
        Resource("a", digests=(Digest("sha256", HEX),)),
        Resource("a\nb", size=1, digests=(Digest("sha256", HEX),)),
        Resource("#a", size=1, digests=(Digest("sha256", HEX),)),
    ],
)
def test_what_cannot_be_written_is_refused(resource: Resource) -> None:
    with pytest.raises(ManifestError):
        list(format_manifest([resource]))


@given(st.text(min_size=1, max_size=30), st.integers(min_value=0, max_value=2**63))
def test_what_is_written_is_read_again(path: str, size: int) -> None:
    one = Resource(path, size=size, digests=(Digest("sha256", HEX),))
    try:
        check_path(path)
        lines = list(format_manifest([one]))
    except (UnsafePath, ManifestError):
        return
    assert list(parse_manifest("PULP_MANIFEST", lines)) == [one]
