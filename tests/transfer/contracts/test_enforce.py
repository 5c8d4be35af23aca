"""Contracts and a batch: what arrives, what is put aside, what fails, what is only told."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.model.outcome import Outcome, Status
from catalog.model.plan import OnError, PlanItem
from providers.base import Storage
from providers.local.settings import LocalSettings
from tests.transfer.endpoints import delivery, end, folder, item, leftovers, tree
from transfer.batch.delivery import Delivery, TransferOptions
from transfer.batch.endpoints import StorageRef
from transfer.batch.staging import Staging
from transfer.contracts.contract import Contract, Kind, Rule, Then
from transfer.steps.download import fetch_staging, prepare_staging
from transfer.steps.quarantine import QUARANTINE
from transfer.steps.upload import upload
from transfer.steps.validate import enforce_contracts

SCHEMA = "columns: {id: {dtype: int64, checks: {greater_than_or_equal_to: 0}}}"
PRICES = Contract("prices", Rule(Kind.PANDERA, SCHEMA), ("*.csv",))
GOOD, BAD = b"id\n1\n", b"id\n1\n-2\n"


def area(path: Path) -> StorageRef:
    settings = LocalSettings(path=str(path))

    @contextmanager
    def opened() -> Generator[Storage]:
        yield end(settings).storage

    return StorageRef(settings.address(), opened)


def batch(
    tmp_path: Path, files: dict[str, bytes], *contracts: Contract, small: int = 2**20
) -> tuple[Delivery, list[PlanItem]]:
    """Make a source with files, a delivery to one folder, and the items of a batch."""
    source = tmp_path / "source"
    for name, data in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(data)
    there = tmp_path / "there"
    there.mkdir(exist_ok=True)
    options = TransferOptions(threads=2, small=small, contracts=contracts)
    ends = delivery(folder(source), folder(there), options=options)
    asides = {"": area(there / QUARANTINE), "elsewhere": area(tmp_path / "elsewhere")}
    return replace(ends, quarantine_areas=asides), [
        item(name, len(data)) for name, data in files.items()
    ]


def carried_out(ends: Delivery, items: list[PlanItem]) -> Staging:
    staging = prepare_staging(ends, items)
    try:
        return upload(enforce_contracts(fetch_staging(staging)))
    finally:
        staging.release()


def statuses(staging: Staging) -> dict[str, Status]:
    return {one.path: one.status for one in staging.outcomes()}


def shown(tmp_path: Path) -> dict[str, bytes]:
    """Return what a reader of the destination sees."""
    every = tree(tmp_path / "there")
    return {name: data for name, data in every.items() if not name.startswith(".entrepot")}


def test_good_files_go_on_and_bad_ones_are_put_aside_with_what_was_found(tmp_path: Path) -> None:
    files = {"a/good.csv": GOOD, "a/bad.csv": BAD, "other.txt": b"-2"}
    staging = carried_out(*batch(tmp_path, files, PRICES))

    assert statuses(staging) == {
        "a/good.csv": Status.STORED,
        "a/bad.csv": Status.DROPPED,
        "other.txt": Status.STORED,
    }
    assert shown(tmp_path) == {"a/good.csv": GOOD, "other.txt": b"-2"}
    aside = tree(tmp_path / "there" / QUARANTINE)
    report, held = sorted(aside, key=len, reverse=True)
    assert aside[held] == BAD
    assert held.endswith("/a/bad.csv")
    assert report == f"{held}.contract.json"
    told = json.loads(aside[report])
    assert (told["contract"], told["path"], told["failures"]) == ("prices", "a/bad.csv", 1)
    assert told["cases"] == [
        {"check": "greater_than_or_equal_to(0)", "row": 2, "column": "id", "value": "-2"}
    ]
    (breach,) = staging.breaches
    assert breach.aside is not None
    assert breach.aside.endswith(held)
    dropped = _outcome(staging, "a/bad.csv")
    assert dropped.error == "contract-broken"
    assert dropped.message == (
        "breaks the contract 'prices': row 2, column id, greater_than_or_equal_to(0), found '-2'"
    )


def _outcome(staging: Staging, path: str) -> Outcome:
    (found,) = (one for one in staging.outcomes() if one.path == path)
    return found


def test_a_second_run_with_the_same_bad_file_makes_no_second_copy(tmp_path: Path) -> None:
    files = {"bad.csv": BAD}
    carried_out(*batch(tmp_path, files, PRICES))
    before = tree(tmp_path / "there")
    carried_out(*batch(tmp_path, files, PRICES))
    assert set(tree(tmp_path / "there")) == set(before)
    assert len(before) == 2

    carried_out(*batch(tmp_path, {"bad.csv": BAD + b"-3\n"}, PRICES))
    assert len(tree(tmp_path / "there")) == 4


def test_what_a_destination_holds_stays_where_the_new_file_is_bad(tmp_path: Path) -> None:
    ends, items = batch(tmp_path, {"bad.csv": BAD}, PRICES)
    (tmp_path / "there" / "bad.csv").write_bytes(GOOD)
    carried_out(ends, items)
    assert shown(tmp_path) == {"bad.csv": GOOD}


def test_a_contract_may_let_a_file_fail(tmp_path: Path) -> None:
    contract = replace(PRICES, then=Then.FAIL)
    staging = carried_out(*batch(tmp_path, {"good.csv": GOOD, "bad.csv": BAD}, contract))
    assert statuses(staging) == {"good.csv": Status.STORED, "bad.csv": Status.FAILED}
    assert shown(tmp_path) == {"good.csv": GOOD}
    assert not (tmp_path / "there" / QUARANTINE).exists()
    assert [one.path for one in staging.breaches] == ["bad.csv"]


def test_a_contract_that_warns_lets_a_file_arrive_and_the_next_one_look_at_it(
    tmp_path: Path,
) -> None:
    warns = replace(PRICES, name="mild", then=Then.WARN)
    staging = carried_out(*batch(tmp_path, {"bad.csv": BAD}, warns))
    assert statuses(staging) == {"bad.csv": Status.STORED}
    assert [one.contract for one in staging.breaches] == ["mild"]

    staging = carried_out(*batch(tmp_path / "2", {"bad.csv": BAD}, warns, PRICES))
    assert statuses(staging) == {"bad.csv": Status.DROPPED}
    assert [one.contract for one in staging.breaches] == ["mild", "prices"]


def test_a_contract_may_name_where_bad_files_go(tmp_path: Path) -> None:
    contract = replace(PRICES, quarantine="elsewhere")
    carried_out(*batch(tmp_path, {"bad.csv": BAD}, contract))
    assert not tree(tmp_path / "there")
    assert BAD in tree(tmp_path / "elsewhere").values()


def test_a_file_that_cannot_be_put_aside_fails_and_arrives_nowhere(tmp_path: Path) -> None:
    ends, items = batch(tmp_path, {"bad.csv": BAD}, PRICES)
    (tmp_path / "there" / ".entrepot").mkdir()
    (tmp_path / "there" / QUARANTINE).write_bytes(b"a file where a folder is to be")
    staging = carried_out(ends, items)
    assert statuses(staging) == {"bad.csv": Status.FAILED}
    assert not shown(tmp_path)


def test_only_large_files_that_a_contract_covers_are_staged(tmp_path: Path) -> None:
    large = b"id\n" + b"1\n" * 2000
    ends, items = batch(
        tmp_path, {"a.csv": large, "b.csv": large + b"-1\n", "c.bin": large}, PRICES, small=1000
    )
    staging = fetch_staging(prepare_staging(ends, items))
    try:
        assert [one.file is not None for one in staging.transfers] == [True, True, False]
        upload(enforce_contracts(staging))
    finally:
        staging.release()
    assert shown(tmp_path) == {"a.csv": large, "c.bin": large}
    assert [one.cases[0].row for one in staging.breaches] == [2001]
    assert large + b"-1\n" in tree(tmp_path / "there" / QUARANTINE).values()


@pytest.mark.parametrize("policy", list(OnError), ids=str)
def test_nothing_that_was_not_looked_at_arrives(tmp_path: Path, policy: OnError) -> None:
    ends, items = batch(tmp_path, {"bad.csv": BAD}, PRICES)
    ends = replace(ends, options=replace(ends.options, on_error=policy))
    if policy is OnError.FAIL:
        ends.progress.count_item(failed=True)  # something failed before
    staging = prepare_staging(ends, items)
    try:
        upload(enforce_contracts(staging))  # without `fetch`
    finally:
        staging.release()
    assert not shown(tmp_path)
    assert statuses(staging) == ({} if policy is OnError.FAIL else {"bad.csv": Status.FAILED})


def test_a_copy_inside_a_storage_is_looked_at_all_the_same(tmp_path: Path) -> None:
    ends, items = batch(tmp_path, {"bad.csv": BAD}, PRICES)
    known = [replace(one, digests=(f"sha256:{'0' * 64}",), etag="x") for one in items]
    staging = carried_out(ends, known)
    assert statuses(staging)["bad.csv"] is Status.FAILED  # it was read, and has another digest
    assert not tree(tmp_path / "there")
    assert not leftovers([tmp_path / "there"])
