"""A local folder that appears complete under its name, or not at all."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from catalog.errors import InvalidInput
from providers.shared.os_errors import translate_os_error
from transfer.archive.draft import create_draft


@contextmanager
def atomic_folder(target: Path) -> Generator[Path]:
    """Yield a folder beside `target` that is renamed to it at the end; a failure leaves nothing.

    Raises:
        InvalidInput: `target` exists already and is not an empty folder.
    """
    final = Path(os.path.realpath(target))
    if os.path.lexists(final) and not (final.is_dir() and not any(final.iterdir())):
        raise InvalidInput(f"{str(target)!r} is not empty: export into a new or empty folder")
    created = [folder for folder in (final.parent, *final.parent.parents) if not folder.exists()]
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with create_draft(final.parent) as draft:
            yield draft
            draft.rename(final)
    except BaseException as error:
        for folder in created:
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()
        if type(error) is FileExistsError or isinstance(error, PermissionError):
            raise translate_os_error(error, str(target)) from error
        raise
