"""The process that `test_kill` kills: one sync, given by its arguments."""

from __future__ import annotations

import sys


def main() -> None:
    from flows.sync import sync  # noqa: PLC0415 - as every script, after the guard

    sync(sys.argv[1], [sys.argv[2]])


if __name__ == "__main__":
    main()
