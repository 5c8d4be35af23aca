"""Errors, digests and paths: small rules that everything rests on."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from catalog import errors
from catalog.errors import DigestNotAllowed, InvalidInput, PathConflict, UnsafePath
from catalog.inbox.refusals import error_to_json, raise_if_refused
from catalog.model.digest import Digest, Hasher, trusted_digests
from catalog.paths import check_path, clean_prefix, is_below, safe_join

EVERY_ERROR = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.CatalogError)
]


@pytest.mark.parametrize("kind", EVERY_ERROR, ids=lambda kind: kind.__name__)
def test_every_error_is_ours_and_named_in_the_tree(kind: type[errors.CatalogError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")
    assert kind.__doc__


def test_a_storage_error_prints_its_message_alone() -> None:
    error = errors.SizeMismatch("a", 3, 4)

    assert str(error) == "'a': expected size 3, found 4"
    assert (error.expected, error.found, error.path, error.retryable) == ("3", "4", "a", True)


@pytest.mark.parametrize(
    "error",
    [
        PathConflict("a", "a/b"),
        DigestNotAllowed("a", ("md5",), ("sha256",)),
        errors.NotRecorded("plan", "p"),
        errors.NothingMatched("nothing"),
        InvalidInput("wrong"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_refusal_reaches_another_process_whole(error: errors.CatalogError) -> None:
    with pytest.raises(type(error)) as caught:
        raise_if_refused(error_to_json(error))

    assert type(caught.value) is type(error)
    assert str(caught.value) == str(error)


def test_a_digest_reads_what_it_writes_and_bare_hex() -> None:
    digest = Digest.of(b"abc")

    assert Digest.parse(str(digest)) == Digest.parse(digest.value.upper()) == digest


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:xyz", "crc:00", "md5:" + "a" * 64, "abc"])
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Digest.parse(text)


def test_several_digests_come_from_one_pass() -> None:
    hasher = Hasher(["md5"])
    for chunk in (b"a", b"bc"):
        hasher.update(chunk)

    assert hasher.size == 3
    assert hasher.digest() == Digest.of(b"abc")
    assert hasher.digest("md5").value == hashlib.md5(b"abc").hexdigest()


def test_an_untrusted_digest_is_passed_over_beside_a_trusted_one_and_refused_alone() -> None:
    weak, strong = Digest.of(b"x", "md5"), Digest.of(b"x")

    assert trusted_digests("a", [weak, strong]) == (strong,)
    assert trusted_digests("a", []) == ()
    with pytest.raises(DigestNotAllowed):
        trusted_digests("a", [weak])


@pytest.mark.parametrize(
    "path",
    ["", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "a\x00", ".entrepot/x", "\udc80"],
    ids=repr,
)
def test_an_unsafe_path_is_refused(path: str) -> None:
    with pytest.raises(UnsafePath):
        check_path(path)


@pytest.mark.parametrize("path", ["a", "a/b", ".hidden", "a/..b", "a b/ü", ".entrepots"], ids=repr)
def test_a_safe_path_is_returned_as_it_is(path: str) -> None:
    assert check_path(path) == path


def test_a_prefix_is_cleaned_and_never_climbs() -> None:
    assert clean_prefix("/a//./b/") == "a/b"
    with pytest.raises(UnsafePath):
        clean_prefix("a/..")


def test_below_goes_by_segments() -> None:
    assert is_below("", "a")
    assert is_below("a", "a")
    assert is_below("a", "a/b")
    assert not is_below("a", "ab")


def test_a_join_stays_below_its_root(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "out").symlink_to(tmp_path)

    assert safe_join(tmp_path / "root", "../../x") == tmp_path / "root" / "x"
    with pytest.raises(UnsafePath):
        safe_join(tmp_path / "root", "out/x")
