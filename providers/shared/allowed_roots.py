"""Checks that a folder is inside allowed roots, symbolic links resolved."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from catalog.errors import InvalidInput
from catalog.settings import Settings


def within(path: str | Path, roots: Iterable[str | Path]) -> bool:
    """Return whether a path is one of the roots, or below one.

    >>> within("/a", ["/a"]), within("/a/b", ["/a"]), within("/ab", ["/a"]), within("/a", ["/"])
    (True, True, False, True)
    """
    real = os.path.realpath(path)
    every = [os.path.realpath(root) for root in roots]
    return real in every or _lies_below(real, every)


def below(path: str | Path, roots: Iterable[str | Path]) -> bool:
    """Return whether a path is below one of the roots, not the root itself.

    >>> below("/a", ["/a"]), below("/a/b", ["/a"]), below("/", ["/"]), below("/a", ["/"])
    (False, True, False, True)
    """
    return _lies_below(os.path.realpath(path), [os.path.realpath(root) for root in roots])


def _lies_below(real: str, roots: list[str]) -> bool:
    return any(real != root and real.startswith(root.rstrip("/") + "/") for root in roots)


def check_local_root(folder: str) -> None:
    """Refuse a folder outside of `ENTREPOT_LOCAL_ROOTS`, symbolic links resolved."""
    roots = [os.path.realpath(root) for root in Settings().local_roots]
    if roots and not within(folder, roots):
        raise InvalidInput(
            f"the folder {folder!r} is outside ENTREPOT_LOCAL_ROOTS ({', '.join(roots)})"
        )
