"""Downloads Git LFS objects with the batch API and our own HTTP client."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

from pydantic import SecretStr

from catalog.errors import InvalidInput, NotSupported, ResourceNotFound, UnexpectedReply
from providers.base import OpenOptions
from providers.git.remote import GitRemote
from providers.http.client import ClientOptions, HttpClient
from providers.http.headers import check_header
from providers.http.response import Response
from providers.shared.origin import Tls

MIME = "application/vnd.git-lfs+json"


class LfsClient:
    """A client for the LFS server of a repository; thread-safe."""

    def __init__(self, remote: GitRemote, options: OpenOptions) -> None:
        """Create the HTTP clients; no request is sent yet."""
        secret = remote.token.get_secret_value()
        self.login: tuple[str | None, str | None] = (None, None)
        if secret or remote.username:
            self.login = (remote.username or "git", secret)
        tls = remote.tls
        common = ClientOptions(
            tls=tls,
            proxy=remote.proxy,
            timeouts=options.timeouts,
            connections=options.connections,
        )
        pools = common.pools()
        user, password = self.login[0] or "", SecretStr(self.login[1] or "")
        self._own_client = HttpClient(replace(common, username=user, password=password), pools)
        self._bare_client = HttpClient(common, pools)  # the server supplies the credentials
        others = replace(common, tls=Tls(tls.authorities, verify=tls.verify))
        self._external_client = HttpClient(
            others, others.pools()
        )  # our certificate is not for them
        self._url = remote.lfs_url or _default_lfs_url(remote.url)

    def get(self, path: str, sha256: str, size: int, range_: str = "") -> Response:
        """Request the object of a pointer, whole or a range."""
        href, headers = self._request_download(path, sha256, size)
        client = self._external_client
        if href.startswith(_origin(self._url)):
            named = "authorization" in map(str.lower, headers)
            client = self._bare_client if named else self._own_client
        more = {"Range": range_} if range_ else {}
        return client.request("GET", href, path=path, headers={**headers, **more}).expect(200, 206)

    def close(self) -> None:
        """Close every idle connection."""
        self._own_client.close()
        self._external_client.close()

    def _request_download(self, path: str, sha256: str, size: int) -> tuple[str, dict[str, str]]:
        """Request an object's download URL and headers."""
        if not self._url:
            raise NotSupported(
                f"{path!r} is in Git LFS, and this address has no LFS server: set the "
                "repository's 'lfs_url'",
                path=path,
            )
        wanted = {"oid": sha256, "size": size}
        body = {"operation": "download", "transfers": ["basic"], "objects": [wanted]}
        reply = self._own_client.request(
            "POST",
            f"{self._url}/objects/batch",
            path=path,
            headers={"Accept": MIME, "Content-Type": MIME},
            body=json.dumps(body).encode(),
        )
        with reply.expect(200):
            text = reply.read()
        try:
            entry = cast("dict[str, Any]", json.loads(text)["objects"][0])
            if "error" in entry:
                raise _object_error(path, entry["error"])
            action = entry["actions"]["download"]
            headers = {str(name): str(value) for name, value in action.get("header", {}).items()}
            for name, value in headers.items():
                check_header(name, value)
            return str(action["href"]), headers
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, InvalidInput) as error:
            raise UnexpectedReply(
                f"the LFS server's reply for {path!r} is invalid", path=path
            ) from error


def _object_error(path: str, error: dict[str, Any]) -> ResourceNotFound | UnexpectedReply:
    why = f"the LFS server does not provide {path!r}: {error.get('message')}"
    if error.get("code") in (404, 410):
        return ResourceNotFound(why, path=path, status=404)
    return UnexpectedReply(why, path=path)


def _default_lfs_url(url: str) -> str:
    """Return the conventional URL of a repository's LFS server; '' if it is not HTTP."""
    if not url.startswith("http"):
        return ""
    return f"{url}/info/lfs" if url.endswith(".git") else f"{url}.git/info/lfs"


def _origin(url: str) -> str:
    """Return scheme, host and port, with a trailing slash."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/"
