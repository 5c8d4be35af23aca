"""Validate: runs checks on staged files before anything is written.

Size and digests were verified during download. Here the user's checks may refuse an item: a check
is any callable that takes the item and the staged bytes (or file) and raises `Refused`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from catalog.model.plan import Item
from transfer.batch.staging import Staging
from transfer.user_functions import Refused

Check = Callable[[Item, "bytes | Path"], None]


def validate(staging: Staging, checks: Sequence[Check] = ()) -> Staging:
    """Run every check on every staged piece; refused pieces are settled as failed."""
    if not checks:
        return staging
    for piece in staging.to_write():
        staging.delivery.stop.check()
        content = piece.data if piece.data is not None else piece.file
        if content is None:
            continue
        for check in checks:
            try:
                check(piece.item, content)
            except Refused as error:
                staging.fail(piece, error)
                break
    return staging
