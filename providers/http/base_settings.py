"""Settings shared by all HTTP providers: authentication, TLS, headers, proxy."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, PrivateAttr, SecretStr, field_validator, model_validator

from catalog.errors import InvalidInput
from catalog.paths import clean_prefix
from providers.base import OpenOptions, ProviderSettings
from providers.connection import Connection
from providers.http.client import ClientOptions, HttpClient
from providers.http.egress_policy import EgressPolicy
from providers.http.headers import check_header
from providers.http.pool import Pools
from providers.shared.origin import DEFAULT_PORTS
from providers.shared.tls_fields import (
    Authorities,
    ClientCertificate,
    ClientKey,
    ProxyPassword,
    ProxyUrl,
    ProxyUsername,
    VerifyTls,
    check_tls_and_proxy,
    proxy_of,
    tls_and_proxy_key,
    tls_of,
)
from providers.shared.url import build_url, parse_url, quote_path


class WebSettings(ProviderSettings):
    """The settings of an HTTP client."""

    root_field: ClassVar[str] = "url"

    headers: dict[str, str | list[str]] = Field(
        default_factory=dict,
        title="Headers",
        description="Headers to send with every request; a list sends a header several times.",
    )
    username: str = Field(
        default="", title="User", description="User name for basic authentication."
    )
    password: SecretStr = Field(
        default=SecretStr(""), title="Password", description="Password for basic authentication."
    )
    bearer_token: SecretStr = Field(
        default=SecretStr(""),
        title="Bearer token",
        description="Token to send in the Authorization header instead of user and password.",
    )
    public_only: bool = Field(
        default=False,
        title="Public addresses only",
        description="Refuse to connect to addresses in private networks, also after DNS lookups and"
        " redirects. Not enforced through a proxy, which resolves names itself.",
    )
    certificate: Authorities = ""
    client_certificate: ClientCertificate = ""
    client_key: ClientKey = SecretStr("")
    verify_tls: VerifyTls = True
    proxy_url: ProxyUrl = ""
    proxy_username: ProxyUsername = ""
    proxy_password: ProxyPassword = SecretStr("")
    _egress_policy: EgressPolicy | None = PrivateAttr(default=None)

    @field_validator("headers")
    @classmethod
    def _check_headers(cls, value: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        for name, values in value.items():
            for one in [values] if isinstance(values, str) else values:
                check_header(name, one)
        return value

    @model_validator(mode="after")
    def _check_combination(self) -> Self:
        check_tls_and_proxy(self)
        if self.username and self.bearer_token.get_secret_value():
            raise InvalidInput("set user and password, or a bearer token, not both")
        return self

    def restricted(self, egress_policy: EgressPolicy) -> Self:
        """Return the same settings, restricted to an egress policy."""
        held = self.model_copy()
        held._egress_policy = egress_policy  # noqa: SLF001 - our own copy
        return held

    def below(self, path: str) -> Self:
        """Return the same settings with the subfolder `path` as the root."""
        return super().below(quote_path(clean_prefix(path)))

    def connection_key(self) -> tuple[object, ...]:
        """Return TLS, proxy and authentication; URL and headers are sent per request (PM-10)."""
        return (
            *tls_and_proxy_key(self),
            self.username,
            self.password.get_secret_value(),
            self.bearer_token.get_secret_value(),
            self.public_only,
            self._egress_policy,
        )

    def connect(self, options: OpenOptions) -> Connection:
        """Return pools of connections; no request is sent yet."""
        return self.pools(options)

    def pools(self, options: OpenOptions) -> Pools:
        """Return pools of connections."""
        return self._client_options(options).pools()

    def client(self, pools: Pools, options: OpenOptions, *, home: str | None = None) -> HttpClient:
        """Return a client with these credentials and headers, sent only to `home` if given."""
        pools.add_place(self.address())
        return HttpClient(self._client_options(options), pools, home=home)

    def _client_options(self, options: OpenOptions) -> ClientOptions:
        headers = dict(self.headers)
        if token := self.bearer_token.get_secret_value():
            headers["Authorization"] = f"Bearer {token}"
        return ClientOptions(
            headers=headers,
            username=self.username,
            password=self.password,
            tls=tls_of(self),
            proxy=proxy_of(self),
            timeouts=options.timeouts,
            connections=options.connections,
            public_only=self.public_only,
            egress_policy=self._egress_policy,
        )


def canonical_url(value: str) -> str:
    """Return an http(s) URL with a lower-case host and without default port or trailing slash."""
    parsed = parse_url(value.strip())
    if parsed.scheme not in DEFAULT_PORTS or not parsed.host:
        raise InvalidInput("the URL must start with http:// or https:// and contain a host")
    if parsed.user:
        raise InvalidInput("put the user in its own field, not in the URL")
    if parsed.raw_query:
        raise InvalidInput("put the query in its own field, not in the URL")
    port = "" if parsed.port in (None, DEFAULT_PORTS[parsed.scheme]) else f":{parsed.port}"
    host = f"[{parsed.host}]" if ":" in parsed.host else parsed.host
    return build_url(parsed.scheme, host.lower() + port, parsed.path)
