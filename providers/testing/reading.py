"""The conformance suite for sources; users define its fixture `subject`, a `Subject`."""

# ruff: noqa: D102 - a test's name is its sentence

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest

from catalog.errors import (
    CatalogError,
    ConnectionFailed,
    InvalidInput,
    NameNotAllowed,
    ResourceChanged,
    ResourceNotFound,
    UnsafePath,
)
from catalog.model.digest import Digest
from providers.base import ProviderSettings
from providers.testing.subject import LARGE, NAMES, OPTIONS, Subject, files_of, names, read_all


class ReadingConformance:
    """Tests that every source must pass."""

    def test_a_missing_file_is_not_found(self, subject: Subject) -> None:
        subject.seed("there/x", b"x")
        for path in ("missing", "there/missing", "there"):
            with pytest.raises(ResourceNotFound):
                subject.storage.stat(path)
            with pytest.raises(ResourceNotFound):
                subject.storage.fetch(path)
            with pytest.raises(ResourceNotFound):
                read_all(subject.storage, path)

    def test_no_path_leads_out_of_the_root(self, subject: Subject) -> None:
        """Callers may pass on an untrusted path."""
        subject.seed("inside/x", b"x")
        subject.seed("outside", b"y")
        inner = subject.settings.below("inside").open(OPTIONS)
        try:
            assert read_all(inner, "x") == b"x"
            for path in ("../outside", "x/../../outside", "./../outside", "a/../../outside"):
                with pytest.raises(CatalogError):
                    read_all(inner, path)
                with pytest.raises(CatalogError):
                    inner.fetch(path)
                with pytest.raises(CatalogError):
                    inner.stat(path)
        finally:
            inner.close()

    def test_a_missing_prefix_yields_nothing(self, subject: Subject) -> None:
        subject.seed("a", b"x")
        assert names(subject.storage.enumerate("missing")) == []

    def test_listing_stat_and_fetch_tell_the_same(self, subject: Subject) -> None:
        subject.seed("dir/a.txt", b"hello")
        (listed,) = files_of(subject.storage.enumerate())
        found = subject.storage.stat("dir/a.txt")
        fetched = subject.storage.fetch("dir/a.txt")
        assert fetched.data == b"hello"
        if subject.storage.capabilities.sizes:
            assert listed.size == 5
        for one in (found, fetched.resource):
            assert (one.path, one.size, one.etag) == ("dir/a.txt", 5, listed.etag)
            for each in one.digests:
                assert each == Digest.of(b"hello", each.algorithm)
        if subject.storage.capabilities.etags:
            assert listed.etag

    def test_an_empty_file_stays_empty(self, subject: Subject) -> None:
        subject.seed("empty", b"")
        (listed,) = files_of(subject.storage.enumerate())
        assert listed.size in (0, None)
        assert subject.storage.fetch("empty").data == b""
        assert read_all(subject.storage, "empty") == b""

    def test_a_large_file_reads_in_any_range(self, subject: Subject) -> None:
        subject.seed("large", LARGE)
        size = len(LARGE)
        assert sha256(read_all(subject.storage, "large")).digest() == sha256(LARGE).digest()
        for start, length in ((0, 1), (1_000_000, 3_000_000), (size - 5, 5), (17, 0)):
            found = read_all(subject.storage, "large", start=start, length=length)
            assert found == LARGE[start : start + length]
        assert read_all(subject.storage, "large", start=size - 70_000) == LARGE[size - 70_000 :]

    def test_a_reading_may_end_early(self, subject: Subject) -> None:
        subject.seed("large", LARGE)
        for _ in range(20):  # more than there are connections
            reader = subject.storage.read("large")
            assert bytes(next(iter(reader)))[:5] == LARGE[:5]
            reader.close()
        assert subject.storage.fetch("large").data == LARGE

    def test_a_pinned_read_of_a_changed_file_is_refused(self, subject: Subject) -> None:
        subject.seed("a", b"first")
        etag = subject.storage.stat("a").etag
        if etag is None:
            pytest.skip("this storage has no etags")
        assert subject.storage.fetch("a", etag=etag).data == b"first"
        reader = subject.storage.read("a", etag=etag)
        assert b"".join(bytes(one) for one in reader) == b"first"
        reader.close()
        subject.seed("a", b"other!")
        with pytest.raises(ResourceChanged):
            subject.storage.fetch("a", etag=etag)
        with pytest.raises(ResourceChanged):
            list(subject.storage.read("a", etag=etag))

    def test_a_listing_is_complete_beyond_a_thousand(self, subject: Subject) -> None:
        expected = [f"many/{number % 7}/f{number:04}" for number in range(1100)]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(subject.seed, expected, itertools.repeat(b"x")))
        assert names(subject.storage.enumerate()) == sorted(expected)
        assert names(subject.storage.enumerate("many")) == sorted(expected)

    def test_a_prefix_ends_at_a_slash(self, subject: Subject) -> None:
        for path in ("a/b/1", "a/b/c/2", "a/bc/1", "a/b2", "z"):
            subject.seed(path, b"x")
        find = subject.storage.enumerate
        assert names(find("a/b")) == ["a/b/1", "a/b/c/2"]
        assert names(find("a/b/1")) == ["a/b/1"]
        assert names(find("a/b", recursive=False)) == ["a/b/1"]
        assert names(find("a", recursive=False)) == ["a/b2"]
        assert names(find(recursive=False)) == ["z"]
        assert names(find()) == ["a/b/1", "a/b/c/2", "a/b2", "a/bc/1", "z"]

    @pytest.mark.parametrize("kind", NAMES)
    def test_odd_names_stay_as_they_are(self, subject: Subject, kind: str) -> None:
        path = NAMES[kind]
        if kind in subject.mangled:
            pytest.skip("the test server changes this name")
        if kind in subject.refused:
            with pytest.raises((NameNotAllowed, UnsafePath)):
                subject.storage.check_name(path)
            return
        subject.seed(path, b"odd")
        assert names(subject.storage.enumerate()) == [path]
        assert subject.storage.stat(path).path == path
        assert subject.storage.fetch(path).data == b"odd"
        assert read_all(subject.storage, path, start=1) == b"dd"
        top = path.partition("/")[0]
        assert names(subject.storage.enumerate(top)) == [path]

    def test_a_server_that_is_gone_is_a_connection_error(self, subject: Subject) -> None:
        if subject.dead is None:
            pytest.skip("there is no server to be gone")
        for ask in (self._enumerate, self._stat):
            with pytest.raises(ConnectionFailed):
                ask(subject.dead)

    @staticmethod
    def _enumerate(settings: ProviderSettings) -> None:
        storage = settings.open(OPTIONS)
        try:
            list(storage.enumerate())
        finally:
            storage.close()

    @staticmethod
    def _stat(settings: ProviderSettings) -> None:
        storage = settings.open(OPTIONS)
        try:
            storage.stat("a")
        finally:
            storage.close()

    def test_settings_explain_themselves_and_hide_their_secrets(self, subject: Subject) -> None:
        settings = subject.settings
        for name, field in type(settings).model_fields.items():
            assert field.title, name
            assert (field.description or "").endswith("."), name
        assert "://" in settings.address()
        for shown in (repr(settings), settings.address(), settings.model_dump_json()):
            assert subject.secret not in shown
        assert hash(settings.connection_key()) == hash(settings.connection_key())

    def test_the_filesystem_face_opens_or_says_that_there_is_none(self, subject: Subject) -> None:
        try:
            face = subject.settings.filesystem()
        except InvalidInput:
            return
        assert face.protocol
