"""Turns: one writer a destination, a bounded number of waiters, nothing left by the killed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from catalog.turn import TooManyWaiting, turns


def nothing() -> None:
    """End no waiting."""


def test_two_runs_at_one_destination_go_one_after_the_other(tmp_path: Path) -> None:
    events: list[str] = []

    def run(name: str, address: str) -> None:
        with turns(tmp_path, [address], nothing):
            events.append(f"{name} begins")
            time.sleep(0.1)
            events.append(f"{name} ends")

    threads = [threading.Thread(target=run, args=(name, "file:///x")) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.split()[1] for event in events] == ["begins", "ends", "begins", "ends"]


def test_different_destinations_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with turns(tmp_path, ["a"], nothing), turns(tmp_path, ["b"], nothing):
        pass


def test_one_too_many_is_refused_at_once(tmp_path: Path) -> None:
    release = threading.Event()

    def wait() -> None:
        if release.is_set():
            raise InterruptedError

    def queue() -> None:
        with pytest.raises(InterruptedError), turns(tmp_path, ["a"], wait, places=2):
            pass

    with turns(tmp_path, ["a"], nothing):
        waiting = [threading.Thread(target=queue) for _ in range(2)]
        for thread in waiting:
            thread.start()
        time.sleep(0.3)
        with (
            pytest.raises(TooManyWaiting, match="2 runs already wait for 'a'"),
            turns(tmp_path, ["a"], nothing, places=2),
        ):
            pass
        release.set()
        for thread in waiting:
            thread.join()


def test_a_killed_run_leaves_its_turn_free(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from catalog.turn import turns\n"
        "with turns(Path(sys.argv[1]), ['a'], lambda: None): print('held', flush=True); "
        "time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
        holder.wait()
    with turns(tmp_path, ["a"], nothing):
        pass
