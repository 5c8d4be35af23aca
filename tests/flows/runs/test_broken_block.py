"""A stored block that cannot be used harms no run that does not need it, and is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.broken_blocks import spoil
from tests.flows.sync.test_sync import files
from tests.flows.versions.test_replicate import Store, store

__all__ = ["store"]


def test_replicate_names_it_does_the_rest_and_does_not_empty_its_copy(
    store: Store, tmp_path: Path
) -> None:
    from flows.replicate import Leftovers, replicate  # noqa: PLC0415
    from flows.results.replicate import ReplicateFailed  # noqa: PLC0415

    store("good", a="one")
    store("spoiled", b="two")
    names = ["good", "spoiled"]
    replicate(str(tmp_path / "copy"), names=names)
    spoil("spoiled")
    (tmp_path / "upstream" / "good" / "a").write_text("other")

    with pytest.raises(ReplicateFailed, match="spoiled") as failed:
        replicate(str(tmp_path / "copy"), names=names, leftovers=Leftovers.ALL)

    assert [one.outcome for one in failed.value.result.replicas] == ["updated", "failed"]
    assert "hunter2" not in str(failed.value)
    assert files(tmp_path / "copy" / "good") == {"a": b"other"}
    assert files(tmp_path / "copy" / "spoiled") == {"b": b"two"}


def test_repair_all_names_it_and_mends_the_rest(store: Store, source: Path, tmp_path: Path) -> None:
    from flows.repair_all import repair_all  # noqa: PLC0415
    from flows.results.repair_all import RepairAllFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    sync(str(source), [store("good")])
    store("spoiled")
    spoil("spoiled")
    (tmp_path / "upstream" / "good" / "a.txt").write_text("damaged")

    with pytest.raises(RepairAllFailed, match="spoiled"):
        repair_all(names=["good", "spoiled"], sources=[str(source)])

    assert files(tmp_path / "upstream" / "good") == files(source)


def test_a_restore_looks_for_bytes_past_it(store: Store, source: Path) -> None:
    from flows.restore import restore  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    end = store("good")
    sync(str(source), [end])
    (source / "a.txt").write_text("newer")
    sync(str(source), [end])
    store("spoiled")
    spoil("spoiled")

    assert restore(end, version=1).replaced == 1
