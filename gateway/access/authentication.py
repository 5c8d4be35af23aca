"""Authenticates callers by the bearer tokens of a tenant, and checks their grants.

The gateway is open, with full access for everyone who can reach it, only if at its start it listens
on loopback and the catalog has no tokens. It closes with the first token, and never opens again. A
browser sends the token as the password of basic authentication.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from starlette.datastructures import Headers
from starlette.types import Scope

from catalog.access.grants import (
    Grant,
    Grants,
    GrantScope,
    OfRepository,
    OfTenant,
    Role,
    Thing,
    allows,
    reachable_names,
    tenant_role,
)
from catalog.access.tokens import KnownToken, verify_token
from catalog.catalog import Catalog
from gateway.access.peer import NOBODY, Peer
from gateway.access.signed_links import NOBODY as LINKED
from gateway.http.errors import RequestRefused

# Chromium only prompts for a login if the header begins with Basic: it does not parse lists.
CHALLENGE = {"WWW-Authenticate": 'Basic realm="entrepot", Bearer realm="entrepot"'}


_READS = Grant(Role.READER)


class AccessMode(Enum):
    """Who has access: everyone on this machine, or callers with a token."""

    OPEN = "open"
    CLOSED = "closed"


def decide_openness(*, local: bool, tokens: bool) -> AccessMode:
    """Decide at the start by where the gateway listens and whether there are tokens.

    >>> decide_openness(local=True, tokens=False), decide_openness(local=False, tokens=False)
    (<AccessMode.OPEN: 'open'>, <AccessMode.CLOSED: 'closed'>)
    """
    return AccessMode.OPEN if local and not tokens else AccessMode.CLOSED


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller: the id of its token, None without one, and its grants in a tenant."""

    tenant: str
    grants: Grants
    token_id: str | None = None
    anonymous: bool = False  # allowed without a token

    def may(self, need: Role, thing: Thing) -> bool:
        """Return whether the caller has the role `need` for a thing of the tenant."""
        return allows(self.grants, need, thing)

    def check(self, need: Role, thing: Thing) -> None:
        """Require the role `need` for a thing, whether it exists or not.

        Raises:
            Refused: 403 if no grant allows it, 401 without a token.
        """
        if self.may(need, thing):
            return
        if self.anonymous:
            raise RequestRefused(401, "a token is required", kind="Unauthorized", headers=CHALLENGE)
        role = tenant_role(self.grants)
        if all(grant.reach is GrantScope.TENANT for grant in self.grants) and role is not None:
            message = f"this needs the role {need}, and the token has the role {role}"
        else:
            message = f"this needs the role {need} for {thing}, which the token does not have"
        raise RequestRefused(403, message, kind="Forbidden")

    def check_somewhere(self, need: Role) -> None:
        """Require the role `need` for anything, for lists of what the caller may see."""
        if not any(grant.role.allows(need) for grant in self.grants):
            self.check(need, OfTenant())

    def prefixes(self, need: Role) -> frozenset[str] | None:
        """Return the prefixes for which the caller has a role; None for all."""
        return reachable_names(self.grants, need, GrantScope.PREFIX)

    def repositories(self, need: Role) -> frozenset[str] | None:
        """Return the repositories for which the caller has a role; None for all."""
        return reachable_names(self.grants, need, GrantScope.REPOSITORY)


class Authenticator:
    """Authenticates callers; reloads the tokens when the catalog changes."""

    def __init__(
        self, catalog: Catalog, anonymous: Mapping[str, bool], operators: Collection[str] = ()
    ) -> None:
        """Use the tokens of `catalog`; initially closed.

        `anonymous` are the tenants, and whether reading them needs no token; `operators` are the
        ids of tokens that see the metrics of all tenants.
        """
        self._operators = frozenset(operators)
        self._catalog = catalog
        self._anonymous = dict(anonymous)
        self._lock = threading.Lock()
        self._known: Mapping[str, KnownToken] = {}
        self._generation: object = None
        self.openness = AccessMode.CLOSED

    def set_openness(self, *, local: bool) -> None:
        """Set who has access; `local`: only this machine can reach the gateway."""
        self.openness = decide_openness(local=local, tokens=bool(self.known_tokens()))

    def known_tokens(self) -> Mapping[str, KnownToken]:
        """Return the tokens of all tenants.

        Raises:
            CatalogUnavailable: the tokens are unknown, so that nobody has access.
        """
        if self.is_fresh():
            return self._known
        with self._lock:  # one thread queries for all
            generation = self._catalog.generation()
            if generation != self._generation:
                self._known = self._catalog.tokens.of_all_tenants()
                if self._known:
                    self.openness = AccessMode.CLOSED
                self._generation = generation
            return self._known

    def is_fresh(self) -> bool:
        """Return whether `known_tokens` can answer without opening the catalog."""
        return self._generation == self._catalog.generation()

    def authenticate(
        self, tenant: str, authorization: str | None, *, peer: Peer = NOBODY
    ) -> Caller:
        """Return the caller, whose grants are still to be checked.

        Raises:
            Refused: 401 without a valid token, 403 with one of another tenant.
        """
        known = self.known_tokens()
        text = bearer_token(authorization)
        if text is None:
            return self._anonymous_caller(tenant, peer)
        token = verify_token(known, text, datetime.now(UTC))
        if token is None:
            raise RequestRefused(
                401, "the token is not valid", kind="Unauthorized", headers=CHALLENGE
            )
        if token.tenant != tenant:
            raise RequestRefused(403, "the token belongs to another tenant", kind="Forbidden")
        if tenant not in self._anonymous:
            raise RequestRefused(404, f"there is no tenant {tenant!r}", kind="TenantNotFound")
        # Callers with a token may also read what everyone may read.
        free = (_READS,) if self._anonymous[tenant] and _READS not in token.grants else ()
        return Caller(tenant, (*token.grants, *free), token.token_id)

    def may_maker_read(self, tenant: str, maker: str, repository: str) -> bool:
        """Return whether the maker of a link may still read: a valid token, or an open gateway."""
        if maker == LINKED:
            return self.openness is AccessMode.OPEN
        known = self.known_tokens().get(maker)
        return (
            known is not None
            and known.token.tenant == tenant
            and known.token.valid_at(datetime.now(UTC))
            and allows(known.token.grants, Role.READER, OfRepository(repository))
        )

    def visible_tenants(self, scope: Scope) -> frozenset[str] | None:
        """Return the tenants whose metrics a caller may see; None for all, as for operators.

        Operators are callers on this machine, and tokens in `operators`. Metrics are of a whole
        tenant, so that a token for parts of one sees none.
        """
        text = bearer_token(Headers(scope=scope).get("authorization"))
        if text is None:
            return None if Peer.of(scope).why_not_local() is None else frozenset()
        token = verify_token(self.known_tokens(), text, datetime.now(UTC))
        if token is None:
            raise RequestRefused(
                401, "the token is not valid", kind="Unauthorized", headers=CHALLENGE
            )
        if token.token_id in self._operators:
            return None
        return frozenset((token.tenant,) if token.role is not None else ())

    def _anonymous_caller(self, tenant: str, peer: Peer) -> Caller:
        if self.openness is AccessMode.OPEN:
            why = peer.why_not_local()
            if why is not None:
                message = f"without tokens only this machine has access: {why}"
                raise RequestRefused(403, message, kind="Forbidden")
            if tenant not in self._anonymous:
                raise RequestRefused(404, f"there is no tenant {tenant!r}", kind="TenantNotFound")
            return Caller(tenant, (Grant(Role.ADMIN),))
        if self._anonymous.get(tenant):
            return Caller(tenant, (_READS,), anonymous=True)
        raise RequestRefused(401, "a token is required", kind="Unauthorized", headers=CHALLENGE)


def bearer_token(authorization: str | None) -> str | None:
    """Return the token in an Authorization header; '' if it contains something else.

    >>> [bearer_token(one) for one in ("Bearer ent_x", None, "Digest a", "Basic Ong=")]
    ['ent_x', None, '', 'x']
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
