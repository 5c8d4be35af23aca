"""Keeping an object: one copy inside the bucket, or a copy of its parts where it is too large."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Protocol

from catalog.errors import ResourceNotFound, StorageError
from catalog.model.resource import Resource
from providers.interfaces.history import HISTORY, KeepResult

LARGEST_COPY = 5 * 2**30  # bytes that one CopyObject may move
PART = 2**30  # bytes that one UploadPartCopy moves here


class Call(Protocol):
    """One request to the bucket; it lets only our errors out."""

    def __call__(self, operation: str, path: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - botocore's own arguments
        """Send it, and name `path` where it fails."""
        ...


def keep_object(call: Call, bucket: str, root: str, standing: Resource, key: str) -> KeepResult:
    """Copy an object below the prefix `root` into the history there, pinned to its etag."""
    path, goal = standing.path, f"{root}{HISTORY}/{key}"
    origin = {
        "CopySource": {"Bucket": bucket, "Key": root + path},
        "CopySourceIfMatch": standing.etag,
    }
    try:
        if (standing.size or 0) <= LARGEST_COPY:
            call("copy_object", path, Key=goal, **origin)
        else:
            _copy_parts(call, goal, origin, standing)
    except ResourceNotFound:
        return KeepResult.GONE
    return KeepResult.KEPT


def _copy_parts(call: Call, goal: str, origin: dict[str, Any], standing: Resource) -> None:
    path, size = standing.path, standing.size or 0
    upload = call("create_multipart_upload", path, Key=goal)["UploadId"]
    try:
        parts: list[dict[str, Any]] = []
        for number, start in enumerate(range(0, size, PART), 1):
            last = min(start + PART, size) - 1
            copied = call(
                "upload_part_copy",
                path,
                Key=goal,
                UploadId=upload,
                PartNumber=number,
                CopySourceRange=f"bytes={start}-{last}",
                **origin,
            )
            parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
        call(
            "complete_multipart_upload",
            path,
            Key=goal,
            UploadId=upload,
            MultipartUpload={"Parts": parts},
        )
    except BaseException:
        with suppress(StorageError):
            call("abort_multipart_upload", path, Key=goal, UploadId=upload)
        raise
