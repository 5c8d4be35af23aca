"""How much memory this process has, or has had at most."""

from __future__ import annotations

from pathlib import Path


def now_mib() -> float:
    """Return the resident memory of this process."""
    return _status("VmRSS")


def peak_mib() -> float:
    """Return the most resident memory that this process has had."""
    return _status("VmHWM")


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(one for one in lines if one.startswith(f"{name}:")).split()[1]) / 1024
