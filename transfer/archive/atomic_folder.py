"""A local folder that appears whole under its name, or not at all."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from catalog.errors import InvalidInput
from providers.shared.os_errors import translate_os_error
from transfer.archive.draft import draft_in


@contextmanager
def atomic_folder(target: Path) -> Generator[Path]:
    """Yield a folder beside `target`, which gets that name at the end; what fails leaves nothing.

    Raises:
        InvalidInput: something stands there already; an empty folder may.
    """
    final = Path(os.path.realpath(target))
    if os.path.lexists(final) and not (final.is_dir() and not any(final.iterdir())):
        raise InvalidInput(f"{str(target)!r} is not empty: an export needs a new or empty folder")
    made = [one for one in (final.parent, *final.parent.parents) if not one.exists()]
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with draft_in(final.parent) as draft:
            yield draft
            draft.rename(final)
    except BaseException as error:
        for folder in made:
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()
        if type(error) is FileExistsError or isinstance(error, PermissionError):
            raise translate_os_error(error, str(target)) from error
        raise
