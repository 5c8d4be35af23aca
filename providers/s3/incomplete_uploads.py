"""Multipart uploads of a bucket that were neither completed nor aborted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from catalog.errors import ResourceNotFound
from providers.error_boundary import error_boundary
from providers.interfaces.incomplete_uploads import IncompleteUpload
from providers.s3.history import Call


@error_boundary
class S3Uploads:
    """The incomplete uploads below one prefix of a bucket."""

    def __init__(self, call: Call, root: str) -> None:
        """Send requests with `call`; `root` is the prefix with a trailing slash."""
        self._call, self._root = call, root

    def unfinished(self) -> Iterator[IncompleteUpload]:
        """Yield every incomplete upload."""
        marker: dict[str, Any] = {}
        while True:
            page = self._call("list_multipart_uploads", "", Prefix=self._root, **marker)
            for one in page.get("Uploads", ()):
                began_us = int(one["Initiated"].timestamp() * 1_000_000)
                yield IncompleteUpload(one["Key"][len(self._root) :], one["UploadId"], began_us)
            if not page.get("IsTruncated"):
                return
            marker = {
                "KeyMarker": page["NextKeyMarker"],
                "UploadIdMarker": page["NextUploadIdMarker"],
            }

    def abort(self, upload: IncompleteUpload) -> None:
        """Abort an upload; do nothing if it is gone."""
        with suppress(ResourceNotFound):
            self._call(
                "abort_multipart_upload",
                upload.path,
                Key=self._root + upload.path,
                UploadId=upload.upload_id,
            )
