"""The conformance suite for destinations."""

# ruff: noqa: D102 - a test's name is its sentence

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from hashlib import sha256

import pytest

from catalog.errors import (
    ConnectionFailed,
    NameNotAllowed,
    ResourceNotFound,
    StorageError,
    UnsafePath,
)
from providers.base import Attributes
from providers.testing.reading import ReadingConformance
from providers.testing.subject import LARGE, OPTIONS, Subject, chunks, digest_of, names, read_all


class WritingConformance(ReadingConformance):
    """Tests that every destination must pass."""

    def test_a_put_round_trips(self, subject: Subject) -> None:
        stored = subject.storage.put("a/b.txt", b"hello", Attributes())
        assert stored.size == 5
        found = subject.storage.stat("a/b.txt")
        assert found.size == 5
        if stored.etag is not None:
            assert stored.etag == found.etag
        assert subject.storage.fetch("a/b.txt").data == b"hello"

    @pytest.mark.parametrize("size", [0, 1, 70_000, len(LARGE)])
    def test_a_writer_round_trips_and_shows_nothing_before(
        self, subject: Subject, size: int
    ) -> None:
        data = LARGE[:size]
        for known in (size, None):
            path = f"sub/large-{known}"
            writer = subject.storage.write(path, Attributes(), size=known)
            for chunk in chunks(data):
                writer.write(chunk)
            assert path not in names(subject.storage.enumerate())
            with pytest.raises(ResourceNotFound):
                subject.storage.stat(path)
            assert writer.commit(digest_of(data)).size == size
            assert subject.storage.stat(path).size == size
            assert sha256(read_all(subject.storage, path)).digest() == sha256(data).digest()
        assert names(subject.storage.enumerate()) == [f"sub/large-{size}", "sub/large-None"]

    @pytest.mark.parametrize("size", [0, 5, len(LARGE)])
    def test_an_aborted_write_leaves_nothing(self, subject: Subject, size: int) -> None:
        subject.storage.put("kept", b"old", Attributes())
        for path in ("new", "kept"):
            writer = subject.storage.write(path, Attributes(), size=len(LARGE))
            for chunk in chunks(LARGE[:size]):
                writer.write(chunk)
            writer.abort()
            writer.abort()
        assert names(subject.storage.enumerate()) == ["kept"]
        assert subject.storage.fetch("kept").data == b"old"
        if subject.raw is not None:
            assert sorted(subject.raw()) == ["kept"]

    def test_nothing_but_the_files_remains(self, subject: Subject) -> None:
        subject.storage.put("a/small", b"x", Attributes())
        writer = subject.storage.write("b/large", Attributes())
        writer.write(b"y")
        writer.commit(digest_of(b"y"))
        assert names(subject.storage.enumerate()) == ["a/small", "b/large"]
        if subject.raw is not None:
            assert sorted(subject.raw()) == ["a/small", "b/large"]

    def test_a_file_is_replaced_whole(self, subject: Subject) -> None:
        subject.storage.put("a", b"a longer first version", Attributes())
        subject.storage.put("a", b"second", Attributes())
        assert subject.storage.fetch("a").data == b"second"
        writer = subject.storage.write("a", Attributes(), size=5)
        writer.write(b"third")
        writer.commit(digest_of(b"third"))
        assert subject.storage.fetch("a").data == b"third"
        assert names(subject.storage.enumerate()) == ["a"]

    def test_removing_twice_is_fine(self, subject: Subject) -> None:
        subject.storage.put("a/b", b"x", Attributes())
        subject.storage.put("a/c", b"x", Attributes())
        subject.storage.remove("a/b")
        subject.storage.remove("a/b")
        subject.storage.remove("never/was")
        assert names(subject.storage.enumerate()) == ["a/c"]

    def test_a_folder_is_never_removed_as_a_file(self, subject: Subject) -> None:
        subject.storage.put("a/b", b"x", Attributes())
        with suppress(StorageError):
            subject.storage.remove("a")
        assert names(subject.storage.enumerate()) == ["a/b"]

    def test_our_own_corner_is_never_listed_or_written(self, subject: Subject) -> None:
        with pytest.raises((UnsafePath, NameNotAllowed)):
            subject.storage.check_name(".entrepot/x")
        absolute = ("/x",) if subject.storage.capabilities.tree else ()  # elsewhere a name like any
        for climbing in ("../x", "a/../../x", "", *absolute):
            with pytest.raises((UnsafePath, NameNotAllowed)):
                subject.storage.put(climbing, b"x", Attributes())

    def test_sixteen_threads_write_and_read_at_once(self, subject: Subject) -> None:
        def work(number: int) -> bool:
            data = bytes([number % 256]) * (1000 + number)
            path = f"t/{number % 5}/{number}"
            subject.storage.put(path, data, Attributes())
            return subject.storage.fetch(path).data == data

        with ThreadPoolExecutor(16) as pool:
            assert all(pool.map(work, range(160)))
        assert len(names(subject.storage.enumerate())) == 160

    def test_a_put_to_a_server_that_is_gone_is_a_connection_error(self, subject: Subject) -> None:
        if subject.dead is None:
            pytest.skip("there is no server to be gone")
        with pytest.raises(ConnectionFailed), closing(subject.dead.open(OPTIONS)) as storage:
            storage.put("a", b"x", Attributes())
