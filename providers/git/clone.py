"""A bare shallow clone of one ref in a temporary folder."""

from __future__ import annotations

import logging
import os
import re
import shutil
import stat
import tempfile
import threading
import weakref
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3
from dulwich.client import (
    GitClient,
    HTTPProxyUnauthorized,
    HTTPUnauthorized,
    default_user_agent_string,
    get_transport_and_path,
)
from dulwich.config import ConfigDict
from dulwich.errors import GitProtocolError, NotGitRepository
from dulwich.lfs import LFSPointer
from dulwich.objects import Commit, ObjectID, Tag, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

from catalog.errors import (
    AccessDenied,
    ConnectionFailed,
    ResourceNotFound,
    StorageError,
    UnexpectedReply,
)
from providers.base import OpenOptions
from providers.git.errors import protocol_error
from providers.git.lfs import LfsClient
from providers.git.remote import GitRemote
from providers.git.ssh import ssh_client
from providers.shared.os_errors import translate_os_error
from providers.shared.raw_names import to_printable
from providers.shared.tls_context import make_context
from providers.shared.url import redact_url

MAX_POINTER = 1024  # bytes, of a Git LFS pointer
_ID = re.compile(r"[0-9a-f]{40}\Z")
_POINTER = b"version https://git-lfs.github.com/spec/v1"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GitFile:
    """A file of the tree: its blob, its size, and the sha256 of its content if in LFS."""

    blob: str  # id, hex
    size: int  # bytes of the file, not of its LFS pointer
    lfs: str | None = None  # sha256, hex


class GitClone:
    """A clone of one ref, fetched when it is listed; thread-safe."""

    def __init__(self, remote: GitRemote, options: OpenOptions) -> None:
        """Create an empty folder, which is removed on close or when the process ends."""
        self._remote, self._options = remote, options
        self._lock = threading.Lock()
        self._folder = tempfile.mkdtemp(prefix="entrepot-git-")
        self._remove = weakref.finalize(self, _remove_folder, self._folder, os.getpid())
        self._repo: Repo | None = None
        self._commit = b""
        self._files: dict[str, GitFile] = {}
        self.lfs = LfsClient(remote, options)

    def files(self, *, fresh: bool) -> dict[str, GitFile]:
        """Return the files of the ref by path: current if `fresh`, else as last listed.

        Raises:
            ResourceNotFound: the repository or the ref does not exist.
        """
        with self._lock, self._translate_errors():
            if fresh or not self._commit:
                self._refresh()
            return self._files

    def file(self, blob: str) -> GitFile | None:
        """Return the metadata of a blob of an earlier listing; None if it is not in the clone."""
        data = self.blob(blob)
        return None if data is None else _file(ObjectID(blob.encode()), data)

    def blob(self, name: str) -> bytes | None:
        """Return the bytes of a blob; None if it is not in the clone."""
        with self._lock:
            if self._repo is None or not _ID.match(name):
                return None
            if ObjectID(name.encode()) not in self._repo.object_store:
                return None
            return self._repo.object_store.get_raw(ObjectID(name.encode()))[1]

    def close(self) -> None:
        """Remove the folder."""
        with self._lock:
            if self._repo is not None:
                self._repo.close()
            self._repo, self._commit, self._files = None, b"", {}
        self.lfs.close()
        self._remove()

    def _refresh(self) -> None:
        """Fetch the ref's tip, without history, if it has changed."""
        with self._client() as (client, path):
            self._fetch_tip(client, path)

    def _fetch_tip(self, client: GitClient, path: str) -> None:
        """Resolve the ref, and fetch its tip if it has changed."""
        remote = self._remote
        tip = _resolve_ref(client.get_refs(path.encode()).refs, remote.ref)
        if tip is None:
            raise ResourceNotFound(
                f"{redact_url(remote.url)!r} has no branch, tag or commit {remote.ref!r}"
            )
        if tip == self._commit:
            return
        if self._repo is None:
            self._repo = Repo.init_bare(self._folder)
        repo = self._repo

        def determine_wants(refs: object, depth: int | None = None) -> list[ObjectID]:  # noqa: ARG001 - theirs
            return [tip]

        client.fetch(path, repo, determine_wants=determine_wants, depth=1)
        self._files = self._list_tree(repo, tip)
        self._commit = tip

    @contextmanager
    def _client(self) -> Generator[tuple[GitClient, str]]:
        """Yield a client, and the repository's path on the server."""
        url, ssh = self._remote.url, self._remote.ssh
        if ssh is not None:
            with ssh_client(ssh, redact_url(url), self._options.timeouts) as client:
                yield client, unquote(urlsplit(url).path)
            return
        if url.startswith("file://"):
            url = unquote(url)
        # ignore ~/.gitconfig, which may redirect URLs
        yield get_transport_and_path(url, config=ConfigDict(), **self._transport_arguments())

    def _transport_arguments(self) -> dict[str, Any]:
        """Return the client's arguments: for HTTP our TLS, proxy, login and time-outs."""
        remote, waits = self._remote, self._options.timeouts
        if not remote.url.startswith("http"):
            return {}
        tls = remote.tls
        if not tls.verify:  # the user disabled it; urllib3 would warn at each request
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        common: dict[str, Any] = {
            "ssl_context": make_context(
                authorities=tls.authorities,
                client_certificate=tls.client_certificate,
                client_key=tls.client_key,
                verify=tls.verify,
            ),
            "timeout": urllib3.Timeout(connect=waits.connect_s, read=waits.read_s),
            "retries": urllib3.Retry(0, redirect=5),
            "headers": {"User-Agent": default_user_agent_string()},
        }
        if (proxy := remote.proxy) is not None:
            secret = proxy.password.get_secret_value()
            login = f"{proxy.username}:{secret}" if proxy.username else None
            headers = urllib3.make_headers(proxy_basic_auth=login)
            manager: urllib3.PoolManager = urllib3.ProxyManager(
                proxy.url, proxy_headers=headers, **common
            )
        else:
            manager = urllib3.PoolManager(**common)
        username, password = self.lfs.login
        return {"pool_manager": manager, "username": username, "password": password}

    def _list_tree(self, repo: Repo, tip: ObjectID) -> dict[str, GitFile]:
        """Return every file of a commit; log symbolic links and submodules, which are skipped."""
        found = repo.object_store[tip]
        while isinstance(found, Tag):
            found = repo.object_store[found.object[1]]
        if not isinstance(found, Commit):
            raise ResourceNotFound(f"{self._remote.ref!r} does not point to a commit")
        files: dict[str, GitFile] = {}
        left_out: list[str] = []
        folders = [("", found.tree)]
        while folders:
            above, folder = folders.pop()
            tree = repo.object_store[folder]
            if not isinstance(tree, Tree):
                raise UnexpectedReply(f"{above!r} in the repository is not a folder")
            for entry in tree.items():
                path = above + to_printable(entry.path.decode("utf-8", "surrogateescape"))
                if stat.S_ISDIR(entry.mode):
                    folders.append((f"{path}/", entry.sha))
                elif stat.S_ISREG(entry.mode):
                    files[path] = _file(entry.sha, repo.object_store.get_raw(entry.sha)[1])
                else:
                    left_out.append(path)
        if left_out:
            count, first = len(left_out), left_out[0]
            where = redact_url(self._remote.url)
            _log.warning(
                "skipped %s symbolic links and submodules of %r, such as %r",
                f"{count:,}",
                where,
                first,
            )
        return dict(sorted(files.items()))

    @contextmanager
    def _translate_errors(self) -> Generator[None]:
        """Translate errors."""
        where = repr(redact_url(self._remote.url))
        try:
            yield
        except StorageError:
            raise
        except (HTTPUnauthorized, HTTPProxyUnauthorized) as error:
            raise AccessDenied(f"{where} refuses the login", status=401) from error
        except NotGitRepository as error:
            raise ResourceNotFound(f"there is no git repository at {where}") from error
        except GitProtocolError as error:
            raise protocol_error(error, where) from error
        except urllib3.exceptions.HTTPError as error:
            raise ConnectionFailed(
                f"{where}: the connection failed ({type(error).__name__})"
            ) from error
        except OSError as error:
            raise translate_os_error(error, self._folder) from error
        except (KeyError, ValueError) as error:
            raise UnexpectedReply(f"{where} sent an incomplete ref: {error!r}") from error


def _remove_folder(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # in a forked child the folder belongs to the parent
        shutil.rmtree(folder, ignore_errors=True)


def _resolve_ref(refs: dict[Ref, ObjectID | None], name: str) -> ObjectID | None:
    """Resolve a ref as git does, tags before branches, or a commit id."""
    for start in ("", "refs/", "refs/tags/", "refs/heads/"):
        if found := refs.get(Ref(f"{start}{name}".encode())):
            return found
    return ObjectID(name.encode()) if _ID.match(name) else None


def _file(blob: ObjectID, data: bytes) -> GitFile:
    name = blob.decode()
    if len(data) <= MAX_POINTER and data.startswith(_POINTER):
        pointer = LFSPointer.from_bytes(data)
        if pointer is not None and re.fullmatch(r"[0-9a-f]{64}", pointer.oid):
            return GitFile(name, pointer.size, pointer.oid)
    return GitFile(name, len(data))
