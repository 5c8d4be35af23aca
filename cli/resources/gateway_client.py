"""Resources at a gateway, over HTTP; large uploads are sent in chunks and can be resumed."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import httpx

from catalog.errors import InvalidInput, ResourceChanged
from cli.resources.client import Metadata, OnBytes, ResourceInfo, UploadDetails
from cli.resources.gateway_requests import (
    BLOCK,
    BOUNDARY,
    file_blocks,
    hash_file,
    multipart_form,
    raise_for_error,
    translate_http_errors,
    with_retries,
)

LARGE = 64 * 2**20  # bytes from which a file is sent in chunks
CHUNK = 16 * 2**20  # bytes per chunk
READ_TIMEOUT_S = 120.0  # a gateway is silent while it stores a large upload


class GatewayClient:
    """The resources of one tenant at a gateway."""

    def __init__(self, http: httpx.Client, tenant: str) -> None:
        """Send requests through `http`, which has the gateway's address and the token."""
        self._http = http
        self._base = f"/v1/{quote(tenant, safe='')}/resources"

    def put(
        self, name: str, file: IO[bytes], details: UploadDetails, on_bytes: OnBytes
    ) -> Metadata:
        """Store a file as the next version of a name, verified by its sha256."""
        if details.size is None:
            return self._put_form(name, file, details, on_bytes)
        sha256 = hash_file(file)
        if details.size >= LARGE:
            return self._put_chunks(name, file, details, sha256, on_bytes)
        headers = {"Content-Length": str(details.size), "X-Checksum-Sha256": sha256}
        if details.content_type:
            headers["Content-Type"] = details.content_type
        params = {"properties": [f"{key}={value}" for key, value in details.properties.items()]}
        body = file_blocks(file, details.size, on_bytes)
        url = self._url("upload", name)
        return self._request_one(name, "PUT", url, content=body, headers=headers, params=params)

    def find(self, name: str, version: int | None) -> ResourceInfo:
        """Return a version, the latest by default."""
        params = {} if version is None else {"version": version}
        url = self._url("metadata", name)
        row = self._request_one(_describe(name, version), "GET", url, params=params)
        size = row["size"]
        return ResourceInfo(
            row["name"],
            int(row["version"]),
            None if size is None else int(size),
            row["digests"].get("sha256"),
        )

    def read(self, resource: ResourceInfo, start: int) -> Iterator[bytes]:
        """Yield the bytes of a version, beginning at the offset `start`."""
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        params = {"version": resource.version}
        url = self._url("download", resource.name)
        with (
            translate_http_errors(),
            self._http.stream("GET", url, params=params, headers=headers) as reply,
        ):
            if not reply.is_success:
                reply.read()
            raise_for_error(reply, _describe(resource.name, resource.version))
            if start and reply.status_code != 206:
                raise ResourceChanged(
                    f"the gateway did not honour the range request for {resource.name!r}: "
                    "the download cannot be resumed"
                )
            yield from reply.iter_raw(BLOCK)  # the stored bytes, whatever their encoding

    def find_all(self, prefix: str, properties: str, *, every: bool) -> Iterator[Metadata]:
        """Yield resources in the order of their names."""
        params: dict[str, Any] = {"prefix": prefix, "properties": properties}
        params["every_version"] = every
        while True:
            page = self._request(prefix, "GET", f"{self._base}/list", params=params)
            yield from page["metadata"]
            if "next" not in page:
                return
            params["cursor"] = page["next"]

    def copy(self, name: str, to: str, version: int | None) -> list[Metadata]:
        """Copy every version, or one, as the next versions of another name."""
        return self._request_many(name, "POST", "copy", version, to=to)

    def move(self, name: str, to: str, version: int | None) -> list[Metadata]:
        """Move every version, or one, to another name."""
        return self._request_many(name, "POST", "move", version, to=to)

    def delete(self, name: str, version: int | None) -> list[Metadata]:
        """Delete every version, or one."""
        return self._request_many(name, "DELETE", "delete", version)

    def register(self, name: str, url: str, details: UploadDetails) -> Metadata:
        """Record a file at a URL as the next version of a name."""
        body = {
            "url": url,
            "size": details.size,
            "type": details.content_type,
            "properties": dict(details.properties),
        }
        return self._request_one(name, "PUT", self._url("register", name), json=body)

    def _put_form(
        self, name: str, file: IO[bytes], details: UploadDetails, on_bytes: OnBytes
    ) -> Metadata:
        """Send a stream of unknown size as a form, with its digest after the content."""
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        body = multipart_form(file, details, on_bytes)
        url = self._url("upload", name)
        return self._request_one(name, "PUT", url, content=body, headers=headers)

    def _put_chunks(
        self, name: str, file: IO[bytes], details: UploadDetails, sha256: str, on_bytes: OnBytes
    ) -> Metadata:
        declared = {
            "name": name,
            "size": details.size,
            "type": details.content_type,
            "properties": dict(details.properties),
            "digests": {"sha256": sha256},
        }
        upload = self._resume_or_begin(declared)
        size = int(upload["size"])
        on_bytes(size - sum(gap["size"] for gap in upload["missing"]))
        for gap in upload["missing"]:
            for start in range(gap["start"], gap["end"] + 1, CHUNK):
                stop = min(start + CHUNK, gap["end"] + 1)
                with_retries(partial(self._send_chunk, upload, file, start, stop))
                on_bytes(stop - start)
        return self._request_one(name, "POST", f"{self._upload_url(upload)}/commit")

    def _resume_or_begin(self, declared: Metadata) -> Metadata:
        """Return an unfinished upload of the same file, or a new one."""
        for upload in self._request("", "GET", f"{self._base}/uploads")["uploads"]:
            if all(upload[key] == declared[key] for key in declared):
                return dict(upload)
        url = f"{self._base}/uploads"
        return dict(self._request(declared["name"], "POST", url, json=declared))

    def _send_chunk(self, upload: Metadata, file: IO[bytes], start: int, stop: int) -> None:
        file.seek(start)
        headers = {
            "Content-Range": f"bytes {start}-{stop - 1}/{upload['size']}",
            "Content-Length": str(stop - start),
        }
        body = file_blocks(file, stop - start)
        url = self._upload_url(upload)
        self._request(upload["name"], "PUT", url, content=body, headers=headers)

    def _request_many(
        self, name: str, method: str, action: str, version: int | None, **params: str
    ) -> list[Metadata]:
        query: dict[str, Any] = {**params, **({} if version is None else {"version": version})}
        what, url = _describe(name, version), self._url(action, name)
        return list(self._request(what, method, url, params=query)["metadata"])

    def _request_one(self, what: str, method: str, url: str, **options: Any) -> Metadata:  # noqa: ANN401 - httpx's
        (row,) = self._request(what, method, url, **options)["metadata"]
        return dict(row)

    def _request(self, what: str, method: str, url: str, **options: Any) -> Metadata:  # noqa: ANN401 - httpx's
        with translate_http_errors():
            reply = self._http.request(method, url, **options)
        raise_for_error(reply, what)
        return dict(reply.json())

    def _upload_url(self, upload: Metadata) -> str:
        """Return the URL of an upload, built here so that no reply decides where the token goes."""
        return f"{self._base}/uploads/{quote(upload['id'], safe='')}"

    def _url(self, action: str, name: str) -> str:
        return f"{self._base}/{action}/{quote(name.removeprefix('/'))}"


def _describe(name: str, version: int | None) -> str:
    return name if version is None else f"{name} version {version}"


@contextmanager
def open_gateway_client(url: str, tenant: str, token: str | None) -> Generator[GatewayClient]:
    """Open a gateway; the token is sent in a header, and nowhere else."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        timeout = httpx.Timeout(30.0, read=READ_TIMEOUT_S)
        http = httpx.Client(base_url=url, headers=headers, timeout=timeout)
    except (httpx.InvalidURL, TypeError) as error:
        raise InvalidInput(f"{url!r} is not the URL of a gateway") from error
    with http:
        yield GatewayClient(http, tenant)


def token_of(file: Path | None, environment: str | None) -> str | None:
    """Return the token from the file, or else from the environment."""
    if file is None:
        return environment or None
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"cannot read the token in {str(file)!r}") from error
