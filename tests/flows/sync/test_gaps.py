"""Listings with gaps, end to end: nothing there is removed, everything else moves, all is told."""

# ruff: noqa: PLC0415 - flows import Prefect

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.model.finding import Fault
from catalog.model.plan import Mode
from tests.transfer.endpoints import tree


def held(root: Path) -> list[str]:
    return sorted(name for name in tree(root) if not name.startswith(".entrepot/"))


@pytest.fixture
def half(tmp_path: Path) -> Path:
    """Make a source with a folder `closed` that `close` takes out of sight."""
    root = tmp_path / "half"
    for path in ("closed/a", "closed/deep/b", "open/a", "open/gone"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    return root


def close(root: Path, name: str = "closed") -> None:
    """Put a link that leads out in the place of a folder: what lies there cannot be seen now."""
    away = root.parent / f"{name}-away"
    shutil.move(root / name, away)
    (root / name).symlink_to(away)


def reopen(root: Path, name: str = "closed") -> None:
    (root / name).unlink()
    shutil.move(root.parent / f"{name}-away", root / name)


def test_a_mirror_removes_nothing_that_it_cannot_see(
    half: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.results.sync import SyncFailed
    from flows.sync import sync

    end = tmp_path / "end"
    sync(str(half), [str(end)], mode=Mode.MIRROR)
    close(half)
    (half / "open/gone").unlink()
    (half / "open/new").write_text("new")

    with pytest.raises(SyncFailed, match="1 place could not be seen") as raised:
        sync(str(half), [str(end)], mode=Mode.MIRROR)

    result = raised.value.result
    assert held(end) == ["closed/a", "closed/deep/b", "open/a", "open/new"]
    assert (result.added, result.removed, result.failed) == (1, 1, 0)
    (gap,) = result.gaps
    assert (gap.role, gap.gap.path, gap.gap.below) == ("source", "closed", True)
    assert "leads out of the repository's root" in str(raised.value)
    assert "allow_gaps" in str(raised.value)
    version = catalog.versions.latest(f"file://{end}")
    assert [row.path for row in catalog.versions.content(version.address)] == held(end)
    assert [row.path for row in catalog.versions.content(f"file://{half}")] == held(end)
    assert catalog.runs.get(result.run_id).state == "failed"
    assert [one.gap.path for one in catalog.runs.gaps(result.run_id)] == ["closed"]


def test_what_can_be_seen_again_is_as_it_was(half: Path, tmp_path: Path) -> None:
    from flows.results.sync import SyncFailed
    from flows.sync import sync

    end = tmp_path / "end"
    sync(str(half), [str(end)], mode=Mode.MIRROR)
    close(half)
    with pytest.raises(SyncFailed):
        sync(str(half), [str(end)], mode=Mode.MIRROR)
    reopen(half)
    (half / "closed/a").unlink()

    result = sync(str(half), [str(end)], mode=Mode.MIRROR)

    assert (result.removed, result.kept) == (1, 3)
    assert held(end) == ["closed/deep/b", "open/a", "open/gone"]


def test_an_additive_sync_says_what_it_could_not_see(half: Path, tmp_path: Path) -> None:
    from flows.results.sync import SyncFailed
    from flows.sync import sync

    close(half)
    with pytest.raises(SyncFailed, match="'closed' and everything below it could not be seen"):
        sync(str(half), [str(tmp_path / "end")])

    assert held(tmp_path / "end") == ["open/a", "open/gone"]


@pytest.mark.parametrize("how", ["exclude", "include", "allow_gaps"])
def test_a_gap_that_is_left_out_or_accepted_fails_nothing(
    half: Path, tmp_path: Path, how: str
) -> None:
    from flows.sync import sync

    close(half)
    told: dict[str, list[str]] = {how: ["open/**"] if how == "include" else ["closed/**"]}

    result = sync(str(half), [str(tmp_path / "end")], mode=Mode.MIRROR, **told)

    assert result.gaps == ()
    assert len(result.allowed_gaps) == (how == "allow_gaps")
    assert ("not seen, and accepted" in str(result)) is (how == "allow_gaps")
    assert held(tmp_path / "end") == ["open/a", "open/gone"]


def test_an_accepted_gap_removes_nothing_all_the_same(half: Path, tmp_path: Path) -> None:
    from flows.sync import sync

    end = tmp_path / "end"
    sync(str(half), [str(end)], mode=Mode.MIRROR)
    close(half)

    sync(str(half), [str(end)], mode=Mode.MIRROR, allow_gaps=["closed"])

    assert held(end) == ["closed/a", "closed/deep/b", "open/a", "open/gone"]


def test_a_source_of_gaps_alone_is_told_as_such(half: Path, tmp_path: Path) -> None:
    from flows.runs.listing_gaps import ListingIncomplete
    from flows.sync import sync

    shutil.rmtree(half / "open")
    close(half)
    with pytest.raises(ListingIncomplete, match=r"no resources matched.*\n.*'closed'"):
        sync(str(half), [str(tmp_path / "end")], mode=Mode.MIRROR)


def test_a_plan_names_its_gaps_and_apply_fails_at_its_end(half: Path, tmp_path: Path) -> None:
    from flows.apply import apply
    from flows.plan import plan
    from flows.results.sync import SyncFailed

    close(half)
    planned = plan(str(half), [str(tmp_path / "end")], mode=Mode.MIRROR)
    assert [one.gap.path for one in planned.gaps] == ["closed"]
    assert "not seen: source" in str(planned)

    with pytest.raises(SyncFailed, match="could not be seen"):
        apply(planned.plan_id)
    assert held(tmp_path / "end") == ["open/a", "open/gone"]


def test_a_destination_that_cannot_be_seen_is_not_taken_for_empty(
    half: Path, tmp_path: Path
) -> None:
    from flows.results.sync import SyncFailed
    from flows.sync import sync

    end = tmp_path / "end"
    sync(str(half), [str(end)], mode=Mode.MIRROR)
    close(end)

    with pytest.raises(SyncFailed, match=r"destination file:.*'closed'") as raised:
        sync(str(half), [str(end)], mode=Mode.MIRROR)

    assert (raised.value.result.kept, raised.value.result.added) == (4, 0)
    assert sorted(one.name for one in (tmp_path / "closed-away").iterdir()) == ["a", "deep"]


def test_verify_proves_nothing_of_what_it_cannot_see(half: Path, tmp_path: Path) -> None:
    from flows.results.verify import VerifyFailed
    from flows.sync import sync
    from flows.verify import verify

    end = tmp_path / "end"
    sync(str(half), [str(end)])
    close(end)

    with pytest.raises(VerifyFailed, match="2 unseen") as raised:
        verify(str(end))

    assert raised.value.result.counts == {Fault.UNSEEN: 2}
    assert raised.value.result.damaged == 0


def test_repair_mends_nothing_that_it_cannot_see(half: Path, tmp_path: Path) -> None:
    from flows.repair import RepairFailed, repair
    from flows.sync import sync

    end = tmp_path / "end"
    sync(str(half), [str(end)])
    close(end)
    (end / "open/a").write_text("spoilt")

    with pytest.raises(RepairFailed) as raised:
        repair(str(end), sources=[str(half)])

    assert raised.value.result.repaired == ("open/a",)
    assert (end / "open/a").read_text() == "open/a"
    assert not (end / ".entrepot/quarantine").exists()


def test_a_second_run_with_the_same_gap_is_not_skipped(half: Path, tmp_path: Path) -> None:
    from flows.results.sync import SyncFailed
    from flows.sync import sync

    close(half)
    for _ in range(2):
        with pytest.raises(SyncFailed, match="could not be seen"):
            sync(str(half), [str(tmp_path / "end")], skip_unchanged=True)


def test_a_file_beside_a_folder_of_its_name_fails_alone(tmp_path: Path) -> None:
    from flows.results.sync import SyncFailed
    from flows.sync import sync

    digests = {name: sha256(name.encode()).hexdigest() for name in ("a", "z")}
    lines = [f"{name},{digest},1" for name, digest in digests.items()]
    (tmp_path / "PULP_MANIFEST").write_text("\n".join([*lines, f"a/b,{digests['a']},1"]) + "\n")
    for name in digests:
        (tmp_path / name).write_text(name)

    with pytest.raises(SyncFailed) as raised:
        sync(str(tmp_path / "PULP_MANIFEST"), [str(tmp_path / "end")], exclude=["end/**"])

    assert sorted(one.path for one in raised.value.result.failures) == ["a", "a/b"]
    assert all("needs it to be a folder" in one.message for one in raised.value.result.failures)
    assert held(tmp_path / "end") == ["z"]


def test_a_name_that_is_no_utf8_moves_between_folders_and_is_left_out_by_exclude(
    tmp_path: Path,
) -> None:
    from flows.sync import sync

    origin = tmp_path / "in"
    origin.mkdir()
    (origin / "good").write_text("good")
    with open(os.fsencode(origin) + b"/caf\xe9", "wb") as file:  # noqa: PTH123 - bytes
        file.write(b"latin")

    first = sync(str(origin), [str(tmp_path / "one")])
    again = sync(str(origin), [str(tmp_path / "one")])
    sync(str(origin), [str(tmp_path / "two")], exclude=["caf*"])

    assert (first.added, again.kept) == (2, 2)
    names = sorted(os.fsencode(one.name) for one in (tmp_path / "one").iterdir())
    assert names == [b".entrepot", b"caf\xe9", b"good"]
    assert held(tmp_path / "two") == ["good"]


def test_the_mode_of_a_file_survives(tmp_path: Path) -> None:
    from flows.sync import sync

    (tmp_path / "in").mkdir()
    for mode in (0o600, 0o640, 0o755, 0o444):
        (tmp_path / f"in/{mode:o}").write_text("x")
        (tmp_path / f"in/{mode:o}").chmod(mode)

    sync(str(tmp_path / "in"), [str(tmp_path / "end")])

    for mode in (0o600, 0o640, 0o755, 0o444):
        assert (tmp_path / f"end/{mode:o}").stat().st_mode & 0o777 == mode


def test_the_command_line_fails_with_one_and_names_the_gap(half: Path, tmp_path: Path) -> None:
    close(half)
    done = subprocess.run(
        [sys.executable, "-m", "cli", "sync", str(half), str(tmp_path / "end")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "'closed' and everything below it could not be seen" in done.stdout + done.stderr
    assert held(tmp_path / "end") == ["open/a", "open/gone"]
