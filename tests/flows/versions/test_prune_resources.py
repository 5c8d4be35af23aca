"""Pruning the repository in which a gateway keeps resources takes none of them."""

from __future__ import annotations

from pathlib import Path

from catalog.catalog import Catalog
from catalog.settings import Settings


def test_prune_spares_every_version_of_a_resource(tmp_path: Path, catalog: Catalog) -> None:
    from blocks.repository import Layout, Repository  # noqa: PLC0415 - it loads Prefect
    from flows.prune import prune  # noqa: PLC0415
    from gateway.resource_store.store import ResourceStore  # noqa: PLC0415
    from gateway.resource_store.upload import UploadFacts  # noqa: PLC0415
    from providers.local.settings import LocalSettings  # noqa: PLC0415

    shelf = tmp_path / "shelf"
    repository = Repository(storage=LocalSettings(path=str(shelf)), layout=Layout.VERSIONED)
    store = ResourceStore(catalog, repository, Settings().tenant)
    for data in (b"one", b"two", b"three"):
        store.put("a/b.txt", data, UploadFacts())
    store.delete("a/b.txt", 1)
    prune(repository, protect_hours=0)
    assert {str(one.relative_to(shelf)) for one in shelf.rglob("b.txt")} == {
        "a/0/b.txt",
        "a/2/b.txt",
    }
    store.close()
