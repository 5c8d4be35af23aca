"""One read, many writes: each destination has its own outcome, whatever becomes of the others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from catalog.errors import Cancelled
from catalog.model.digest import Digest
from catalog.model.outcome import Status
from catalog.model.plan import RecordedLocation
from providers.local.settings import LocalSettings
from providers.local.storage import Placement
from providers.s3.settings import S3Settings
from tests.servers.faulty import FaultyServer
from tests.servers.seaweedfs import S3Server
from tests.transfer.deliver import deliver
from tests.transfer.endpoints import delivery, end, folder, item, leftovers, tree, web
from transfer.batch.delivery import CleanUp, TransferOptions
from transfer.user_functions import Refused

SMALL = b"x" * 5000
LARGE = os.urandom(9 * 2**20)


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_three_destinations_cost_one_read_and_a_broken_one_harms_none(
    faulty_server: FaultyServer, tmp_path: Path, data: bytes
) -> None:
    faulty_server.files["/f"] = data
    good, broken, other = tmp_path / "good", tmp_path / "broken", tmp_path / "other"
    broken.write_text("a file where a folder is needed")
    job = delivery(web(faulty_server.url), folder(good), folder(broken), folder(other))
    outcomes = deliver(job, [item("f", len(data), to=3)])
    by_end = {Path(one.destination).name: one for one in outcomes}
    assert by_end["good"].status is by_end["other"].status is Status.STORED
    assert by_end["broken"].status is Status.FAILED
    assert faulty_server.requests["/f"] == 1
    assert tree(good) == tree(other) == {"f": data}


def test_a_full_name_that_one_destination_cannot_hold_fails_there_alone(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "ok").write_bytes(SMALL)
    job = delivery(folder(source), folder(tmp_path / "a"))
    outcomes = deliver(job, [item("ok", len(SMALL)), item("n" * 256, 1)])
    by_path = {one.path: one for one in outcomes}
    assert by_path["ok"].status is Status.STORED
    assert "255 bytes" in str(by_path["n" * 256].message)


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_a_stop_leaves_nothing_behind(tmp_path: Path, data: bytes) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "f").write_bytes(data)
    job = delivery(folder(source), folder(tmp_path / "a"))
    job.stop.set()
    with pytest.raises(Cancelled):
        deliver(job, [item("f", len(data))])
    assert not (tmp_path / "a" / "f").exists()
    assert not leftovers([tmp_path / "a"])


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_a_check_refuses_a_file_before_anything_is_written(tmp_path: Path, data: bytes) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "bad").write_bytes(data)
    (source / "good").write_bytes(data)

    def check(one: object, content: bytes | Path) -> None:
        assert (content if isinstance(content, bytes) else content.read_bytes()) == data
        if getattr(one, "path", "") == "bad":
            raise Refused("the word of the day is missing")

    job = delivery(
        folder(source), folder(tmp_path / "a"), options=TransferOptions(keep_staged=True)
    )
    outcomes = deliver(job, [item("bad", len(data)), item("good", len(data))], [check])
    by_path = {one.path: one for one in outcomes}
    assert by_path["bad"].message == "the word of the day is missing"
    assert by_path["good"].status is Status.STORED
    assert tree(tmp_path / "a") == {"good": data}


def test_the_source_is_cleaned_only_when_every_destination_holds_the_file(tmp_path: Path) -> None:
    source, broken = tmp_path / "source", tmp_path / "broken"
    source.mkdir()
    (source / "f").write_bytes(SMALL)
    broken.write_text("no folder")
    options = TransferOptions(clean_up=CleanUp.REMOVE)
    both = delivery(folder(source), folder(tmp_path / "a"), folder(broken), options=options)
    deliver(both, [item("f", len(SMALL), to=2)])
    assert (source / "f").exists()
    one = delivery(folder(source), folder(tmp_path / "a"), options=options)
    (outcome,) = deliver(one, [item("f", len(SMALL))])
    assert outcome.cleaned
    assert not (source / "f").exists()


def test_a_source_that_changed_after_it_was_read_is_not_cleaned(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "f").write_bytes(SMALL)

    def edit(_one: object, _content: bytes | Path) -> None:
        (source / "f").write_bytes(b"newer")

    options = TransferOptions(clean_up=CleanUp.REMOVE, keep_staged=True)
    job = delivery(folder(source), folder(tmp_path / "a"), options=options)
    (outcome,) = deliver(job, [item("f", len(SMALL))], [edit])
    assert outcome.status is Status.STORED
    assert outcome.error == "clean-up"
    assert (source / "f").read_bytes() == b"newer"
    assert (tmp_path / "a" / "f").read_bytes() == SMALL


@pytest.mark.parametrize("placement", [Placement.SYMLINK, Placement.HARDLINK])
@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
def test_a_folder_may_link_instead_of_copying(
    tmp_path: Path, placement: Placement, data: bytes
) -> None:
    source, links = tmp_path / "source", tmp_path / "links"
    source.mkdir()
    (source / "f").write_bytes(data)
    job = delivery(folder(source), end(LocalSettings(path=str(links), placement=placement)))
    for _ in range(2):
        (outcome,) = deliver(job, [item("f", len(data))])
        assert outcome.status is Status.STORED
        assert outcome.digest == Digest.of(data).value
        assert (links / "f").read_bytes() == data
    assert (links / "f").is_symlink() == (placement is Placement.SYMLINK)
    assert (links / "f").samefile(source / "f")


def test_memory_is_bounded_by_the_budget_and_the_rest_waits_on_disk(tmp_path: Path) -> None:
    from transfer.batch.delivery import Delivery  # noqa: PLC0415
    from transfer.steps.download import download  # noqa: PLC0415 - the step alone
    from transfer.workers.limits import MemoryBudget  # noqa: PLC0415

    source = tmp_path / "source"
    source.mkdir()
    for number in range(20):
        (source / f"f{number}").write_bytes(SMALL)
    base = delivery(folder(source), folder(tmp_path / "a"))
    job = Delivery(base.source, base.destinations, budget=MemoryBudget(8 * len(SMALL)))
    staging = download(job, [item(f"f{number}", len(SMALL)) for number in range(20)])
    # A quarter is left to what passes, and who comes needs room for its copy too.
    assert sum(transfer.data is not None for transfer in staging.transfers) == 5
    assert sum(transfer.file is not None for transfer in staging.transfers) == 15
    staging.release()
    assert job.budget.held == 0


@pytest.mark.parametrize("data", [SMALL, LARGE, b""], ids=["small", "large", "empty"])
def test_a_file_of_unknown_size_is_asked_for_once(
    faulty_server: FaultyServer, tmp_path: Path, data: bytes
) -> None:
    faulty_server.files["/f"] = data
    job = delivery(web(faulty_server.url), folder(tmp_path / "a"), folder(tmp_path / "b"))
    outcomes = deliver(job, [item("f", None, to=2)])
    assert {one.status for one in outcomes} == {Status.STORED}
    assert faulty_server.requests["/f"] == 1
    assert tree(tmp_path / "a") == tree(tmp_path / "b") == {"f": data}


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("damaged", [False, True], ids=["good", "damaged"])
def test_bytes_known_elsewhere_are_not_fetched_unless_they_are_damaged(
    faulty_server: FaultyServer,
    tmp_path: Path,
    data: bytes,
    damaged: bool,  # noqa: FBT001 - a case
) -> None:
    from dataclasses import replace  # noqa: PLC0415 - this test alone

    faulty_server.files["/f"] = data
    end_of_it = folder(tmp_path / "a")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old").write_bytes(data[::-1] + b"!" if damaged else data)
    one = replace(
        item("f", len(data), str(Digest.of(data))),
        known_copies=(RecordedLocation(end_of_it.address, "old", Digest.of(data).value),),
    )
    (outcome,) = deliver(delivery(web(faulty_server.url), end_of_it), [one])
    assert outcome.status is Status.STORED, outcome
    assert (tmp_path / "a" / "f").read_bytes() == data
    assert faulty_server.requests["/f"] == int(damaged)


def test_a_store_never_copies_what_the_catalog_only_remembers(
    faulty_server: FaultyServer, s3_server: S3Server
) -> None:
    from dataclasses import replace  # noqa: PLC0415 - as above

    faulty_server.files["/f"] = b"good"
    place = end(
        S3Settings.model_validate(
            {
                "bucket": s3_server.bucket,
                "prefix": "remembered",
                "endpoint": s3_server.endpoint,
                "access_key_id": s3_server.access_key,
                "secret_access_key": s3_server.secret_key,
            }
        )
    )
    s3_server.store().put("remembered/old", b"evil")  # it held b"good" when it was recorded
    one = replace(
        item("f", 4, str(Digest.of(b"good"))),
        known_copies=(RecordedLocation(place.address, "old", Digest.of(b"good").value),),
    )
    (outcome,) = deliver(delivery(web(faulty_server.url), place), [one])
    assert outcome.status is Status.STORED, outcome
    assert place.storage.fetch("f").data == b"good"
