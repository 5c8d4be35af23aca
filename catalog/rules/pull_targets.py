"""Targets of a pull: what to fetch, and where each file is written below the directory.

The five rules are PullMan's (PM-12)::

    target          local path   a file of it      written to
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
    """A file or folder of a repository, and optionally another local path for it."""

    remote: str
    local: str | None = None

    @property
    def prefix(self) -> str:
        """Return the remote path without slashes at its ends; '' is everything."""
        return clean_prefix(self.remote)


def confine_path(path: str) -> str:
    """Confine an untrusted local path to its directory, like a secure join (PM-17).

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
    """Return the local path of the repository's file `path` when `target` is pulled."""
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
        raise InvalidInput(
            f"the local path {target.local!r} for {target.remote!r} has no file name"
        )
    return check_path(landed)
