"""Who may: a bearer token of the tenant, whose role allows what is asked.

Without any token in the catalog, which only a gateway that listens on loopback allows, whoever
reaches it may do everything. A browser gives the token as the password of HTTP's basic login.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from catalog.store import Catalog
from catalog.token import KnownToken, Role, checked
from gateway.replies import Refused

# Chromium asks for a login only where the header begins with Basic: it reads no list.
ASK = {"WWW-Authenticate": 'Basic realm="entrepot", Bearer realm="entrepot"'}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the id of the token, None without one, and what it allows in which tenant."""

    tenant: str
    role: Role
    token_id: str | None = None


class Doors:
    """Lets callers in; what the catalog knows of tokens is asked anew when anything changed."""

    def __init__(self, catalog: Catalog, anonymous: Mapping[str, bool]) -> None:
        """Ask `catalog`; `anonymous` says in which tenants anybody may read."""
        self._catalog = catalog
        self._anonymous = dict(anonymous)
        self._lock = threading.Lock()
        self._known: Mapping[str, KnownToken] = {}
        self._generation: object = None

    def known(self) -> Mapping[str, KnownToken]:
        """Return every token, of all tenants."""
        generation = self._catalog.generation()
        with self._lock:
            if generation == self._generation:
                return self._known
        known = self._catalog.known_tokens()
        with self._lock:
            self._known, self._generation = known, generation
        return known

    def fresh(self) -> bool:
        """Say whether `known` can answer without opening the catalog."""
        return self._generation == self._catalog.generation()

    def caller(
        self, tenant: str, authorization: str | None, need: Role, *, host: str = "localhost"
    ) -> Caller:
        """Return who asks; `host` is the name under which the gateway was asked.

        Raises:
            Refused: 401 without a valid token, 403 with one that does not allow it.
        """
        known = self.known()
        text = presented(authorization)
        if text is None:
            if not known and not is_loopback(host_of(host)):
                # A page elsewhere may let its own name lead here (DNS rebinding).
                raise Refused(403, "without tokens only this machine may ask", kind="Forbidden")
            if not known and tenant in self._anonymous:
                return Caller(tenant, Role.ADMIN)
            if not known:
                raise Refused(404, f"there is no tenant {tenant!r}", kind="TenantNotFound")
            if self._anonymous.get(tenant) and need is Role.READER:
                return Caller(tenant, Role.READER)
            raise Refused(401, "a token is needed", kind="Unauthorized", headers=ASK)
        token = checked(known, text, datetime.now(UTC))
        if token is None:
            raise Refused(401, "the token is not valid", kind="Unauthorized", headers=ASK)
        if token.tenant != tenant:
            raise Refused(403, "the token is of another tenant", kind="Forbidden")
        if tenant not in self._anonymous:
            raise Refused(404, f"there is no tenant {tenant!r}", kind="TenantNotFound")
        if not token.role.allows(need):
            raise Refused(
                403, f"a {token.role} may not do this: it takes a {need}", kind="Forbidden"
            )
        return Caller(tenant, token.role, token.token_id)


def presented(authorization: str | None) -> str | None:
    """Return the token that a header presents; '' where it presents something else.

    >>> presented("Bearer ent_x"), presented(None), presented("Digest a"), presented("Basic Ong=")
    ('ent_x', None, '', 'x')
    """
    if authorization is None:
        return None
    scheme, _, value = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches an address.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("10.0.0.1")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(header: str) -> str:
    """Return the host that a Host header names, without its port.

    >>> host_of("127.0.0.1:4242"), host_of("[::1]:80"), host_of("localhost")
    ('127.0.0.1', '::1', 'localhost')
    """
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]
