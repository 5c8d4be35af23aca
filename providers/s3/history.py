"""Keeps an object in the history: by a server-side copy, in parts if it is large."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Protocol

from catalog.errors import ResourceNotFound, StorageError
from catalog.model.resource import Resource
from providers.interfaces.history import HISTORY, KeepResult

MAX_COPY = 5 * 2**30  # bytes; the limit of CopyObject
PART = 2**30  # bytes per UploadPartCopy


class Call(Protocol):
    """Sends one request to the bucket; raises only our errors."""

    def __call__(self, operation: str, path: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - botocore's own arguments
        """Send the request; errors name `path`."""
        ...


def keep_object(call: Call, bucket: str, root: str, current: Resource, key: str) -> KeepResult:
    """Copy an object below the prefix `root` into the history there, pinned to its etag."""
    path, target = current.path, f"{root}{HISTORY}/{key}"
    origin = {
        "CopySource": {"Bucket": bucket, "Key": root + path},
        "CopySourceIfMatch": current.etag,
    }
    try:
        if (current.size or 0) <= MAX_COPY:
            call("copy_object", path, Key=target, **origin)
        else:
            _copy_parts(call, target, origin, current)
    except ResourceNotFound:
        return KeepResult.GONE
    return KeepResult.KEPT


def _copy_parts(call: Call, target: str, origin: dict[str, Any], current: Resource) -> None:
    path, size = current.path, current.size or 0
    upload = call("create_multipart_upload", path, Key=target)["UploadId"]
    try:
        parts: list[dict[str, Any]] = []
        for number, start in enumerate(range(0, size, PART), 1):
            last = min(start + PART, size) - 1
            copied = call(
                "upload_part_copy",
                path,
                Key=target,
                UploadId=upload,
                PartNumber=number,
                CopySourceRange=f"bytes={start}-{last}",
                **origin,
            )
            parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
        call(
            "complete_multipart_upload",
            path,
            Key=target,
            UploadId=upload,
            MultipartUpload={"Parts": parts},
        )
    except BaseException:
        with suppress(StorageError):
            call("abort_multipart_upload", path, Key=target, UploadId=upload)
        raise
