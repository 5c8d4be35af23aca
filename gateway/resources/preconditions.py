"""Preconditions of writes: If-Match and If-None-Match.

The condition is checked when the request is received, and the version it was based on again in the
transaction that records the change: of two concurrent writers, one is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from catalog.catalog import Catalog
from catalog.errors import ContentConflict, NotRecorded
from catalog.model.resource_version import ResourceVersion
from catalog.queries.resources.uploads import ExpectedVersion
from gateway.http.conditions import is_write_allowed
from gateway.http.errors import RequestRefused

CHANGED = "the precondition failed: the resource has changed"
EXISTS = "the precondition failed: the resource exists already"


def etag_of(resource: ResourceVersion) -> str:
    """Return the etag of a version; it is weak for external files without a digest."""
    if resource.digest is not None:
        return f'"{resource.digest}"'
    unproven = hashlib.sha256(f"{resource.name}\x1f{resource.version}".encode()).hexdigest()[:32]
    return f'W/"{unproven}"'


def expected_state(
    catalog: Catalog, headers: Mapping[str, str], name: str
) -> ExpectedVersion | None:
    """Return the version that a change is based on; None without a condition.

    Raises:
        Refused: 412, the condition failed.
    """
    if "if-match" not in headers and "if-none-match" not in headers:
        return None
    try:
        latest = catalog.resources.get(name)
    except NotRecorded:
        latest = None
    if not is_write_allowed(headers, None if latest is None else etag_of(latest)):
        exists = latest is not None and "if-match" not in headers
        raise RequestRefused(412, EXISTS if exists else CHANGED, kind="PreconditionFailed")
    return ExpectedVersion(name, None if latest is None else latest.version)


@contextmanager
def precondition_failed(stands_on: ExpectedVersion | None) -> Generator[None]:
    """Respond with 412 if the resource was changed concurrently."""
    try:
        yield
    except ContentConflict as error:
        if stands_on is None:
            raise
        raise RequestRefused(412, CHANGED, kind="PreconditionFailed") from error
