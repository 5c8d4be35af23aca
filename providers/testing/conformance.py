"""The complete conformance suite: reading, writing, and the history."""

# ruff: noqa: D102 - a test's name is its sentence

from __future__ import annotations

from hashlib import sha256

from providers.base import Attributes
from providers.interfaces.history import (
    HISTORY,
    KeepResult,
    SupportsHistory,
    history_key,
    unknown_history_key,
)
from providers.testing.subject import LARGE, OPTIONS, Subject, digest_of, files_of, names, read_all
from providers.testing.writing import WritingConformance


class Conformance(WritingConformance):
    """Tests that a destination keeps replaced and removed files."""

    def test_what_stands_is_kept_and_read_back_through_the_history(self, subject: Subject) -> None:
        storage = subject.storage
        assert isinstance(storage, SupportsHistory)
        storage.put("a/b.txt", b"old", Attributes(content_type="text/plain"))
        key, odd = history_key(sha256(b"old").hexdigest()), unknown_history_key("run", "a/b.txt")
        assert storage.keep(storage.stat("a/b.txt"), key) is KeepResult.KEPT
        storage.put("a/b.txt", b"newer", Attributes())
        assert storage.keep(storage.stat("a/b.txt"), odd) is KeepResult.KEPT
        storage.remove("a/b.txt")
        assert names(storage.enumerate()) == []
        history = subject.settings.below(HISTORY).open(OPTIONS)
        try:
            assert history.fetch(key).data == b"old"
            assert history.fetch(odd).data == b"newer"
            assert names(history.enumerate()) == sorted([key, odd])
            assert [file.size for file in files_of(history.enumerate("sha256"))] == [3]
            history.put("sha256/00/11", b"came through here", Attributes())
            assert history.stat("sha256/00/11").size == 17
            for path in (key, odd, "sha256/00/11"):
                history.remove(path)
            assert names(history.enumerate()) == []
        finally:
            history.close()

    def test_what_stands_stays_until_the_last_moment_where_it_can(self, subject: Subject) -> None:
        storage = subject.storage
        assert isinstance(storage, SupportsHistory)
        storage.put("a", b"old", Attributes())
        storage.keep(storage.stat("a"), history_key("0" * 64))
        if not storage.keeps_at_commit:
            assert storage.fetch("a").data == b"old"

    def test_to_keep_twice_is_fine_and_nothing_is_nothing(self, subject: Subject) -> None:
        storage = subject.storage
        assert isinstance(storage, SupportsHistory)
        key = history_key("0" * 64)
        for path in ("a", "sub/b"):
            storage.put(path, b"same", Attributes())
            current = storage.stat(path)
            assert storage.keep(current, key) is KeepResult.KEPT
            storage.put(path, b"same", Attributes())
            assert storage.keep(storage.stat(path), key) is KeepResult.KEPT
            storage.remove(path)
            assert storage.keep(current, history_key("1" * 64)) is KeepResult.GONE
        history = subject.settings.below(HISTORY).open(OPTIONS)
        try:
            assert names(history.enumerate()) == [key]
            assert history.fetch(key).data == b"same"
        finally:
            history.close()

    def test_a_large_file_is_kept_whole_under_a_changed_one(self, subject: Subject) -> None:
        storage = subject.storage
        assert isinstance(storage, SupportsHistory)
        storage.put("sub/large", LARGE, Attributes())
        key = history_key(sha256(LARGE).hexdigest())
        writer = storage.write("sub/large", Attributes(), size=5)
        writer.write(b"small")
        if not storage.keeps_at_commit:
            writer.abort()
        assert storage.keep(storage.stat("sub/large"), key) is KeepResult.KEPT
        if storage.keeps_at_commit:
            writer.commit(digest_of(b"small"))
            assert storage.fetch("sub/large").data == b"small"
        history = subject.settings.below(HISTORY).open(OPTIONS)
        try:
            assert sha256(read_all(history, key)).digest() == sha256(LARGE).digest()
        finally:
            history.close()
