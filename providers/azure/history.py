"""Keeps a blob in the history: by a server-side copy, waiting until it is complete."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# The SDK's annotations have gaps.

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from catalog.errors import StorageFailed
from catalog.model.resource import Resource
from providers.interfaces.history import HISTORY, KeepResult

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

_REFUSED = ("CannotVerifyCopySource", "NoAuthenticationInformation", "AuthenticationFailed")


def keep_blob(container: ContainerClient, root: str, current: Resource, key: str) -> KeepResult:
    """Copy a blob below the prefix `root` into the history, pinned to its etag.

    If the account does not let this identity copy from its blobs, return UNABLE, so that the bytes
    are transferred.
    """
    origin = container.get_blob_client(root + current.path)
    target = container.get_blob_client(f"{root}{HISTORY}/{key}")
    pin: dict[str, Any] = {}
    if current.etag:
        pin["source_etag"] = current.etag
        pin["source_match_condition"] = MatchConditions.IfNotModified
    try:
        state = str(target.start_copy_from_url(origin.url, **pin)["copy_status"])
    except HttpResponseError as error:
        if str(getattr(error, "error_code", "")) in _REFUSED:
            return KeepResult.UNABLE
        if isinstance(error, ResourceNotFoundError):
            return KeepResult.GONE
        raise
    pause_s = 0.05
    while state == "pending":
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, 2.0)
        state = str(target.get_blob_properties().copy.status)
    if state != "success":
        raise StorageFailed(
            f"{current.path!r} could not be copied into the history: copy status {state!r}",
            path=current.path,
        )
    return KeepResult.KEPT
