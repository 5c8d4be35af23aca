"""Settings fields shared by several providers: TLS and an HTTP proxy.

Each is a type with its title and description, so that every provider can order its own form:
`certificate: Authorities = ""`.
"""

from __future__ import annotations

from typing import Annotated, Protocol

from pydantic import Field, SecretStr

from catalog.errors import InvalidInput
from providers.shared.origin import Proxy, Tls
from providers.shared.tls_context import check_pair

Authorities = Annotated[
    str,
    Field(
        title="CA certificates",
        description="Additional CA certificates to trust, as PEM text or the path of a file.",
    ),
]
ClientCertificate = Annotated[
    str,
    Field(
        title="Client certificate",
        description="Certificate to present to the server, as PEM text or the path of a file.",
    ),
]
ClientKey = Annotated[
    SecretStr,
    Field(
        title="Client key",
        description="Private key of the client certificate, as PEM text or the path of a file.",
    ),
]
VerifyTls = Annotated[
    bool,
    Field(
        title="Check certificates",
        description="Reject servers whose certificate is not trusted.",
    ),
]
ProxyUrl = Annotated[
    str, Field(title="Proxy", description="URL of an HTTP proxy, without credentials.")
]
ProxyUsername = Annotated[str, Field(title="Proxy user", description="User name for the proxy.")]
ProxyPassword = Annotated[
    SecretStr, Field(title="Proxy password", description="Password for the proxy.")
]


class TlsAndProxyFields(Protocol):
    """TLS and proxy settings of a provider."""

    certificate: Authorities
    client_certificate: ClientCertificate
    client_key: ClientKey
    verify_tls: VerifyTls
    proxy_url: ProxyUrl
    proxy_username: ProxyUsername
    proxy_password: ProxyPassword


def check_tls_and_proxy(settings: TlsAndProxyFields) -> None:
    """Refuse an incomplete client certificate, and an invalid proxy."""
    check_pair(settings.client_certificate, settings.client_key)
    if settings.proxy_url:
        Proxy(settings.proxy_url).origin()
    if settings.proxy_username and not settings.proxy_url:
        raise InvalidInput("a proxy user needs the proxy's URL")


def tls_of(settings: TlsAndProxyFields) -> Tls:
    """Return the TLS settings."""
    pair = (settings.client_certificate, settings.client_key)
    return Tls(settings.certificate, *pair, settings.verify_tls)


def proxy_of(settings: TlsAndProxyFields) -> Proxy | None:
    """Return the proxy, if there is one."""
    if not settings.proxy_url:
        return None
    return Proxy(settings.proxy_url, settings.proxy_username, settings.proxy_password)


def tls_and_proxy_key(settings: TlsAndProxyFields) -> tuple[object, ...]:
    """Return the values that a connection depends on."""
    return (
        settings.certificate,
        settings.client_certificate,
        settings.client_key.get_secret_value(),
        settings.verify_tls,
        settings.proxy_url,
        settings.proxy_username,
        settings.proxy_password.get_secret_value(),
    )
