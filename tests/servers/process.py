"""Start a real server as a child process on free ports, wait until it answers, end it by pid."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


class ServerMissingError(RuntimeError):
    """The server's program is not installed here; `tests/servers/install` says how."""


class ServerBrokenError(RuntimeError):
    """The server did not come up; the message ends with its log."""


def free_ports(count: int) -> list[int]:
    """Return `count` different ports of 127.0.0.1 on which nobody listens."""
    with ExitStack() as stack:
        ports: list[int] = []
        for _ in range(count):
            one = stack.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            ports.append(one.getsockname()[1])
        return ports


def program(name: str) -> str:
    """Return the path of an installed program: beside this Python, in PATH or in an sbin."""
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise ServerMissingError(f"{name} is not installed; run tests/servers/install")
    return found


def listens(port: int) -> bool:
    """Say whether somebody accepts connections on `port`."""
    with socket.socket() as one:
        one.settimeout(1.0)
        return one.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(
    command: Sequence[str | Path],
    ready: Callable[[], bool],
    *,
    log: Path,
    end_with: signal.Signals = signal.SIGTERM,
    environment: Mapping[str, str] | None = None,
    start_s: float = 60.0,
) -> Generator[subprocess.Popen[bytes], None, None]:
    """Run `command` while the block lasts; enter it once `ready` says yes."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            cwd=log.parent,
        )
        try:
            deadline = time.monotonic() + start_s
            while not ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise ServerBrokenError(
                        f"{Path(command[0]).name} did not start:\n"
                        + log.read_text(errors="replace")[-4000:]
                    )
                time.sleep(0.02)
            yield process
        finally:
            end(process, end_with)


def end(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    """End `process` by its pid, and by force when it takes longer than five seconds."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(5.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
