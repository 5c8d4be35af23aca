"""Git as a source: `git http-backend` and local repositories, and Git LFS."""

# ruff: noqa: D102 - a test's name is its sentence

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr, ValidationError

from catalog.errors import (
    AccessDenied,
    InvalidInput,
    NotSupported,
    ResourceChanged,
    ResourceNotFound,
)
from catalog.model.digest import Digest
from providers.connection_cache import ConnectionCache
from providers.git.settings import GitSettings
from providers.git.storage import GitStorage
from providers.testing.reading import ReadingConformance
from providers.testing.subject import LARGE, OPTIONS, Subject, names, read_all
from tests.servers.git import (
    PASSWORD,
    USER,
    GitServer,
    commit,
    git,
    missing_pointer,
)
from tests.servers.openssh import SftpServer
from tests.servers.process import free_ports


@contextmanager
def opened(url: str, **settings: Any) -> Generator[GitStorage]:  # noqa: ANN401 - any setting
    storage = GitSettings(url=url, **settings).open(OPTIONS)
    assert isinstance(storage, GitStorage)
    try:
        yield storage
    finally:
        storage.close()


class TestGit(ReadingConformance):
    """The reading half of the suite, over HTTP, over SSH, and from a local repository."""

    @pytest.fixture(params=["http", "ssh", "file"])
    def subject(
        self, git_server: GitServer, sftp_server: SftpServer, request: pytest.FixtureRequest
    ) -> Iterator[Subject]:
        name = f"{uuid4().hex}.git"
        bare = git_server.make(name)
        lock = threading.Lock()

        def seed(path: str, data: bytes) -> None:
            with lock:
                commit(bare, {path: data})

        commit(bare, {})
        settings = {
            "http": GitSettings(url=f"{git_server.url}/{name}", token=SecretStr("s3cret")),
            "ssh": GitSettings(
                url=f"ssh://{sftp_server.host}:{sftp_server.port}{bare}",
                username=sftp_server.user,
                private_key=SecretStr(sftp_server.client_key.read_text()),
                known_hosts=str(sftp_server.known_hosts),
            ),
            "file": GitSettings(url=f"file://{bare}"),
        }[request.param]
        dead = GitSettings(url=f"http://127.0.0.1:{free_ports(1)[0]}/x.git")
        storage = settings.open(OPTIONS)
        yield Subject(settings, storage, seed, dead=dead)
        storage.close()

    def test_a_listing_is_complete_beyond_a_thousand(self, subject: Subject) -> None:
        files = {f"many/{number % 7}/f{number:04}": b"x" for number in range(1100)}
        bare = Path(subject.settings.address().partition("@")[0].removeprefix("git+file://"))
        if not bare.is_dir():
            pytest.skip("the local repository is enough")
        commit(bare, files)
        assert names(subject.storage.enumerate()) == sorted(files)
        assert names(subject.storage.enumerate("many")) == sorted(files)

    def test_a_pinned_read_of_a_changed_file_is_refused(self, subject: Subject) -> None:
        """Of git, what was listed can still be read; what the clone never had is refused."""
        subject.seed("a", b"first")
        etag = subject.storage.stat("a").etag
        subject.seed("a", b"other!")
        assert names(subject.storage.enumerate()) == ["a"]
        assert subject.storage.fetch("a").data == b"other!"
        assert subject.storage.fetch("a", etag=etag).data == b"first"
        for never in ("0" * 40, "no id at all"):
            with pytest.raises(ResourceChanged):
                subject.storage.fetch("a", etag=never)


@pytest.fixture
def bare(git_server: GitServer) -> Path:
    """Make a repository with a branch, two tags, a link and a submodule."""
    made = git_server.make(f"{uuid4().hex}.git")
    first = commit(made, {"a": b"one", "d/b": b"two", "d/link": b"-> b"})
    git(made, "tag", "light")
    git(made, "tag", "-a", "-m", "x", "heavy")
    git(made, "update-ref", "refs/heads/feature/x", first)
    git(made, "config", "uploadpack.allowAnySHA1InWant", "true")
    commit(made, {"a": b"three"})
    return made


@pytest.mark.parametrize("over", ["http", "file"])
@pytest.mark.parametrize("ref", ["light", "heavy", "feature/x", "refs/tags/heavy", "commit"])
def test_a_ref_is_a_branch_a_tag_or_a_commit(
    git_server: GitServer, bare: Path, ref: str, over: str
) -> None:
    if ref == "commit":
        ref = git(bare, "rev-parse", "light^{commit}")
    url = f"{git_server.url}/{bare.name}" if over == "http" else f"file://{bare}"
    with opened(url, ref=ref) as storage:
        assert names(storage.enumerate()) == ["a", "d/b"]
        assert storage.fetch("a").data == b"one"
    with opened(url) as storage:
        assert storage.fetch("a").data == b"three"
        assert [one.size for one in storage.enumerate("a")] == [5]


def test_links_and_submodules_are_left_out_and_said_so(
    bare: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entry = f"160000 commit {'1' * 40}\tmodule\n".encode()
    tree = git(bare, "mktree", "--missing", data=entry)
    git(bare, "update-ref", "refs/heads/main", git(bare, "commit-tree", "-m", "x", tree))
    with caplog.at_level(logging.WARNING), opened(f"file://{bare}") as storage:
        assert names(storage.enumerate()) == []
    assert "1 symbolic links and submodules" in caplog.text
    assert "such as 'module'" in caplog.text


def test_names_that_are_no_text_are_told_in_a_printable_form(bare: Path) -> None:
    blob = git(bare, "hash-object", "-w", "--stdin", data=b"latin")
    entry = f"100644 blob {blob}\t".encode() + b"caf\xe9\x00"
    tree = git(bare, "mktree", "-z", data=entry)
    git(bare, "update-ref", "refs/heads/main", git(bare, "commit-tree", "-m", "x", tree))
    with opened(f"file://{bare}") as storage:
        assert names(storage.enumerate()) == ["caf‛E9"]  # noqa: RUF001 - the mark itself
        assert storage.fetch("caf‛E9").data == b"latin"  # noqa: RUF001 - the same
        assert storage.capabilities.raw_names


def test_a_folder_is_a_place_in_the_same_clone(bare: Path) -> None:
    whole = GitSettings(url=f"file://{bare}")
    cache = ConnectionCache()
    with cache.open(whole.below("d"), OPTIONS) as storage:
        assert names(storage.enumerate()) == ["b"]
        assert storage.stat("b").path == "b"
        with pytest.raises(ResourceNotFound):
            storage.stat("d/b")
    with cache.open(whole, OPTIONS) as storage:
        assert names(storage.enumerate("d")) == ["d/b"]
    assert len(cache) == 1
    cache.clear()
    with opened(f"file://{bare}", path="nowhere") as storage, pytest.raises(ResourceNotFound):
        list(storage.enumerate())


def test_a_wrong_url_or_ref_is_one_clear_error(git_server: GitServer, bare: Path) -> None:
    for url in (f"{git_server.url}/nowhere.git", "file:///nowhere/at/all"):
        with opened(url) as storage, pytest.raises(ResourceNotFound, match="no git repository"):
            list(storage.enumerate())
    for url in (f"{git_server.url}/{bare.name}", f"file://{bare}"):
        with (
            opened(url, ref="nope") as storage,
            pytest.raises(ResourceNotFound, match="no branch, tag or commit 'nope'"),
        ):
            list(storage.enumerate())


def test_a_login_opens_what_is_private(git_server: GitServer) -> None:
    name = f"private-{uuid4().hex}.git"
    commit(git_server.make(name), {"a": b"secret"})
    url = f"{git_server.url}/{name}"
    with opened(url) as storage, pytest.raises(AccessDenied):
        list(storage.enumerate())
    wrong = {"username": USER, "token": SecretStr("wrong")}
    with opened(url, **wrong) as storage, pytest.raises(AccessDenied):
        list(storage.enumerate())
    with opened(url, username=USER, token=SecretStr(PASSWORD)) as storage:
        assert storage.fetch("a").data == b"secret"


def test_the_clone_is_kept_looks_again_and_is_removed(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    cache, settings = ConnectionCache(), GitSettings(url=f"file://{bare}")
    for body in (b"three", b"four"):
        commit(bare, {"a": body})
        with cache.open(settings, OPTIONS) as storage:
            assert names(storage.enumerate()) == ["a", "d/b"]
            assert storage.fetch("a").data == body
        assert len(list(tmp_path.iterdir())) == 1
    cache.clear()
    assert not list(tmp_path.iterdir())


def test_a_pointer_is_the_file_in_lfs_with_its_declared_digest(git_server: GitServer) -> None:
    bare = git_server.make(f"{uuid4().hex}.git")
    commit(bare, {"big": git_server.store(LARGE), "empty": git_server.store(b""), "plain": b"x"})
    with opened(f"{git_server.url}/{bare.name}", lfs_url=git_server.lfs_url) as storage:
        told = {one.path: one for one in storage.enumerate()}
        assert told["big"].size == len(LARGE)
        assert told["big"].digests == (Digest("sha256", sha256(LARGE).hexdigest()),)
        assert told["plain"].digests == ()
        assert storage.fetch("big").data == LARGE
        assert storage.fetch("empty").data == b""
        assert read_all(storage, "empty") == b""
        assert read_all(storage, "big", start=5_000_000, length=70) == LARGE[5_000_000:5_000_070]
        assert read_all(storage, "big", start=5_000_000) == LARGE[5_000_000:]


def test_what_lfs_does_not_have_is_named(git_server: GitServer) -> None:
    bare = git_server.make(f"{uuid4().hex}.git")
    commit(bare, {"gone": missing_pointer(b"gone")})
    with (
        opened(f"{git_server.url}/{bare.name}", lfs_url=git_server.lfs_url) as storage,
        pytest.raises(ResourceNotFound, match="'gone'"),
    ):
        storage.fetch("gone")
    with opened(f"file://{bare}") as storage, pytest.raises(NotSupported, match="lfs_url"):
        storage.fetch("gone")
    with opened(f"{git_server.url}/{bare.name}") as storage, pytest.raises(ResourceNotFound):
        storage.fetch("gone")  # asked beside the repository, where this server has no LFS
    assert f"/{bare.name}/info/lfs/objects/batch" in git_server.seen


@pytest.mark.parametrize(
    "url",
    [
        "git://host/x",
        "https://host",
        "ftp://host/x",
        "ssh://-oProxyCommand=x/y",
        "file://host/x",
        "https://user@host/x",
        "https://host/x?token=y",
    ],
)
def test_an_address_that_means_no_repository_is_refused(url: str) -> None:
    with pytest.raises((InvalidInput, ValidationError)):
        GitSettings(url=url)


def test_a_ref_is_no_option(bare: Path) -> None:
    for ref in ("", "--upload-pack=x", "a b", "a\n"):
        with pytest.raises((InvalidInput, ValidationError)):
            GitSettings(url=f"file://{bare}", ref=ref)


def test_an_address_holds_user_ref_and_folder() -> None:
    for text, user, ref, path in (
        ("git+ssh://git@host/org/repo.git@v1", "git", "v1", ""),
        ("git+https://host/org/repo.git@feature%2Fx/some/folder", "", "feature/x", "some/folder"),
        ("git+file:///srv/with%40sign@main", "", "main", ""),
    ):
        made = GitSettings.from_url(text)
        assert (made.username, made.ref, made.path) == (user, ref, path)
        assert made.address() == text


def test_a_local_repository_lies_in_the_allowed_folders(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENTREPOT_LOCAL_ROOTS", f'["{tmp_path}"]')
    with pytest.raises(InvalidInput, match="ENTREPOT_LOCAL_ROOTS"):
        GitSettings(url=f"file://{bare}").open(OPTIONS)
