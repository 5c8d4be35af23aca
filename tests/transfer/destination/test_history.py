"""What a delivery replaces or removes is kept first, and never lost silently."""

from __future__ import annotations

import ftplib
import os
import socket
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from catalog.model.digest import Digest
from catalog.model.fingerprint import Fingerprint
from catalog.model.outcome import Outcome, Status
from catalog.model.plan import Action, PlanItem
from providers.base import Attributes, ProviderSettings, Storage
from providers.fsspec.settings import FsspecSettings
from providers.ftp import files
from providers.ftp.connection import FtpClient, FtpConnections
from providers.interfaces.history import HISTORY, history_key, unknown_history_key
from providers.local.settings import LocalSettings
from tests.providers.trees.test_ftp import settings_of as ftp_settings
from tests.providers.trees.test_sftp import settings_of as sftp_settings
from tests.servers.ftp import FtpServer
from tests.servers.openssh import SftpServer
from tests.transfer.deliver import deliver
from tests.transfer.endpoints import QUICK, delivery, end, folder, tree
from tests.transfer.no_copy_filesystem import uncopying
from transfer.batch.delivery import Delivery, History, TransferOptions
from transfer.batch.endpoints import Endpoint, StorageRef

OLD, NEW = b"the old bytes", b"the new bytes!"
LARGE = bytes(range(256)) * 1000
SMALL = TransferOptions(threads=4, small=100_000)


def keeping(settings: ProviderSettings) -> Endpoint[Storage]:
    """Open an end that keeps what is replaced or removed there."""
    area = settings.below(HISTORY)

    @contextmanager
    def opened() -> Any:  # noqa: ANN401 - a generator's type says less than the name
        yield end(area).storage

    return replace(end(settings, QUICK), history=StorageRef(area.address(), opened))


def item(
    path: str, data: bytes | None, action: Action, stood: Fingerprint | None = None
) -> PlanItem:
    """Make an item for one destination; without `data` it is a removal."""
    size = len(data) if data is not None else None
    origin = path if data is not None else ""
    return PlanItem(
        origin, path, size, None, None, (), None, None, (0,), (action,), previous=(stood,)
    )


def known(place: Endpoint[Storage], path: str, data: bytes) -> Fingerprint:
    """Put a file at a destination and say what the catalog would know of it."""
    place.storage.put(path, data, Attributes())
    found = place.storage.stat(path)
    return Fingerprint(Digest.of(data).value, found.size, found.etag, found.modified_us)


def run(job: Delivery, *items: PlanItem) -> tuple[list[Outcome], list[Outcome]]:
    """Deliver, and part the outcomes of the items from those of the history."""
    outcomes = deliver(job, list(items))
    own = [one for one in outcomes if HISTORY not in one.destination]
    return own, [one for one in outcomes if HISTORY in one.destination]


@pytest.fixture(params=["local", "sftp", "ftp", "generic", "uncopying"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Endpoint[Storage], Path]:
    """Open a destination of every kind of keeping, and say where its files lie."""
    root = tmp_path / "end"
    if request.param == "sftp":
        server: SftpServer = request.getfixturevalue("sftp_server")
        root = server.root / uuid4().hex
        return keeping(sftp_settings(server, root)), root
    if request.param == "ftp":
        other: FtpServer = request.getfixturevalue("ftp_server")
        root = other.root / uuid4().hex
        return keeping(ftp_settings(other, root.name)), root
    if request.param == "uncopying":
        return keeping(uncopying(root)), root
    if request.param == "generic":
        root.mkdir()
        return keeping(FsspecSettings(url=f"file://{root}")), root
    return keeping(LocalSettings(path=str(root))), root


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


@pytest.mark.parametrize("data", [NEW, LARGE], ids=["small", "large"])
def test_a_replaced_and_a_removed_file_are_kept_by_their_digests(
    place: tuple[Endpoint[Storage], Path], source: Path, data: bytes
) -> None:
    target, root = place
    (source / "a").write_bytes(data)
    stood = known(target, "a", OLD)
    gone = known(target, "sub/b", LARGE)
    own, kept = run(
        delivery(folder(source), target, options=SMALL),
        item("a", data, Action.REPLACE, stood),
        item("sub/b", None, Action.REMOVE, gone),
    )
    assert {one.status for one in own} == {Status.STORED, Status.REMOVED}
    keys = [history_key(Digest.of(one).value) for one in (OLD, LARGE)]
    assert tree(root) == {
        "a": data,
        f"{HISTORY}/{keys[0]}": OLD,
        f"{HISTORY}/{keys[1]}": LARGE,
    }
    assert sorted((one.path, one.size) for one in kept) == sorted(
        zip(keys, (len(OLD), len(LARGE)), strict=True)
    )
    assert {one.digest for one in kept} == {stood.digest, gone.digest}
    assert {(one.status, one.origin) for one in kept} == {(Status.STORED, "")}
    assert target.history is not None
    assert {one.destination for one in kept} == {target.history.address}


def test_what_the_catalog_does_not_know_is_kept_by_run_and_path(
    place: tuple[Endpoint[Storage], Path], source: Path
) -> None:
    target, root = place
    (source / "a").write_bytes(NEW)
    (source / "b").write_bytes(NEW)
    stood = known(target, "a", b"what the catalog knows")
    target.storage.put("a", OLD, Attributes())  # somebody's edit
    target.storage.put("b", OLD, Attributes())
    job = delivery(folder(source), target)
    _, kept = run(job, item("a", NEW, Action.REPLACE, stood), item("b", NEW, Action.REPLACE))
    keys = [unknown_history_key(job.run_id, path) for path in ("a", "b")]
    expected = {f"{HISTORY}/{key}": OLD for key in keys}
    assert tree(root) == {"a": NEW, "b": NEW, **expected}
    assert sorted(one.path for one in kept) == sorted(keys)
    read_here = "uncopying" in target.address
    assert {one.digest for one in kept} == {Digest.of(OLD).value if read_here else None}


def test_an_addition_makes_no_history(place: tuple[Endpoint[Storage], Path], source: Path) -> None:
    target, root = place
    (source / "a").write_bytes(NEW)
    _, kept = run(delivery(folder(source), target), item("a", NEW, Action.ADD))
    assert not kept
    assert tree(root) == {"a": NEW}


@pytest.mark.parametrize("how", ["the run", "the destination"])
def test_a_history_that_is_off_leaves_nothing(
    place: tuple[Endpoint[Storage], Path], source: Path, how: str
) -> None:
    target, root = place
    (source / "a").write_bytes(NEW)
    stood = known(target, "a", OLD)
    options = TransferOptions(history=History.DROP if how == "the run" else History.KEEP)
    if how == "the destination":
        target = replace(target, history=None)
    own, kept = run(
        delivery(folder(source), target, options=options), item("a", NEW, Action.REPLACE, stood)
    )
    assert [one.status for one in own] == [Status.STORED]
    assert not kept
    assert tree(root) == {"a": NEW}


@pytest.mark.parametrize("data", [NEW, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("action", [Action.REPLACE, Action.REMOVE])
def test_what_cannot_be_kept_is_neither_replaced_nor_removed(
    place: tuple[Endpoint[Storage], Path], source: Path, action: Action, data: bytes
) -> None:
    target, root = place
    (source / "a").write_bytes(data)
    stood = known(target, "a", OLD)
    (root / ".entrepot").mkdir(exist_ok=True)
    (root / HISTORY).write_bytes(b"a file in the way")
    wanted = item("a", data if action is Action.REPLACE else None, action, stood)
    (own,), kept = run(delivery(folder(source), target, options=SMALL), wanted)
    assert own.status is Status.FAILED
    assert not kept
    assert (root / "a").read_bytes() == OLD


def test_an_upload_that_fails_at_its_end_leaves_the_old_file_where_it_is(
    ftp_server: FtpServer, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = files.finish_transfer

    def full(connections: FtpConnections, client: FtpClient, data: socket.socket) -> None:
        real(connections, client, data)
        raise ftplib.error_perm("552 disk full")  # noqa: S321 - what FTP says

    root = ftp_server.root / uuid4().hex
    target = keeping(ftp_settings(ftp_server, root.name))
    for path, data in (("small", NEW), ("large", LARGE)):
        (source / path).write_bytes(data)
    items = [
        item(path, (source / path).read_bytes(), Action.REPLACE, known(target, path, OLD))
        for path in ("small", "large")
    ]
    monkeypatch.setattr(files, "finish_transfer", full)  # as a server says it after the bytes
    own, kept = run(delivery(folder(source), target, options=SMALL), *items)
    assert [one.status for one in own] == [Status.FAILED] * 2
    assert not kept
    assert {path: (root / path).read_bytes() for path in ("small", "large")} == {
        "small": OLD,
        "large": OLD,
    }


def test_a_write_that_fails_after_it_was_kept_succeeds_again(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "a").write_bytes(NEW)
    target = keeping(LocalSettings(path=str(tmp_path / "end")))
    stood = known(target, "a", OLD)
    real, calls = os.replace, list[str]()

    def replaced(origin: str, goal: str) -> None:
        calls.append(str(goal))
        if str(goal).endswith("end/a") and calls.count(str(goal)) == 1:
            raise OSError(5, "Input/output error")
        real(origin, goal)

    monkeypatch.setattr(os, "replace", replaced)
    (own,), kept = run(delivery(folder(source), target), item("a", NEW, Action.REPLACE, stood))
    assert own.status is Status.STORED
    assert calls.count(str(tmp_path / "end/a")) == 2
    assert [one.digest for one in kept] == [stood.digest]
    key = history_key(Digest.of(OLD).value)
    assert tree(tmp_path / "end") == {"a": NEW, f"{HISTORY}/{key}": OLD}


def test_bytes_that_are_not_as_known_go_under_no_digest_but_their_own(
    source: Path, tmp_path: Path
) -> None:
    (source / "a").write_bytes(NEW)
    target = keeping(uncopying(tmp_path / "end"))
    stood = known(target, "a", OLD)
    wrong = replace(stood, digest=Digest.of(b"something else").value)
    job = delivery(folder(source), target)
    _, (kept,) = run(job, item("a", NEW, Action.REPLACE, wrong))
    assert kept.digest == Digest.of(OLD).value
    assert kept.path == unknown_history_key(job.run_id, "a")
    assert tree(tmp_path / "end") == {"a": NEW, f"{HISTORY}/{kept.path}": OLD}


def test_one_content_at_two_paths_is_kept_once(source: Path, tmp_path: Path) -> None:
    target = keeping(LocalSettings(path=str(tmp_path / "end")))
    items: list[PlanItem] = []
    for path in ("a", "b"):
        (source / path).write_bytes(NEW)
        items.append(item(path, NEW, Action.REPLACE, known(target, path, OLD)))
    _, kept = run(delivery(folder(source), target), *items)
    assert len({(one.path, one.digest) for one in kept}) == 1
    key = history_key(Digest.of(OLD).value)
    assert tree(tmp_path / "end") == {"a": NEW, "b": NEW, f"{HISTORY}/{key}": OLD}


def test_a_link_that_leads_out_is_replaced_and_has_nothing_to_keep(
    source: Path, tmp_path: Path
) -> None:
    (source / "a").write_bytes(NEW)
    (tmp_path / "end").mkdir()
    (tmp_path / "outside").write_bytes(OLD)
    (tmp_path / "end/a").symlink_to(tmp_path / "outside")
    target = keeping(LocalSettings(path=str(tmp_path / "end")))
    (own,), kept = run(delivery(folder(source), target), item("a", NEW, Action.REPLACE))
    assert own.status is Status.STORED
    assert not kept
    assert (tmp_path / "outside").read_bytes() == OLD
    assert tree(tmp_path / "end") == {"a": NEW}
