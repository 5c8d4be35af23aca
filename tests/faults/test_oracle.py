"""The oracle calls what is wrong wrong: a partial listing, half a file, a lost or a foreign one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from catalog.errors import StorageBusy
from catalog.model.gap import Gap, Listed
from catalog.model.outcome import Outcome, Proof, Status
from catalog.model.resource import Resource
from tests.faults.kit import oracle
from tests.faults.kit.fault_kinds import Ending, Fault, Operation, Told, worst
from tests.faults.kit.oracle import Seen
from tests.faults.kit.target_profiles import BY_NAME, TargetProfile

RIGHT, CLEAR, UNTOLD, WRONG = Ending.RIGHT, Ending.CLEAR, Ending.UNTOLD, Ending.WRONG
FTP, SFTP, LIST = BY_NAME["ftp"], BY_NAME["sftp"], BY_NAME["http, manifest"]
TRUTH = {"a": b"aa", "d/b": b"bbb"}
A, B = Resource("a", size=2), Resource("d/b", size=3)


@pytest.mark.parametrize(
    ("profile", "fault", "listed", "ending"),
    [
        (FTP, Fault.RESET, [A, B], RIGHT),
        (FTP, Fault.RESET, [A, Resource("d/b")], RIGHT),
        (FTP, Fault.RESET, [A], WRONG),
        (FTP, Fault.RESET, [A, Gap("d", "closed", below=True)], CLEAR),
        (FTP, Fault.RESET, [A, Gap("other", "closed")], WRONG),
        (FTP, Fault.RESET, [A, B, Resource("c")], WRONG),
        (FTP, Fault.RESET, [A, Resource("d/b", size=4)], WRONG),
        (FTP, Fault.SIZE, [A, Resource("d/b", size=4)], RIGHT),
        (FTP, Fault.FLIP, [A, Resource("d/c", size=3)], UNTOLD),
        (SFTP, Fault.FLIP, [A, Resource("d/c", size=3)], WRONG),
        (LIST, Fault.SIZE, [A], UNTOLD),
        (LIST, Fault.RESET, [A], WRONG),
    ],
)
def test_a_listing_is_whole_or_says_where_it_is_not(
    profile: TargetProfile, fault: Fault, listed: Sequence[Listed], ending: Ending
) -> None:
    assert oracle.of_listing(profile, fault, TRUTH, listed).ending is ending


def outcome(status: Status, proof: Proof | None = None) -> Outcome:
    return Outcome("file:///x", "a", "a", "add", status, proof=proof, error="e", message="m")


STORED, FAILED = outcome(Status.STORED), outcome(Status.FAILED)
PROVED = outcome(Status.STORED, Proof.END_TO_END)
OLD, NEW, HALF = {"a": b"old"}, {"a": b"new"}, {"a": b"ne"}


@pytest.mark.parametrize(
    ("told", "before", "after", "kept", "fault", "ending"),
    [
        (STORED, {}, NEW, (), Fault.RESET, RIGHT),
        (STORED, OLD, HALF, (), Fault.RESET, WRONG),
        (STORED, {}, {}, (), Fault.RESET, WRONG),
        (FAILED, {}, {}, (), Fault.RESET, CLEAR),
        (FAILED, OLD, OLD, (), Fault.RESET, CLEAR),
        (FAILED, OLD, NEW, (), Fault.RESET, CLEAR),
        (FAILED, {}, HALF, (), Fault.RESET, WRONG),
        (FAILED, OLD, {}, (), Fault.RESET, WRONG),
        (FAILED, OLD, {}, (b"old",), Fault.RESET, CLEAR),
        (STORED, {}, HALF, (), Fault.FLIP, UNTOLD),
        (PROVED, {}, HALF, (), Fault.FLIP, WRONG),
        (None, {}, {}, (), Fault.RESET, WRONG),
    ],
)
def test_a_file_is_what_was_meant_or_what_was_there(
    told: Outcome | None,
    before: dict[str, bytes],
    after: dict[str, bytes],
    kept: tuple[bytes, ...],
    fault: Fault,
    ending: Ending,
) -> None:
    outcomes = [told] if told is not None else []
    seen = Seen(before, after, kept)
    found = oracle.of_files(FTP, fault, Operation.WRITING, outcomes, NEW, seen)
    assert found.ending is ending


@pytest.mark.parametrize(
    ("status", "after", "kept", "ending"),
    [
        (Status.REMOVED, {"c": b"c"}, (b"old",), RIGHT),
        (Status.REMOVED, {"c": b"c"}, (), WRONG),
        (Status.REMOVED, {"c": b"c", **OLD}, (b"old",), WRONG),
        (Status.FAILED, {"c": b"c", **OLD}, (), CLEAR),
        (Status.FAILED, {"c": b"c", **HALF}, (), WRONG),
        (Status.REMOVED, {}, (b"old",), WRONG),
        (None, {"c": b"c"}, (b"old",), WRONG),
    ],
)
def test_what_is_removed_is_kept_and_nothing_else_is_touched(
    status: Status | None, after: dict[str, bytes], kept: tuple[bytes, ...], ending: Ending
) -> None:
    outcomes = [outcome(status)] if status is not None else []
    seen = Seen({"c": b"c", **OLD}, after, kept)
    assert oracle.of_removal(outcomes, ["a"], seen).ending is ending


def test_an_error_of_a_library_is_wrong_and_one_without_words_too() -> None:
    assert oracle.of_error(StorageBusy("slow down")).ending is CLEAR
    assert oracle.of_error(KeyError("ETag")).ending is WRONG
    assert oracle.of_error(StorageBusy("")).ending is WRONG
    assert worst([Told(CLEAR), Told(WRONG, "x"), Told(RIGHT)]) == Told(WRONG, "x")
