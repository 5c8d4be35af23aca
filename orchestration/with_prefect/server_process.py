"""Runs a module as `python -m` does, in a process that ends when its parent does.

The parent keeps the other end of standard input open. However the parent ends, by `os._exit`, a
crash or kill -9, the system closes it: then this process stops as it would for SIGTERM.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

STOP_TIMEOUT_S = 15


def end_with_parent() -> None:
    """Wait until standard input is closed, then stop this process."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_TIMEOUT_S)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
