"""Archives read and written without any flow: chunks, and everything that may be wrong."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from catalog.errors import InvalidInput
from catalog.formats.archive import (
    ArchiveRefused,
    Head,
    artifact_name,
    head_from_json,
    toc_from_json,
)
from catalog.formats.archive_lists import parse_artifacts, parse_content
from catalog.model.version import ContentRow, Version
from catalog.queries.exports import ArtifactRow
from providers.base import Source
from providers.local.storage import LocalStorage
from transfer.archive.read import unpack
from transfer.archive.write import ArchiveContent, RepositoryContent, WrittenArchive, write_archive
from transfer.batch.endpoints import Endpoint
from transfer.locate.fetch_by_digest import BytesNotFound, DigestFetcher
from transfer.workers.limits import Limits, RequestLimiter
from transfer.workers.stop import StopFlag

WHEN = datetime(2026, 3, 3, tzinfo=UTC)
CHUNK = 4096  # bytes
Export = Callable[..., WrittenArchive]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    """Make a local repository, two of its files with equal bytes."""
    made = {
        "a.txt": b"alpha",
        "b/ü.bin": bytes(range(256)) * 40,
        "b/same": b"alpha",
        "empty": b"",
    }
    for name, data in made.items():
        (tmp_path / "repository" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "repository" / name).write_bytes(data)
    return made


@pytest.fixture
def export(tmp_path: Path, files: dict[str, bytes]) -> Export:
    """Return how to export that repository as one version."""
    storage: Source = LocalStorage(str(tmp_path / "repository"))
    end = Endpoint("here", storage, RequestLimiter(Limits()))

    def made(
        target: Path, chunk_size: int | None = None, stop: StopFlag | None = None
    ) -> WrittenArchive:
        stop = stop or StopFlag()
        version = Version("here", 1, 0, WHEN, None, 4, 0, 0, 4, sum(map(len, files.values())))
        rows = [
            ContentRow(name, len(data), None, 7, sha256(data), None, None)
            for name, data in sorted(files.items())
        ]
        unique = {sha256(data): (name, len(data)) for name, data in files.items()}
        artifacts = [
            ArtifactRow(name, digest, size, (("here", name),))
            for digest, (name, size) in sorted(unique.items())
        ]
        head = Head("id", WHEN, (), 0, 0, {"ticket": "7"})
        one = RepositoryContent("one", "file:///here", None, (version,), lambda _: iter(rows))
        # Another repository with the same bytes: they are in the archive once.
        two = replace(one, name="two", address="file:///two")
        content = ArchiveContent((one, two), artifacts)
        fetcher = DigestFetcher(lambda _: end, stop)
        return write_archive(target, head, content, fetcher, stop, chunk_size=chunk_size)

    return made


def problems(archive: Path, folder: Path) -> tuple[str, ...]:
    """Return all that is wrong with an archive."""
    folder.mkdir(exist_ok=True)
    with pytest.raises(ArchiveRefused) as caught:
        unpack(archive, folder, StopFlag(), keep=True)
    return caught.value.problems


def test_chunks_have_four_digits_and_an_exact_size_and_are_read_in_place(
    export: Export, files: dict[str, bytes], tmp_path: Path
) -> None:
    done = export(tmp_path / "out" / "week", CHUNK)

    sizes = [one.stat().st_size for one in done.chunks]
    assert [one.name for one in done.chunks] == [f"week.tar.{n:04d}" for n in range(len(sizes))]
    assert len(sizes) > 2
    assert set(sizes[:-1]) == {CHUNK}
    assert 0 < sizes[-1] <= CHUNK
    assert {one.name for one in done.toc.parent.iterdir()} == {
        "week-toc.json",
        *(one.name for one in done.chunks),
    }
    toc = json.loads(done.toc.read_text())
    assert toc["archive"]["meta"] == {"ticket": "7"}
    assert (toc["archive"]["artifacts"], toc["archive"]["format_version"]) == (3, 2)
    (tmp_path / "in").mkdir()
    found = unpack(done.toc, tmp_path / "in", StopFlag(), keep=True)
    for repository in ("one", "two"):
        assert [(row.path, row.digest) for row in found.rows(repository, 1)] == [
            (name, sha256(data)) for name, data in sorted(files.items())
        ]
    for data in files.values():
        digest = sha256(data)
        assert (tmp_path / "in" / "sha256" / digest[:2] / digest[2:]).read_bytes() == data


def test_a_tar_is_an_archive_by_itself_that_any_tar_program_reads(
    export: Export, tmp_path: Path
) -> None:
    done = export(tmp_path / "week")
    assert [one.name for one in done.chunks] == ["week.tar"]

    with tarfile.open(tmp_path / "week.tar") as tar:
        names = tar.getnames()
    assert names[1:4] == ["versions/0/1.jsonl", "versions/1/1.jsonl", "artifacts.txt"]
    assert f"artifacts/sha256/{sha256(b'')[:2]}/{sha256(b'')[2:]}" in names
    assert len(names) == 7
    (tmp_path / "in").mkdir()
    assert unpack(tmp_path / "week.tar", tmp_path / "in", StopFlag(), keep=False).head == done.head
    assert not (tmp_path / "in" / "sha256").exists()


def test_an_export_that_fails_removes_what_it_wrote(export: Export, tmp_path: Path) -> None:
    (tmp_path / "repository" / "empty").unlink()
    with pytest.raises(BytesNotFound, match="'empty'"):
        export(tmp_path / "deep" / "er" / "week", CHUNK)
    assert not (tmp_path / "deep").exists()

    (tmp_path / "repository" / "empty").touch()
    done = export(tmp_path / "week", CHUNK)
    before = {one: one.read_bytes() for one in (done.toc, *done.chunks)}
    with pytest.raises(InvalidInput, match="already"):
        export(tmp_path / "week")
    done.toc.unlink()
    with pytest.raises(InvalidInput, match=r"'week\.tar\.0000' exists"):
        export(tmp_path / "week", CHUNK)
    assert all(one.read_bytes() == before[one] for one in done.chunks)
    assert [one for one in tmp_path.iterdir() if "partial" in one.name] == []


def test_everything_that_is_wrong_with_chunks_is_named_at_once(
    export: Export, tmp_path: Path
) -> None:
    done = export(tmp_path / "week", CHUNK)
    first, second, third, *_ = done.chunks
    flipped = bytearray(first.read_bytes())
    flipped[-1] ^= 1
    first.write_bytes(flipped)
    second.unlink()
    third.write_bytes(b"short")

    found = problems(done.toc, tmp_path / "in")

    assert len(found) == 3
    assert any("'week.tar.0001' is missing" in one for one in found)
    assert any("'week.tar.0002': expected 4,096 bytes, found 5" in one for one in found)
    assert any("'week.tar.0000': expected sha256:" in one for one in found)


@pytest.mark.parametrize("place", [0.02, 0.3, 0.5, 0.7, 0.9])
def test_a_flipped_byte_is_found_wherever_it_is(
    export: Export, tmp_path: Path, place: float
) -> None:
    done = export(tmp_path / "week", CHUNK)
    size = sum(one.stat().st_size for one in done.chunks)
    number, offset = divmod(int(size * place), CHUNK)
    data = bytearray(done.chunks[number].read_bytes())
    data[offset] ^= 0x40
    done.chunks[number].write_bytes(data)

    found = problems(done.toc, tmp_path / "in")

    assert any(f"'week.tar.{number:04d}': expected sha256:" in one for one in found)


@pytest.mark.parametrize("left", [0, 100, 600, 5000, -1100, -1024, -600])
def test_a_tar_that_was_cut_is_refused(export: Export, tmp_path: Path, left: int) -> None:
    (tar,) = export(tmp_path / "week").chunks
    tar.write_bytes(tar.read_bytes()[:left])

    assert problems(tar, tmp_path / "in")


def entry(
    name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, io.BytesIO]:
    """Return one entry of a tar."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(data), kind, link
    return info, io.BytesIO(data)


HOSTILE = {
    "climbing": (entry("../x", b"evil"), "unsafe path '../x'"),
    "climbing later": (entry("versions/../../x", b"evil"), "unsafe path"),
    "absolute": (entry("/etc/x", b"evil"), "unsafe path '/etc/x': it is absolute"),
    "symbolic link": (entry("a", kind=tarfile.SYMTYPE, link="/etc"), "'a' is a symbolic link"),
    "hard link": (entry("a", kind=tarfile.LNKTYPE, link="/etc/x"), "'a' is a hard link"),
    "device": (entry("a", kind=tarfile.CHRTYPE), "'a' is a device"),
    "pipe": (entry("a", kind=tarfile.FIFOTYPE), "'a' is a pipe"),
    "folder": (entry("versions", kind=tarfile.DIRTYPE), "'versions' is a folder"),
    "long name": (entry("a" * 200, b"evil"), "an entry of type b'L'"),
    "foreign": (entry("artifacts/sha256/00/x", b"evil"), "found 'artifacts/sha256/00/x'"),
    "ours again": (entry("archive.json", b"{}"), "found 'archive.json'"),
}


@pytest.mark.parametrize("position", [0, 1, 4, 99])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_tar_is_refused_and_writes_nothing_outside(
    export: Export, tmp_path: Path, name: str, position: int
) -> None:
    (good,) = export(tmp_path / "week").chunks
    (info, data), expected = HOSTILE[name]
    with (
        tarfile.open(good) as old,
        tarfile.open(tmp_path / "bad.tar", "w", format=tarfile.GNU_FORMAT) as new,
    ):
        every: list[Any] = [(one, old.extractfile(one)) for one in old.getmembers()]
        every.insert(position, (info, data))
        for one, body in every:
            new.addfile(one, body)
        data.seek(0)

    found = problems(tmp_path / "bad.tar", tmp_path / "deep")

    if position or name not in {"foreign", "ours again"}:
        assert any(expected in one for one in found), found
    written = {one.relative_to(tmp_path / "deep").parts[0] for one in (tmp_path / "deep").iterdir()}
    assert written <= {"versions", "artifacts.txt", "digests", "sha256"}
    assert not (tmp_path / "x").exists()


def rewritten(good: Path, bad: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """Write a tar anew with other bodies; None leaves an entry out."""
    with (
        tarfile.open(good) as old,
        tarfile.open(bad, "w", format=tarfile.GNU_FORMAT) as new,
    ):
        for one in old.getmembers():
            body = old.extractfile(one)
            data = change(one.name, body.read() if body else b"")
            if data is not None:
                new.addfile(*entry(one.name, data))
    return bad


def changed(name: str, old: bytes, new: bytes) -> Callable[[str, bytes], bytes | None]:
    """Return a change of one entry's text."""
    return lambda found, data: data.replace(old, new) if found == name else data


def without(start: str) -> Callable[[str, bytes], bytes | None]:
    """Return a change that leaves entries out."""
    return lambda found, data: None if found.startswith(start) else data


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (changed("archive.json", b'"format_version": 2', b'"format_version": 3'), "format_version"),
        (changed("archive.json", b'"name": "two"', b'"name": "one"'), "have one name: one, one"),
        (changed("archive.json", b'"entrepot-archive"', b'"pulp"'), "its format is 'pulp'"),
        (changed("archive.json", b'"files": 4', b'"files": 5'), "expected 5 files"),
        (changed("archive.json", b'"artifacts": 3', b'"artifacts": 4'), "expected 4 artifacts"),
        (changed("archive.json", b"{", b"["), "it is not JSON"),
        (changed("archive.json", b'"two"', b'"\\ud800"'), "archive.json"),
        (changed("archive.json", b'"number": 1', b'"number": "../1"'), "number"),
        (changed("versions/0/1.jsonl", b"a.txt", b"../up"), "versions/0/1.jsonl: expected sha256"),
        (changed("artifacts.txt", b" 5\n", b" 6\n"), "expected 6 bytes, found 5"),
        (changed("artifacts.txt", b" ", b"/"), "line 1 is not"),
        (without("artifacts/"), "is missing"),
        (without("artifacts.txt"), "'artifacts.txt' is missing"),
        (without("versions/"), "'versions/0/1.jsonl' is missing"),
        (without("archive.json"), "expected 'archive.json' first"),
        (
            changed(artifact_name(sha256(b"alpha")), b"alpha", b"ALPHA"),
            f"expected sha256:{sha256(b'alpha')}, found sha256:{sha256(b'ALPHA')}",
        ),
    ],
    ids=range(16),
)
def test_an_archive_that_contradicts_itself_is_refused(
    export: Export,
    tmp_path: Path,
    change: Callable[[str, bytes], bytes | None],
    expected: str,
) -> None:
    (good,) = export(tmp_path / "week").chunks
    bad = rewritten(good, tmp_path / "bad.tar", change)

    found = problems(bad, tmp_path / "in")

    assert any(expected in one for one in found), found


def test_unsafe_paths_in_a_list_are_refused_though_its_digest_is_right(
    export: Export, tmp_path: Path
) -> None:
    (good,) = export(tmp_path / "week").chunks
    lists: dict[str, bytes] = {}

    def change(name: str, data: bytes) -> bytes:
        if name.startswith("versions/"):
            lists["old"], lists["new"] = data, data.replace(b'"a.txt"', b'"/a.x"')
            return lists["new"]
        return data

    rewritten(good, tmp_path / "first.tar", change)
    old, new = (sha256(lists[one]).encode() for one in ("old", "new"))
    bad = tmp_path / "bad.tar"
    rewritten(tmp_path / "first.tar", bad, changed("archive.json", old, new))
    size = [str(len(lists[one])).encode() for one in ("old", "new")]
    assert len(size[0]) == len(size[1])

    found = problems(bad, tmp_path / "in")

    assert len(found) == 2
    for one, name in zip(found, ("versions/0/1.jsonl", "versions/1/1.jsonl"), strict=True):
        assert f"{name}: line 1 cannot be read: unsafe path '/a.x'" in one


def test_a_table_of_contents_names_only_files_beside_it_and_only_its_own(
    export: Export, tmp_path: Path
) -> None:
    done = export(tmp_path / "week", CHUNK)
    text = done.toc.read_text()
    bad = tmp_path / "bad-toc.json"

    bad.write_text(text.replace("week.tar.0001", "../week.tar.0001"))
    assert "unsafe path" in problems(bad, tmp_path / "in")[0]
    bad.write_text(text.replace("week.tar.0001", "sub/week.tar.0001"))
    assert "not beside" in problems(bad, tmp_path / "in")[0]
    bad.write_text(text.replace('"ticket": "7"', '"ticket": "8"'))
    assert "belongs to another archive" in problems(bad, tmp_path / "in")[0]
    bad.write_text("no")
    assert "it is not JSON" in problems(bad, tmp_path / "in")[0]
    with pytest.raises(InvalidInput, match="cannot read"):
        unpack(tmp_path / "none-toc.json", tmp_path / "in", StopFlag(), keep=True)
    with pytest.raises(InvalidInput, match="is not a file"):
        unpack(tmp_path / "none.tar", tmp_path / "in", StopFlag(), keep=True)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (parse_content, ['{"path": "a", "size": 1}']),
        (parse_content, ['{"path": "a", "size": 1, "sha256": "00"}']),
        (parse_content, [json.dumps({"path": "a", "size": -1, "sha256": "0" * 64})]),
        (parse_content, [json.dumps({"path": "a", "size": 1, "sha256": "0" * 64, "x": 1})]),
        (parse_content, [json.dumps({"path": "a", "size": 1, "sha256": "0" * 64})] * 2),
        (parse_content, ["[]"]),
        (parse_content, ["[" * 100_000]),
        (parse_artifacts, [f"{'0' * 64} 1\n"] * 2),
        (parse_artifacts, [f"{'0' * 64} -1\n"]),
        (parse_artifacts, ["../x 1\n"]),
    ],
    ids=range(10),
)
def test_lines_from_outside_are_refused_by_number(
    read: Callable[[list[str]], Iterator[object]], text: list[str]
) -> None:
    with pytest.raises(InvalidInput, match=r"line \d"):
        list(read(text))


def test_a_head_and_a_toc_are_told_apart(export: Export, tmp_path: Path) -> None:
    done = export(tmp_path / "week")
    toc = toc_from_json(done.toc.read_bytes())
    assert toc.archive == done.head
    with pytest.raises(InvalidInput, match="format"):
        head_from_json(done.toc.read_bytes())
