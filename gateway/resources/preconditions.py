"""Changes that are made only of what their caller has seen: If-Match and If-None-Match on writes.

The condition is looked at when the request comes, and what it stood on again in the very step that
records the change: of two who both saw nothing there, one is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from catalog.catalog import Catalog
from catalog.errors import ContentConflict, NotRecorded
from catalog.model.resource_version import ResourceVersion
from catalog.queries.resources.versions import ExpectedVersion
from gateway.http.conditions import is_write_allowed
from gateway.http.errors import Refused

FAILED = "the resource is not what the condition says"


def etag_of(one: ResourceVersion) -> str:
    """Return the etag of a version.

    What lies elsewhere, without a digest, may change: its tag is weak, and never names bytes.
    """
    if one.digest is not None:
        return f'"{one.digest}"'
    unproven = hashlib.sha256(f"{one.name}\x1f{one.version}".encode()).hexdigest()[:32]
    return f'W/"{unproven}"'


def expected_state(
    catalog: Catalog, headers: Mapping[str, str], name: str
) -> ExpectedVersion | None:
    """Return what a change of a name stands on; None where its caller sets no condition.

    Raises:
        Refused: 412, the condition does not hold.
    """
    if "if-match" not in headers and "if-none-match" not in headers:
        return None
    try:
        latest = catalog.resources.get(name)
    except NotRecorded:
        latest = None
    if not is_write_allowed(headers, None if latest is None else etag_of(latest)):
        raise Refused(412, FAILED, kind="PreconditionFailed")
    return ExpectedVersion(name, None if latest is None else latest.version)


@contextmanager
def precondition_failed(stands_on: ExpectedVersion | None) -> Generator[None]:
    """Say 412 where somebody else was faster."""
    try:
        yield
    except ContentConflict as error:
        if stands_on is None:
            raise
        raise Refused(412, FAILED, kind="PreconditionFailed") from error
