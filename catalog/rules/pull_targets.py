"""Targets of a pull: what to fetch, and where each file lands below the directory.

The five rules are PullMan's (PM-12)::

    target          local path   a file of it      lands at
    folder `m/x`    -            `m/x/a/b`         `a/b`
    folder `m/x`    `y`          `m/x/a/b`         `y/a/b`
    file `m/f`      -            `m/f`             `f`
    file `m/f`      `a/g.ext`    `m/f`             `a/g.ext`
    file `m/f`      `a/`         `m/f`             `a/f`
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog.errors import InvalidInput
from catalog.paths import check_path, clean_prefix


@dataclass(frozen=True, slots=True)
class PullTarget:
    """A file or folder of a repository, and optionally another name for it here."""

    remote: str
    local: str | None = None

    @property
    def prefix(self) -> str:
        """Return the remote path without slashes at its ends; '' is everything."""
        return clean_prefix(self.remote)


def confine_path(path: str) -> str:
    """Return a local path from outside kept inside its directory, as a secure join does (PM-17).

    >>> confine_path("../../b"), confine_path("/b"), confine_path("./b/../c")
    ('b', 'b', 'c')
    """
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment not in ("", "."):
            kept.append(segment)
    return "/".join(kept)


def local_path(target: PullTarget, path: str) -> str:
    """Return where the file `path` of the repository lands when it is pulled by `target`."""
    prefix = target.prefix
    if path == prefix:
        name = path.rpartition("/")[2]
        if not target.local:
            landed = name
        elif target.local.endswith("/"):
            landed = confine_path(f"{target.local}{name}")
        else:
            landed = confine_path(target.local)
    else:
        below = path[len(prefix) + 1 :] if prefix else path
        landed = confine_path(f"{target.local}/{below}") if target.local else below
    if not landed:
        raise InvalidInput(f"the local path {target.local!r} of {target.remote!r} names no file")
    return check_path(landed)
