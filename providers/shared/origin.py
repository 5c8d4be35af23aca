"""Origins, TLS settings and proxies as values."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field

from pydantic import SecretStr

from catalog.errors import InvalidInput
from providers.shared.url import parse_url

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class WebOrigin:
    """Scheme, host and port; credentials are never sent to another origin."""

    scheme: str
    host: str
    port: int

    @property
    def label(self) -> str:
        """Return the origin as a URL writes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Tls:
    """Settings of a TLS connection; certificates and keys are PEM text or file paths."""

    authorities: str = ""
    client_certificate: str = ""
    client_key: SecretStr = field(default=SecretStr(""))
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; its credentials are not in `url` but in their own fields."""

    url: str
    username: str = ""
    password: SecretStr = field(default=SecretStr(""))

    def origin(self) -> WebOrigin:
        """Return the proxy's origin."""
        parsed = parse_url(self.url)
        if parsed.user:
            raise InvalidInput("put the proxy's user name in its own field, not in the URL")
        if parsed.scheme != "http":
            raise InvalidInput(f"only http:// proxies are supported, not {parsed.scheme}://")
        return WebOrigin("http", parsed.host, parsed.port or 3128)

    def authorization(self) -> bytes:
        """Return the Proxy-Authorization header line, or b'' without a user."""
        if not self.username:
            return b""
        return b"Proxy-Authorization: " + basic(self.username, self.password) + b"\r\n"


def basic(username: str, password: SecretStr) -> bytes:
    """Return the value of a basic Authorization header."""
    if ":" in username:
        raise InvalidInput("a user name for basic authentication must not contain a colon")
    return b"Basic " + b64encode(f"{username}:{password.get_secret_value()}".encode())
