"""What every provider over HTTP asks of a person: authentication, TLS, headers, proxy."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from catalog.errors import InvalidInput
from catalog.paths import clean_prefix
from providers.base import OpenOptions, ProviderSettings
from providers.http_client import ClientOptions, HttpClient, check_header
from providers.http_origin import DEFAULT_PORTS, Proxy, Tls
from providers.http_pool import Pools
from providers.tls import check_pair
from providers.url import build_url, parse_url, quote_path


class WebSettings(ProviderSettings):
    """The part of the settings that decides an HTTP client."""

    root_field: ClassVar[str] = "url"

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

    @field_validator("headers")
    @classmethod
    def _sendable(cls, value: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        for name, values in value.items():
            for one in [values] if isinstance(values, str) else values:
                check_header(name, one)
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check_pair(self.client_certificate, self.client_key)
        if self.username and self.bearer_token.get_secret_value():
            raise InvalidInput("give user and password, or a bearer token, not both")
        if self.proxy_url:
            Proxy(self.proxy_url).origin()
        if self.proxy_username and not self.proxy_url:
            raise InvalidInput("a proxy user was given without the proxy's URL")
        return self

    def below(self, path: str) -> Self:
        """Return the same place, rooted at the folder `path` below."""
        return super().below(quote_path(clean_prefix(path)))

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

    def connect(self, options: OpenOptions) -> Pools:
        """Return pools of connections; nothing is asked of any server yet."""
        return self._client_options(options).pools()

    def client(self, pools: Pools, options: OpenOptions) -> HttpClient:
        """Return a client with this place's credentials and headers."""
        pools.admit(self.address())
        return HttpClient(self._client_options(options), pools)

    def _client_options(self, options: OpenOptions) -> ClientOptions:
        headers = dict(self.headers)
        if token := self.bearer_token.get_secret_value():
            headers["Authorization"] = f"Bearer {token}"
        proxy = Proxy(self.proxy_url, self.proxy_username, self.proxy_password)
        return ClientOptions(
            headers=headers,
            username=self.username,
            password=self.password,
            tls=Tls(self.certificate, self.client_certificate, self.client_key, self.verify_tls),
            proxy=proxy if self.proxy_url else None,
            timeouts=options.timeouts,
            connections=options.connections,
        )


def canonical_url(value: str) -> str:
    """Return an http(s) URL with a lower-case host and without a needless port or slash."""
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
