"""Settings of WebDAV servers: Nextcloud, ownCloud, Apache, nginx with dav-ext, old SharePoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from providers.base import OpenOptions
from providers.connection import OnClose, keep_open
from providers.http.base_settings import WebSettings, canonical_url
from providers.http.pool import Pools
from providers.shared.url import parse_url
from providers.webdav.storage import WebdavStorage

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_SCHEMES = {"webdav": "http", "dav": "http", "webdavs": "https", "davs": "https"}


class WebdavSettings(WebSettings, title="WebDAV"):
    """A folder of a WebDAV server."""

    type: Literal["webdav"] = Field(
        default="webdav", title="Type", description="Files on a WebDAV server."
    )
    url: str = Field(
        title="URL",
        description="Address of the folder: http:// or https://, without a password.",
    )

    @field_validator("url")
    @classmethod
    def _canonical_url(cls, value: str) -> str:
        return canonical_url(value)

    def address(self) -> str:
        """Return the folder as a `webdav://` or `webdavs://` URL."""
        scheme, _, rest = self.url.partition("://")
        return f"webdav{'s' if scheme == 'https' else ''}://{rest}"

    def storage(
        self, connection: Pools, options: OpenOptions, *, on_close: OnClose = keep_open
    ) -> WebdavStorage:
        """Return the folder; no request is sent yet."""
        client = self.client(connection, options)
        return WebdavStorage(client, self.url, self.address(), on_close)

    def filesystem(self) -> AbstractFileSystem:
        """Return webdav4's filesystem, for exploring; it uses user and headers only."""
        from webdav4.fsspec import WebdavFileSystem  # noqa: PLC0415 - brings httpx, 0.2 s

        auth = (self.username, self.password.get_secret_value()) if self.username else None
        return WebdavFileSystem(self.url, auth=auth, headers=dict(self.headers))

    @classmethod
    def from_url(cls, url: str) -> WebdavSettings:
        """Parse `webdavs://user@host/folder`; a password is refused."""
        parsed = parse_url(url)
        scheme = _SCHEMES.get(parsed.scheme, parsed.scheme)
        place = url.partition("://")[2].partition("?")[0]
        if parsed.user:
            place = place.partition("@")[2]
        return cls(url=f"{scheme}://{place}", username=parsed.user)
