"""Stores a file that broke its contract in a quarantine, with a report, for inspection.

Its name contains its digest, so that the same broken file is not stored twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from catalog.errors import IntegrityError, ResourceNotFound, StorageError
from catalog.model.breach import Breach
from catalog.model.digest import Digest
from catalog.paths import RESERVED
from providers.base import Attributes, Storage
from transfer.batch.endpoints import StorageRef
from transfer.batch.file_reader import FileReader
from transfer.batch.staging import Staging, Transfer, source_resource

QUARANTINE = f"{RESERVED}/quarantine"
"""The folder for such files below a destination's root, hidden from listings."""
REPORT = ".contract.json"


def quarantine_breach(
    staging: Staging, transfer: Transfer, area: StorageRef, breach: Breach
) -> str:
    """Store a staged file and its report; return its name in the quarantine."""
    if transfer.digest is None:
        raise IntegrityError(transfer.item.path, "a staged file", "none", "in staging")
    key = f"{transfer.digest[:16]}/{transfer.item.path}"
    facts = {name: value for name, value in asdict(breach).items() if name != "aside"}
    report = json.dumps(facts, indent=1).encode() + b"\n"
    delivery, tries = staging.delivery, 0
    retry = delivery.destinations[0].retry
    while True:
        try:
            with area.open() as storage:
                storage.check_name(key + REPORT)
                _write_once(storage, staging, transfer, key)
                attributes = Attributes("application/json", None)
                storage.put(key + REPORT, report, attributes)
        except StorageError as error:
            tries += 1
            delay = retry.delay_s(tries, error)
            if delay is None:
                raise
            delivery.stop.wait(delay)
        else:
            return key


def _write_once(storage: Storage, staging: Staging, transfer: Transfer, key: str) -> None:
    try:
        if storage.stat(key).size == transfer.size:
            return  # the same bytes are there already
    except ResourceNotFound:
        pass
    writer = storage.write(key, transfer.attributes(), size=transfer.size)
    try:
        for chunk in _chunks(transfer):
            staging.delivery.stop.check()
            writer.write(chunk)
        writer.commit(Digest("sha256", transfer.digest or ""))
    except BaseException:
        writer.abort()
        raise


def _chunks(transfer: Transfer) -> Iterator[bytes]:
    if transfer.data is not None:
        yield transfer.data
    elif transfer.file is not None:
        reader = FileReader(transfer.file, source_resource(transfer))
        try:
            yield from (bytes(chunk) for chunk in reader)
        finally:
            reader.close()
