"""Turns: one writer a destination, a bounded number of waiters, nothing left by the killed."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from catalog.store.destination_locks import TooManyWaiting, destination_locks


def nothing() -> None:
    """End no waiting."""


def test_two_runs_at_one_destination_go_one_after_the_other(tmp_path: Path) -> None:
    events: list[str] = []
    waits = threading.Event()

    def second() -> None:
        with destination_locks(tmp_path, ["file:///x"], waits.set):
            events.append("the second begins")

    thread = threading.Thread(target=second)
    with destination_locks(tmp_path, ["file:///x"], nothing):
        thread.start()
        assert waits.wait(120), "it did not wait"
        events.append("the first ends")
    thread.join()
    assert events == ["the first ends", "the second begins"]


def test_different_destinations_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with destination_locks(tmp_path, ["a"], nothing), destination_locks(tmp_path, ["b"], nothing):
        pass


def test_one_too_many_is_refused_at_once(tmp_path: Path) -> None:
    release, waits = threading.Event(), [threading.Event() for _ in range(2)]

    def queue(mine: threading.Event) -> None:
        def wait() -> None:
            mine.set()
            if release.is_set():
                raise InterruptedError

        with (
            pytest.raises(InterruptedError),
            destination_locks(tmp_path, ["a"], wait, max_waiting=2),
        ):
            pass

    with destination_locks(tmp_path, ["a"], nothing):
        waiting = [threading.Thread(target=queue, args=(mine,)) for mine in waits]
        for thread in waiting:
            thread.start()
        for mine in waits:
            assert mine.wait(120), "it does not wait"
        with (
            pytest.raises(TooManyWaiting, match="2 runs already wait for 'a'"),
            destination_locks(tmp_path, ["a"], nothing, max_waiting=2),
        ):
            pass
        release.set()
        for thread in waiting:
            thread.join()


def test_a_killed_run_leaves_its_turn_free(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from catalog.store.destination_locks import destination_locks\n"
        "with destination_locks(Path(sys.argv[1]), ['a'], lambda: None):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
        holder.wait()
    with destination_locks(tmp_path, ["a"], nothing):
        pass
