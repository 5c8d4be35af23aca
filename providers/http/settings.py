"""Settings of read-only web servers: a directory listing, a list of files, or a manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, SecretStr, field_validator

from catalog.paths import check_path
from providers.base import OpenOptions
from providers.connection import OnClose, keep_open
from providers.http.base_settings import WebSettings, canonical_url
from providers.http.pool import Pools
from providers.http.storage import HttpStorage
from providers.layouts.manifest_source import split_manifest
from providers.shared.url import parse_url

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class HttpSettings(WebSettings, title="HTTP"):
    """A folder of a web server, read-only."""

    type: Literal["http"] = Field(
        default="http", title="Type", description="Files on a web server, read-only."
    )
    url: str = Field(title="URL", description="Address of the folder, without query and password.")
    targets: list[str] = Field(
        default_factory=list,
        title="Files",
        description="Paths below the URL to use instead of a listing.",
    )
    manifest: str = Field(
        default="",
        title="Manifest",
        description="Path below the URL of a manifest, such as PULP_MANIFEST or SHA256SUMS.",
    )
    query: SecretStr = Field(
        default=SecretStr(""),
        title="Query",
        description="Query string for every request, such as a shared access signature.",
    )

    @field_validator("url")
    @classmethod
    def _canonical_url(cls, value: str) -> str:
        return canonical_url(value)

    @field_validator("targets")
    @classmethod
    def _check_targets(cls, value: list[str]) -> list[str]:
        return [check_path(one) for one in value]

    def address(self) -> str:
        """Return the folder's URL, or the manifest's if there is one."""
        return f"{self.url}/{self.manifest}" if self.manifest else self.url

    def connection_key(self) -> tuple[object, ...]:
        """Return TLS, proxy and authentication, which a query may be part of (PM-10)."""
        return (*super().connection_key(), self.query.get_secret_value())

    def storage(
        self, connection: Pools, options: OpenOptions, *, on_close: OnClose = keep_open
    ) -> HttpStorage:
        """Return the folder; no request is sent yet."""
        return HttpStorage(
            self.client(connection, options),
            self.url,
            query=self.query,
            targets=tuple(self.targets),
            manifest=self.manifest,
            threads=options.connections,
            on_close=on_close,
        )

    def filesystem(self) -> AbstractFileSystem:
        """Return fsspec's HTTP filesystem, for exploring; it uses user and headers only."""
        from aiohttp import BasicAuth  # noqa: PLC0415 - a third of a second to import
        from fsspec.implementations.http import HTTPFileSystem  # noqa: PLC0415 - the same

        client: dict[str, object] = {"headers": self.headers}
        if self.username:
            client["auth"] = BasicAuth(self.username, self.password.get_secret_value())
        return HTTPFileSystem(
            client_kwargs=client, use_listings_cache=False, skip_instance_cache=True
        )

    @classmethod
    def from_url(cls, url: str) -> HttpSettings:
        """Parse `https://host/folder?query`; the last segment may be a manifest."""
        split = split_manifest(url)
        folder, manifest = split or (url, "")
        parsed = parse_url(folder)
        place, _, query = folder.partition("?")
        if parsed.user:
            bare = place.replace(f"{parsed.user}@", "", 1)
            return cls(url=bare, manifest=manifest, query=SecretStr(query), username=parsed.user)
        return cls(url=place, manifest=manifest, query=SecretStr(query))
