"""One suite for every provider: a provider's own file gives a `Subject` and what is special.

`ReadingConformance` is for what can be read, `Conformance` adds writing.
"""

# ruff: noqa: D102 - a test's name is its sentence

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

import pytest

from catalog.digest import Digest
from catalog.errors import (
    ConnectionFailed,
    NameNotAllowed,
    ResourceChanged,
    ResourceNotFound,
    StorageError,
    UnsafePath,
)
from catalog.resource import Resource
from providers.base import Attributes, OpenOptions, ProviderSettings, Storage, Timeouts
from providers.keeping import HISTORY, Keeper, Kept, foreign_key, kept_key

LARGE = bytes(range(251)) * 40_000  # about 10 MB: several blocks, parts and windows of every kind
OPTIONS = OpenOptions(connections=16, timeouts=Timeouts(connect_s=2.0, read_s=10.0, write_s=10.0))
NAMES = {
    "spaces": "a b/ c  d.txt",
    "trailing": "dot./space /x",
    "unicode": "ünï/日本/😀.txt",
    "combining": "u\u0308.txt",
    "url": "a#b?c%20&d;e[1]*.txt",
    "percent": "100%/%2F/%zz",
    "signs": "a+b=c@d,e:f!$'()~^`{|}",
    "newline": "line\nbreak.txt",
    "control": "bell\x07.txt",
    "dots": ".hidden/..x/...",
    "longest": "n" * 255,
    "backslash": "back\\slash",
    "quotes": 'it\'s "quoted" <b>&amp;',
    "deep": "a/b/c/d/e/f/g/h",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """A provider under test: an empty storage of its own, and ways behind its back.

    `seed` puts a file there; `raw` lists whatever lies there, temporary files included; `dead`
    are the settings of a place where nobody listens; `refused` are the ids of NAMES it cannot hold,
    `mangled` of those that this very test server changes, which is no fault of ours.
    """

    settings: ProviderSettings
    storage: Storage
    seed: Callable[[str, bytes], object]
    raw: Callable[[], Iterable[str]] | None = None
    dead: ProviderSettings | None = None
    refused: frozenset[str] = frozenset()
    mangled: frozenset[str] = frozenset()
    secret: str = "s3cret"


def written(storage: Storage) -> Callable[[str, bytes], object]:
    """Seed by the storage itself."""
    return lambda path, data: storage.put(path, data, Attributes())


def names(resources: Iterable[Resource]) -> list[str]:
    return sorted(one.path for one in resources)


def digest_of(data: bytes) -> Digest:
    return Digest("sha256", sha256(data).hexdigest())


def chunks(data: bytes, size: int = 1_000_003) -> Iterable[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def read_all(storage: Storage, path: str, *, start: int = 0, length: int | None = None) -> bytes:
    reading = storage.read(path, start=start, length=length)
    try:
        return b"".join(bytes(chunk) for chunk in reading)
    finally:
        reading.close()


class ReadingConformance:
    """What everybody who can be read must do."""

    def test_a_missing_file_is_not_found(self, subject: Subject) -> None:
        subject.seed("there/x", b"x")
        for path in ("missing", "there/missing", "there"):
            with pytest.raises(ResourceNotFound):
                subject.storage.stat(path)
            with pytest.raises(ResourceNotFound):
                subject.storage.fetch(path)
            with pytest.raises(ResourceNotFound):
                read_all(subject.storage, path)

    def test_a_missing_prefix_yields_nothing(self, subject: Subject) -> None:
        subject.seed("a", b"x")
        assert names(subject.storage.enumerate("missing")) == []

    def test_listing_stat_and_fetch_tell_the_same(self, subject: Subject) -> None:
        subject.seed("dir/a.txt", b"hello")
        (listed,) = subject.storage.enumerate()
        told = subject.storage.stat("dir/a.txt")
        fetched = subject.storage.fetch("dir/a.txt")
        assert fetched.data == b"hello"
        if subject.storage.capabilities.sizes:
            assert listed.size == 5
        for one in (told, fetched.resource):
            assert (one.path, one.size, one.etag) == ("dir/a.txt", 5, listed.etag)
            for each in one.digests:
                assert each == Digest.of(b"hello", each.algorithm)
        if subject.storage.capabilities.etags:
            assert listed.etag

    def test_an_empty_file_stays_empty(self, subject: Subject) -> None:
        subject.seed("empty", b"")
        (listed,) = subject.storage.enumerate()
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
            reading = subject.storage.read("large")
            assert bytes(next(iter(reading)))[:5] == LARGE[:5]
            reading.close()
        assert subject.storage.fetch("large").data == LARGE

    def test_a_pinned_read_of_a_changed_file_is_refused(self, subject: Subject) -> None:
        subject.seed("a", b"first")
        etag = subject.storage.stat("a").etag
        if etag is None:
            pytest.skip("this storage has no etags")
        assert subject.storage.fetch("a", etag=etag).data == b"first"
        reading = subject.storage.read("a", etag=etag)
        assert b"".join(bytes(one) for one in reading) == b"first"
        reading.close()
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

    def test_the_filesystem_face_opens(self, subject: Subject) -> None:
        assert subject.settings.filesystem().protocol


class Conformance(ReadingConformance):
    """What everybody who can be written must do as well."""

    def test_a_put_round_trips(self, subject: Subject) -> None:
        stored = subject.storage.put("a/b.txt", b"hello", Attributes())
        assert stored.size == 5
        told = subject.storage.stat("a/b.txt")
        assert told.size == 5
        if stored.etag is not None:
            assert stored.etag == told.etag
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
        for climbing in ("../x", "a/../../x", "/x", ""):
            with pytest.raises((UnsafePath, NameNotAllowed)):
                subject.storage.put(climbing, b"x", Attributes())

    def test_what_stands_is_kept_and_read_back_through_the_history(self, subject: Subject) -> None:
        storage = subject.storage
        assert isinstance(storage, Keeper)
        storage.put("a/b.txt", b"old", Attributes(content_type="text/plain"))
        key, odd = kept_key(sha256(b"old").hexdigest()), foreign_key("run", "a/b.txt")
        assert storage.keep(storage.stat("a/b.txt"), key) is Kept.KEPT
        storage.put("a/b.txt", b"newer", Attributes())
        assert storage.keep(storage.stat("a/b.txt"), odd) is Kept.KEPT
        storage.remove("a/b.txt")
        assert names(storage.enumerate()) == []
        history = subject.settings.below(HISTORY).open(OPTIONS)
        try:
            assert history.fetch(key).data == b"old"
            assert history.fetch(odd).data == b"newer"
            assert names(history.enumerate()) == sorted([key, odd])
            assert [one.size for one in history.enumerate("sha256")] == [3]
            history.put("sha256/00/11", b"came through here", Attributes())
            assert history.stat("sha256/00/11").size == 17
            for path in (key, odd, "sha256/00/11"):
                history.remove(path)
            assert names(history.enumerate()) == []
        finally:
            history.close()

    def test_what_stands_stays_until_the_last_moment_where_it_can(self, subject: Subject) -> None:
        storage = subject.storage
        assert isinstance(storage, Keeper)
        storage.put("a", b"old", Attributes())
        storage.keep(storage.stat("a"), kept_key("0" * 64))
        if not storage.keeps_late:
            assert storage.fetch("a").data == b"old"

    def test_to_keep_twice_is_fine_and_nothing_is_nothing(self, subject: Subject) -> None:
        storage = subject.storage
        assert isinstance(storage, Keeper)
        key = kept_key("0" * 64)
        for path in ("a", "sub/b"):
            storage.put(path, b"same", Attributes())
            standing = storage.stat(path)
            assert storage.keep(standing, key) is Kept.KEPT
            storage.put(path, b"same", Attributes())
            assert storage.keep(storage.stat(path), key) is Kept.KEPT
            storage.remove(path)
            assert storage.keep(standing, kept_key("1" * 64)) is Kept.GONE
        history = subject.settings.below(HISTORY).open(OPTIONS)
        try:
            assert names(history.enumerate()) == [key]
            assert history.fetch(key).data == b"same"
        finally:
            history.close()

    def test_a_large_file_is_kept_whole_under_a_changed_one(self, subject: Subject) -> None:
        storage = subject.storage
        assert isinstance(storage, Keeper)
        storage.put("sub/large", LARGE, Attributes())
        key = kept_key(sha256(LARGE).hexdigest())
        writer = storage.write("sub/large", Attributes(), size=5)
        writer.write(b"small")
        if not storage.keeps_late:
            writer.abort()
        assert storage.keep(storage.stat("sub/large"), key) is Kept.KEPT
        if storage.keeps_late:
            writer.commit(digest_of(b"small"))
            assert storage.fetch("sub/large").data == b"small"
        history = subject.settings.below(HISTORY).open(OPTIONS)
        try:
            assert sha256(read_all(history, key)).digest() == sha256(LARGE).digest()
        finally:
            history.close()

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
        storage = subject.dead.open(OPTIONS)
        with pytest.raises(ConnectionFailed):
            storage.put("a", b"x", Attributes())
        storage.close()
