"""Paths from untrusted input: which are safe, which conflict, which are below another.

>>> check_path("a/b c/ü")
'a/b c/ü'
>>> is_below("models/x", "models/xy/z"), is_below("models/x", "models/x/y")
(False, True)
"""

from __future__ import annotations

from pathlib import Path

from catalog.errors import PathConflict, UnsafePath

RESERVED = ".entrepot"
"""The only name that is reserved inside a destination's tree."""


def check_path(path: str) -> str:
    """Return `path` if it names a file below a root; raise `UnsafePath` otherwise."""
    if not path:
        raise UnsafePath(path, "it is empty")
    if "\x00" in path:
        raise UnsafePath(path, "it contains a null character")
    if path.startswith("/"):
        raise UnsafePath(path, "it is absolute")
    if path.endswith("/"):
        raise UnsafePath(path, "it names a folder")
    if path.startswith((".", "..")) or "/." in path or "//" in path:
        for segment in path.split("/"):
            if segment in ("", ".", ".."):
                raise UnsafePath(path, f"it has the segment {segment!r}")
    if path == RESERVED or path.startswith(RESERVED + "/"):
        raise UnsafePath(path, f"{RESERVED!r} is reserved")
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise UnsafePath(path, "it is not valid unicode") from error
    return path


MAX_NAME_LENGTH = 2**16  # characters; no storage has longer names


def name_problem(name: str) -> str | None:
    r"""Return why the catalog cannot store a name; None if it can.

    A name that passes may still be refused by a storage (`check_path`).

    >>> name_problem("a//b"), name_problem("a\x00b")
    (None, 'it contains a null character')
    """
    if not name:
        return "it is empty"
    if "\x00" in name:
        return "it contains a null character"
    if len(name) > MAX_NAME_LENGTH:
        return f"it has {len(name):,} characters, at most {MAX_NAME_LENGTH:,} are allowed"
    if not name.isascii():
        try:
            name.encode()
        except UnicodeEncodeError:
            return "it is not valid unicode"
    return None


def clean_prefix(text: str) -> str:
    """Return untrusted `text` as a prefix: no slash at either end; `..` is refused."""
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise UnsafePath(text, "it has the segment '..'")
    return "/".join(parts)


def is_below(prefix: str, path: str) -> bool:
    """Say whether `path` is `prefix` or lies below it; everything lies below ''."""
    return not prefix or path == prefix or path.startswith(prefix + "/")


def safe_join(root: str | Path, *parts: str) -> Path:
    """Join `parts` below `root`, following symbolic links, and refuse to leave `root`.

    `..` and absolute parts stay inside (PM-17); a symbolic link that leads out is refused.
    """
    base = Path(root).resolve()
    kept: list[str] = []
    for segment in "/".join(parts).split("/"):
        if segment in ("", "."):
            continue
        if segment == "..":
            if kept:
                kept.pop()
            continue
        kept.append(segment)
    target = base.joinpath(*kept)
    resolved = target.parent.resolve()
    if resolved != base and base not in resolved.parents:
        raise UnsafePath("/".join(parts), "a symbolic link in it leads out of the root")
    return target


def path_conflict(path: str, other: str) -> PathConflict:
    """Return the error for two paths of which one must be the other's folder."""
    return PathConflict(path, other) if is_below(path, other) else PathConflict(other, path)
