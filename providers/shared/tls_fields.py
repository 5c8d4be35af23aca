"""Fields that several providers ask a person for alike: TLS and an HTTP proxy.

Each is a type with its title and description, so that every provider keeps the order of its own
form: `certificate: Authorities = ""`.
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
        description="PEM text, or the path of a file, of authorities trusted beside the system's.",
    ),
]
ClientCertificate = Annotated[
    str,
    Field(
        title="Client certificate",
        description="PEM text or path of the certificate that the server asks of us.",
    ),
]
ClientKey = Annotated[
    SecretStr,
    Field(
        title="Client key",
        description="PEM text or path of the key of the client certificate.",
    ),
]
VerifyTls = Annotated[
    bool,
    Field(
        title="Check certificates", description="Refuse servers whose certificate is not trusted."
    ),
]
ProxyUrl = Annotated[
    str, Field(title="Proxy", description="URL of an HTTP proxy, without a password.")
]
ProxyUsername = Annotated[
    str, Field(title="Proxy user", description="User that the proxy asks for.")
]
ProxyPassword = Annotated[
    SecretStr, Field(title="Proxy password", description="Password of the proxy's user.")
]


class TlsAndProxyFields(Protocol):
    """Settings of a provider over HTTP: how its servers are reached."""

    certificate: Authorities
    client_certificate: ClientCertificate
    client_key: ClientKey
    verify_tls: VerifyTls
    proxy_url: ProxyUrl
    proxy_username: ProxyUsername
    proxy_password: ProxyPassword


def check_tls_and_proxy(settings: TlsAndProxyFields) -> None:
    """Refuse a half of a client certificate, and a proxy that is none."""
    check_pair(settings.client_certificate, settings.client_key)
    if settings.proxy_url:
        Proxy(settings.proxy_url).origin()
    if settings.proxy_username and not settings.proxy_url:
        raise InvalidInput("a proxy user was given without the proxy's URL")


def tls_of(settings: TlsAndProxyFields) -> Tls:
    """Return what a TLS connection needs."""
    pair = (settings.client_certificate, settings.client_key)
    return Tls(settings.certificate, *pair, settings.verify_tls)


def proxy_of(settings: TlsAndProxyFields) -> Proxy | None:
    """Return the proxy, where there is one."""
    if not settings.proxy_url:
        return None
    return Proxy(settings.proxy_url, settings.proxy_username, settings.proxy_password)


def tls_and_proxy_key(settings: TlsAndProxyFields) -> tuple[object, ...]:
    """Return all of it that decides a connection."""
    return (
        settings.certificate,
        settings.client_certificate,
        settings.client_key.get_secret_value(),
        settings.verify_tls,
        settings.proxy_url,
        settings.proxy_username,
        settings.proxy_password.get_secret_value(),
    )
