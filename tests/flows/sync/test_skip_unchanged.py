"""A sync that is skipped, since nothing changed after the last one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.model.digest import Digest
from catalog.model.plan import Mode, PlanItem
from providers.base import OpenOptions
from providers.local.settings import LocalSettings
from tests.flows.sync.test_sync import files
from tests.servers.faulty import FaultyServer


def test_an_unchanged_manifest_is_all_that_is_read(
    faulty_server: FaultyServer, tmp_path: Path
) -> None:
    from flows.sync import sync  # noqa: PLC0415 - imports Prefect

    def declare(**contents: bytes) -> None:
        lines = [f"{Digest.of(data).value}  {path}\n" for path, data in contents.items()]
        faulty_server.files["/SHA256SUMS"] = "".join(lines).encode()
        faulty_server.files |= {f"/{path}": data for path, data in contents.items()}

    source, end = f"{faulty_server.url}/SHA256SUMS", tmp_path / "end"
    declare(a=b"first", b=b"second")

    first = sync(source, [str(end)], skip_unchanged=True)
    faulty_server.requests.clear()
    skipped = sync(source, [str(end)], skip_unchanged=True)
    asked = set(faulty_server.requests)
    (end / "a").unlink()
    unseen = sync(source, [str(end)], skip_unchanged=True)
    looked = sync(source, [str(end)])
    declare(a=b"other", b=b"second")
    changed = sync(source, [str(end)], skip_unchanged=True)
    mirrored = sync(source, [str(end)], mode=Mode.MIRROR, skip_unchanged=True)

    assert first.added == 2
    assert skipped.unchanged_since == first.run_id
    assert skipped.summary() == f"skipped: nothing changed since run {first.run_id}"
    assert not skipped.changed
    assert skipped.version == first.version
    assert asked == {"/SHA256SUMS"}
    assert unseen.unchanged_since == first.run_id, "the destinations are not looked at"
    assert looked.added == 1
    assert changed.replaced == 1
    assert mirrored.unchanged_since is None
    assert files(end) == {"a": b"other", "b": b"second"}


def test_a_failed_sync_a_restore_and_files_that_are_not_stored_are_no_reason_to_skip(
    source: Path, tmp_path: Path
) -> None:
    from flows.restore import restore  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    end, late = str(tmp_path / "end"), str(tmp_path / "late")
    sync(str(source), [end])
    (source / "new").write_text("new")
    sync(str(source), [end])
    restore(end, version=1)
    again = sync(str(source), [end], mode=Mode.MIRROR, skip_unchanged=True)
    sync(str(source), [late], policy="on_demand")
    known = sync(str(source), [late], policy="on_demand", skip_unchanged=True)
    fetched = sync(str(source), [late], skip_unchanged=True)

    assert again.added == 1
    assert known.unchanged_since is not None
    assert fetched.added == 4


def meddle(item: PlanItem, content: bytes | Path) -> None:  # noqa: ARG001 - what a check is given
    """Change the source and list it, as another run may while this one is under way."""
    settings = LocalSettings(path=os.environ["MEDDLED"])
    (Path(settings.path) / "late").write_text("late")
    catalog = Catalog.open()
    with catalog.spool() as spool:
        for one in settings.open(OpenOptions()).enumerate():
            spool.add_entry(one)
        listing = spool.finish()
    catalog.versions.record_listing(settings.address(), listing, run_id="another")


def test_what_another_run_listed_meanwhile_is_not_taken_for_seen(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    monkeypatch.setenv("MEDDLED", str(source))
    end = tmp_path / "end"
    sync(str(source), [str(end)], checks=["tests.flows.sync.test_skip_unchanged:meddle"])

    again = sync(str(source), [str(end)], skip_unchanged=True)

    assert again.added == 1
    assert files(end)["late"] == b"late"
