"""Web servers, read only: a directory listing, a list of files, or a manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from catalog.errors import InvalidInput
from catalog.paths import check_path
from providers.base import OpenOptions, ProviderSettings
from providers.http_client import ClientOptions, HttpClient, check_header
from providers.http_pool import DEFAULT_PORTS, Proxy, Tls
from providers.http_storage import HttpStorage
from providers.manifest_source import split_manifest
from providers.tls import check_pair
from providers.url import build_url, parse_url

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class HttpSettings(ProviderSettings):
    """A folder of a web server, to be read."""

    type: Literal["http"] = Field(
        default="http", title="Type", description="Files of a web server, read only."
    )
    url: str = Field(
        title="URL", description="Address of the folder, without a query and without a password."
    )
    targets: list[str] = Field(
        default_factory=list,
        title="Files",
        description="Paths below the URL to take instead of a listing.",
    )
    manifest: str = Field(
        default="",
        title="Manifest",
        description="Path below the URL of a file such as PULP_MANIFEST or SHA256SUMS.",
    )
    query: SecretStr = Field(
        default=SecretStr(""),
        title="Query",
        description="Query string of every request, such as a shared access signature.",
    )
    headers: dict[str, str | list[str]] = Field(
        default_factory=dict,
        title="Headers",
        description="Headers of every request; a list sends a header several times.",
    )
    username: str = Field(default="", title="User", description="User of basic authentication.")
    password: SecretStr = Field(
        default=SecretStr(""), title="Password", description="Password of basic authentication."
    )
    bearer_token: SecretStr = Field(
        default=SecretStr(""),
        title="Bearer token",
        description="Token of the Authorization header, instead of user and password.",
    )
    certificate: str = Field(
        default="",
        title="CA certificates",
        description="PEM text, or the path of a file, of authorities trusted beside the system's.",
    )
    client_certificate: str = Field(
        default="",
        title="Client certificate",
        description="PEM text or path of the certificate that the server asks of us.",
    )
    client_key: SecretStr = Field(
        default=SecretStr(""),
        title="Client key",
        description="PEM text or path of the key of the client certificate.",
    )
    verify_tls: bool = Field(
        default=True,
        title="Check certificates",
        description="Refuse servers whose certificate is not trusted.",
    )
    proxy_url: str = Field(
        default="", title="Proxy", description="URL of an HTTP proxy, without a password."
    )
    proxy_username: str = Field(
        default="", title="Proxy user", description="User that the proxy asks for."
    )
    proxy_password: SecretStr = Field(
        default=SecretStr(""), title="Proxy password", description="Password of the proxy's user."
    )

    @field_validator("url")
    @classmethod
    def _canonical(cls, value: str) -> str:
        parsed = parse_url(value.strip())
        if parsed.scheme not in DEFAULT_PORTS or not parsed.host:
            raise InvalidInput("the URL must begin with http:// or https:// and name a host")
        if parsed.user:
            raise InvalidInput("the user belongs into its own field, not into the URL")
        if parsed.raw_query:
            raise InvalidInput("the query belongs into its own field, not into the URL")
        port = "" if parsed.port in (None, DEFAULT_PORTS[parsed.scheme]) else f":{parsed.port}"
        host = f"[{parsed.host}]" if ":" in parsed.host else parsed.host
        return build_url(parsed.scheme, host.lower() + port, parsed.path)

    @field_validator("targets")
    @classmethod
    def _safe(cls, value: list[str]) -> list[str]:
        return [check_path(one) for one in value]

    @field_validator("headers")
    @classmethod
    def _sendable(cls, value: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        for name, values in value.items():
            for one in [values] if isinstance(values, str) else values:
                check_header(name, one)
        return value

    @model_validator(mode="after")
    def _consistent(self) -> HttpSettings:
        check_pair(self.client_certificate, self.client_key)
        if self.username and self.bearer_token.get_secret_value():
            raise InvalidInput("give user and password, or a bearer token, not both")
        if self.proxy_url:
            Proxy(self.proxy_url).origin()
        if self.proxy_username and not self.proxy_url:
            raise InvalidInput("a proxy user was given without the proxy's URL")
        return self

    def address(self) -> str:
        """Return the folder's URL; where a manifest or files are named, that is told apart."""
        return f"{self.url}/{self.manifest}" if self.manifest else self.url

    def connection_key(self) -> tuple[object, ...]:
        """Return TLS, proxy and authentication; URL and headers go with each request (PM-10)."""
        return (
            self.certificate,
            self.client_certificate,
            self.client_key.get_secret_value(),
            self.verify_tls,
            self.proxy_url,
            self.proxy_username,
            self.proxy_password.get_secret_value(),
            self.username,
            self.password.get_secret_value(),
            self.bearer_token.get_secret_value(),
        )

    def open(self, options: OpenOptions) -> HttpStorage:
        """Open the folder; nothing is asked of the server yet."""
        return HttpStorage(
            self.client(options),
            self.url,
            query=self.query,
            targets=tuple(self.targets),
            manifest=self.manifest,
            threads=options.connections,
        )

    def client(self, options: OpenOptions) -> HttpClient:
        """Return a client with this place's credentials."""
        headers = dict(self.headers)
        if token := self.bearer_token.get_secret_value():
            headers["Authorization"] = f"Bearer {token}"
        proxy = Proxy(self.proxy_url, self.proxy_username, self.proxy_password)
        return HttpClient(
            ClientOptions(
                headers=headers,
                username=self.username,
                password=self.password,
                tls=Tls(
                    self.certificate, self.client_certificate, self.client_key, self.verify_tls
                ),
                proxy=proxy if self.proxy_url else None,
                timeouts=options.timeouts,
                connections=options.connections,
            )
        )

    def filesystem(self) -> AbstractFileSystem:
        """Return fsspec's HTTP filesystem, for looking around; it knows user and headers only."""
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
        """Read `https://host/folder?query`; a manifest as its last segment is the manifest."""
        split = split_manifest(url)
        folder, manifest = split or (url, "")
        parsed = parse_url(folder)
        place, _, query = folder.partition("?")
        if parsed.user:
            bare = place.replace(f"{parsed.user}@", "", 1)
            return cls(url=bare, manifest=manifest, query=SecretStr(query), username=parsed.user)
        return cls(url=place, manifest=manifest, query=SecretStr(query))
