"""Resources of a gateway, asked for over HTTP; large files go in chunks, and can be resumed."""

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
    blocks,
    check,
    form,
    hashed,
    translate_http_errors,
    with_retries,
)

LARGE = 64 * 2**20  # bytes; from here on a file is sent in chunks
CHUNK = 16 * 2**20  # bytes of one chunk
IDLE_S = 120.0  # a gateway that stores a large upload says nothing meanwhile


class GatewayClient:
    """The resources of one tenant of a gateway."""

    def __init__(self, http: httpx.Client, tenant: str) -> None:
        """Ask by `http`, which knows the gateway's address and shows the token."""
        self._http = http
        self._base = f"/v1/{quote(tenant, safe='')}/resources"

    def put(self, name: str, file: IO[bytes], given: UploadDetails, moved: OnBytes) -> Metadata:
        """Store a file as the next version of a name, verified by its sha256."""
        if given.size is None:
            return self._put_form(name, file, given, moved)
        sha256 = hashed(file)
        if given.size >= LARGE:
            return self._put_chunks(name, file, given, sha256, moved)
        headers = {"Content-Length": str(given.size), "X-Checksum-Sha256": sha256}
        if given.content_type:
            headers["Content-Type"] = given.content_type
        params = {"properties": [f"{key}={value}" for key, value in given.properties.items()]}
        body = blocks(file, given.size, moved)
        target = self._at("upload", name)
        return self._one(name, "PUT", target, content=body, headers=headers, params=params)

    def find(self, name: str, version: int | None) -> ResourceInfo:
        """Return a version, the latest by default."""
        params = {} if version is None else {"version": version}
        one = self._one(_what(name, version), "GET", self._at("metadata", name), params=params)
        size = one["size"]
        return ResourceInfo(
            one["name"],
            int(one["version"]),
            None if size is None else int(size),
            one["digests"].get("sha256"),
        )

    def read(self, found: ResourceInfo, start: int) -> Iterator[bytes]:
        """Yield the bytes of a version from a place on."""
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        params = {"version": found.version}
        target = self._at("download", found.name)
        with (
            translate_http_errors(),
            self._http.stream("GET", target, params=params, headers=headers) as reply,
        ):
            if not reply.is_success:
                reply.read()
            check(reply, _what(found.name, found.version))
            if start and reply.status_code != 206:
                raise ResourceChanged(f"{found.name!r} cannot be read from its middle")
            yield from reply.iter_raw(BLOCK)  # as it lies there, whatever its encoding

    def listed(self, prefix: str, properties: str, *, every: bool) -> Iterator[Metadata]:
        """Yield resources in the order of their names."""
        params: dict[str, Any] = {"prefix": prefix, "properties": properties}
        params["every_version"] = every
        while True:
            page = self._asked(prefix, "GET", f"{self._base}/list", params=params)
            yield from page["metadata"]
            if "next" not in page:
                return
            params["cursor"] = page["next"]

    def copy(self, name: str, to: str, version: int | None) -> list[Metadata]:
        """Copy every version, or one, as the next versions of another name."""
        return self._many(name, "POST", "copy", version, to=to)

    def move(self, name: str, to: str, version: int | None) -> list[Metadata]:
        """Move every version, or one, to another name."""
        return self._many(name, "POST", "move", version, to=to)

    def delete(self, name: str, version: int | None) -> list[Metadata]:
        """Delete every version, or one."""
        return self._many(name, "DELETE", "delete", version)

    def register(self, name: str, url: str, given: UploadDetails) -> Metadata:
        """Record what lies elsewhere as the next version of a name."""
        body = {
            "url": url,
            "size": given.size,
            "type": given.content_type,
            "properties": dict(given.properties),
        }
        return self._one(name, "PUT", self._at("register", name), json=body)

    def _put_form(
        self, name: str, file: IO[bytes], given: UploadDetails, moved: OnBytes
    ) -> Metadata:
        """Send what nobody knows the end of: its digest stands behind it, in the same form."""
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        body = form(file, given, moved)
        return self._one(name, "PUT", self._at("upload", name), content=body, headers=headers)

    def _put_chunks(
        self, name: str, file: IO[bytes], given: UploadDetails, sha256: str, moved: OnBytes
    ) -> Metadata:
        about = {
            "name": name,
            "size": given.size,
            "type": given.content_type,
            "properties": dict(given.properties),
            "digests": {"sha256": sha256},
        }
        upload = self._begun(about)
        size = int(upload["size"])
        moved(size - sum(one["size"] for one in upload["missing"]))
        for gap in upload["missing"]:
            for start in range(gap["start"], gap["end"] + 1, CHUNK):
                stop = min(start + CHUNK, gap["end"] + 1)
                with_retries(partial(self._chunk, upload, file, start, stop))
                moved(stop - start)
        return self._one(name, "POST", f"{self._upload(upload)}/commit")

    def _begun(self, about: Metadata) -> Metadata:
        """Return the upload of the same file that was begun earlier, or a new one."""
        for one in self._asked("", "GET", f"{self._base}/uploads")["uploads"]:
            if all(one[key] == about[key] for key in about):
                return dict(one)
        return dict(self._asked(about["name"], "POST", f"{self._base}/uploads", json=about))

    def _chunk(self, upload: Metadata, file: IO[bytes], start: int, stop: int) -> None:
        file.seek(start)
        headers = {
            "Content-Range": f"bytes {start}-{stop - 1}/{upload['size']}",
            "Content-Length": str(stop - start),
        }
        body = blocks(file, stop - start)
        self._asked(upload["name"], "PUT", self._upload(upload), content=body, headers=headers)

    def _many(
        self, name: str, method: str, action: str, version: int | None, **params: str
    ) -> list[Metadata]:
        told: dict[str, Any] = {**params, **({} if version is None else {"version": version})}
        what = _what(name, version)
        return list(self._asked(what, method, self._at(action, name), params=told)["metadata"])

    def _one(self, what: str, method: str, target: str, **given: Any) -> Metadata:  # noqa: ANN401 - httpx's
        (found,) = self._asked(what, method, target, **given)["metadata"]
        return dict(found)

    def _asked(self, what: str, method: str, target: str, **given: Any) -> Metadata:  # noqa: ANN401 - httpx's
        with translate_http_errors():
            reply = self._http.request(method, target, **given)
        check(reply, what)
        return dict(reply.json())

    def _upload(self, upload: Metadata) -> str:
        """Return where an upload is; no reply says where the token is sent."""
        return f"{self._base}/uploads/{quote(upload['id'], safe='')}"

    def _at(self, action: str, name: str) -> str:
        return f"{self._base}/{action}/{quote(name.removeprefix('/'))}"


def _what(name: str, version: int | None) -> str:
    return name if version is None else f"{name} version {version}"


@contextmanager
def open_gateway_client(url: str, tenant: str, token: str | None) -> Generator[GatewayClient]:
    """Open a gateway; the token goes into a header, and nowhere else."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        http = httpx.Client(base_url=url, headers=headers, timeout=httpx.Timeout(30.0, read=IDLE_S))
    except (httpx.InvalidURL, TypeError) as error:
        raise InvalidInput(f"{url!r} is no URL of a gateway") from error
    with http:
        yield GatewayClient(http, tenant)


def token_of(file: Path | None, environment: str | None) -> str | None:
    """Return the token to show: that of a file, or else of the environment."""
    if file is None:
        return environment or None
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"cannot read the token in {str(file)!r}") from error
