"""A sync from a git repository: only what changed moves, and Git LFS keeps its promises."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from catalog.catalog import Catalog
from catalog.model.digest import Digest
from catalog.model.outcome import Proof, Status
from providers.git.settings import GitSettings
from tests.flows.sync.test_sync import files
from tests.servers.git import GitServer, commit


def test_a_branch_is_synced_and_lfs_proves_its_files_end_to_end(
    git_server: GitServer, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect
    from providers.connection_cache import STORAGES  # noqa: PLC0415 - beside its use

    bare, big = git_server.make(f"{uuid4().hex}.git"), b"large" * 3_000_000
    commit(bare, {"a": b"one", "d/b": b"two", "big": git_server.store(big)})
    source = GitSettings(url=f"{git_server.url}/{bare.name}", lfs_url=git_server.lfs_url)
    end = tmp_path / "end"

    from blocks.repository import Repository  # noqa: PLC0415

    place = Repository(storage=source)
    first = sync(place, [str(end)])
    assert files(end) == {"a": b"one", "d/b": b"two", "big": big}
    (proof,) = [
        one.proof for one in catalog.runs.outcomes(first.run_id, Status.STORED) if one.path == "big"
    ]
    assert proof is Proof.END_TO_END
    assert not sync(place, [str(end)]).changed
    commit(bare, {"a": b"three"})
    again = sync(place, [str(end)])
    assert (again.added, again.replaced) == (0, 1)
    assert files(end)["a"] == b"three"
    url = sync(f"git+file://{bare}@main/d", [str(tmp_path / "d")])
    assert url.added == 1
    assert files(tmp_path / "d") == {"b": b"two"}
    STORAGES.clear()


def test_lfs_bytes_that_are_not_as_declared_are_refused(
    git_server: GitServer, tmp_path: Path
) -> None:
    from blocks.repository import Repository, RetrySettings  # noqa: PLC0415
    from flows.results.sync import SyncFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415
    from providers.connection_cache import STORAGES  # noqa: PLC0415

    bare, data = git_server.make(f"{uuid4().hex}.git"), uuid4().bytes
    commit(bare, {"f": git_server.store(data)})
    oid = Digest.of(data).value
    (lies,) = Path(git_server.lfs.path).rglob(oid)
    lies.chmod(0o644)
    lies.write_bytes(data[::-1])
    source = GitSettings(url=f"{git_server.url}/{bare.name}", lfs_url=git_server.lfs_url)
    place = Repository(storage=source, retry=RetrySettings(retries=0))
    with pytest.raises(SyncFailed, match="expected digest"):
        sync(place, [str(tmp_path / "end")])
    assert not files(tmp_path / "end")
    STORAGES.clear()
