"""Keeps a local file in the history: as a hard link if possible and safe, else as a copy."""

from __future__ import annotations

import os
import shutil
import stat as stats
from pathlib import Path

from providers.interfaces.history import KeepResult


def keep_local(path: str, target: str, temporary: str) -> KeepResult:
    """Link or copy the file `path` to `target`; `temporary` is a free name in that file system.

    A symbolic link has no content that could be lost. A file that has several hard links could be
    modified through another one, so it is copied.
    """
    try:
        info = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return KeepResult.GONE
    if not stats.S_ISREG(info.st_mode):
        return KeepResult.GONE
    try:
        if os.stat(target).st_size == info.st_size:
            return KeepResult.KEPT  # by an earlier try
    except FileNotFoundError:
        os.makedirs(os.path.dirname(target), exist_ok=True)
    os.makedirs(os.path.dirname(temporary), exist_ok=True)
    try:
        if info.st_nlink > 1 or not _try_link(path, temporary):
            shutil.copyfile(path, temporary)
            os.utime(temporary, ns=(info.st_atime_ns, info.st_mtime_ns))
        os.replace(temporary, target)
    except FileNotFoundError:
        if os.path.lexists(path):
            raise
        return KeepResult.GONE
    finally:
        Path(temporary).unlink(missing_ok=True)
    return KeepResult.KEPT


def _try_link(path: str, temporary: str) -> bool:
    """Hard-link a file; return False if the file system does not support it."""
    try:
        os.link(path, temporary, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return True
