"""Stages bytes that the user's own step supplies, after verifying them against the plan."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from catalog.model.digest import Hasher
from catalog.model.resource import Resource
from providers.base import Fetched
from transfer.batch.integrity import check_bytes, check_read
from transfer.batch.staging import BLOCK, Piece, Staging, expected_digests, source_resource
from transfer.steps.download import hold_bytes


def supply_bytes(staging: Staging, piece: Piece, data: bytes) -> None:
    """Stage bytes for a piece if they are the planned ones."""
    resource = _resource(piece, len(data))
    fetched = Fetched(data, resource)
    sha256 = check_bytes(piece.item, fetched, expected_digests(piece.item, None))
    hold_bytes(staging, piece, fetched, sha256)


def supply_file(staging: Staging, piece: Piece, file: Path) -> None:
    """Stage a file for a piece if it is the planned one; the file is moved."""
    expected = expected_digests(piece.item, None)
    hasher = Hasher(digest.algorithm for digest in expected)
    with file.open("rb") as opened:
        while chunk := opened.read(BLOCK):
            staging.delivery.stop.check()
            hasher.update(chunk)
    check_read(piece, hasher, expected, _resource(piece, hasher.size))
    piece.file = Path(shutil.move(file, staging.folder() / str(id(piece))))
    staging.delivery.progress.count_bytes(hasher.size)


def _resource(piece: Piece, size: int) -> Resource:
    """Return the file as planned; only an unplanned size is as found."""
    return replace(
        source_resource(piece), size=size if piece.item.size is None else piece.item.size
    )
