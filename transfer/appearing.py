"""A local folder that appears whole under its name, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from catalog.errors import InvalidInput
from providers.local_files import translated


@contextmanager
def appearing(target: Path) -> Generator[Path]:
    """Yield a folder beside `target`, which gets that name at the end; what fails leaves nothing.

    Raises:
        InvalidInput: something stands there already; an empty folder may.
    """
    final = Path(os.path.realpath(target))
    if os.path.lexists(final) and not (final.is_dir() and not any(final.iterdir())):
        raise InvalidInput(f"{str(target)!r} is not empty: an export needs a new or empty folder")
    made = [one for one in (final.parent, *final.parent.parents) if not one.exists()]
    draft = final.parent / f".entrepot-{uuid4().hex}.partial"
    try:
        draft.mkdir(parents=True)
        yield draft
        draft.rename(final)
    except BaseException as error:
        shutil.rmtree(draft, ignore_errors=True)
        for folder in made:
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()
        if type(error) is FileExistsError or isinstance(error, PermissionError):
            raise translated(error, str(target)) from error
        raise
