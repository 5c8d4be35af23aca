"""Who asks: whoever shows a bearer token of the tenant, and what its grants let them do.

Whether the gateway is open, so that whoever reaches it may do everything, is decided once, at its
start: it listens on loopback, and the catalog has no token. It closes with the first token, and
never opens again. A browser gives the token as the password of HTTP's basic login.
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
    OfRepository,
    OfTenant,
    Reach,
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
from gateway.http.errors import Refused

# Chromium asks for a login only where the header begins with Basic: it reads no list.
ASK = {"WWW-Authenticate": 'Basic realm="entrepot", Bearer realm="entrepot"'}


_READS = Grant(Role.READER)


class Openness(Enum):
    """Who may ask: whoever is on this machine, or whoever has a token."""

    OPEN = "open"
    CLOSED = "closed"


def openness(*, local: bool, tokens: bool) -> Openness:
    """Decide, at the start, by where the gateway listens and whether there is any token.

    >>> openness(local=True, tokens=False), openness(local=False, tokens=False)
    (<Openness.OPEN: 'open'>, <Openness.CLOSED: 'closed'>)
    """
    return Openness.OPEN if local and not tokens else Openness.CLOSED


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the id of the token, None without one, and what it allows in which tenant."""

    tenant: str
    grants: Grants
    token_id: str | None = None
    anybody: bool = False  # whoever asked would have been let in

    def may(self, need: Role, thing: Thing) -> bool:
        """Say whether the caller may do what `need` may, with a thing of the tenant's."""
        return allows(self.grants, need, thing)

    def check(self, need: Role, thing: Thing) -> None:
        """Let the caller go on, whether there is such a thing or not.

        Raises:
            Refused: 403 where no grant allows it, 401 without a token.
        """
        if self.may(need, thing):
            return
        if self.anybody:
            raise Refused(401, "a token is needed", kind="Unauthorized", headers=ASK)
        role = tenant_role(self.grants)
        if all(one.reach is Reach.TENANT for one in self.grants) and role is not None:
            told = f"a {role} may not do this: it takes a {need}"
        else:
            told = f"this token may not do this: it takes a {need} of {thing}"
        raise Refused(403, told, kind="Forbidden")

    def check_somewhere(self, need: Role) -> None:
        """Let the caller go on to a list, of which only what may be seen will be shown."""
        if not any(one.role.allows(need) for one in self.grants):
            self.check(need, OfTenant())

    def prefixes(self, need: Role) -> frozenset[str] | None:
        """Return below which prefixes the caller has a role; None: everywhere."""
        return reachable_names(self.grants, need, Reach.PREFIX)

    def repositories(self, need: Role) -> frozenset[str] | None:
        """Return in which repositories the caller has a role; None: in all."""
        return reachable_names(self.grants, need, Reach.REPOSITORY)


class Authenticator:
    """Lets callers in; what the catalog knows of tokens is asked anew when anything changed."""

    def __init__(
        self, catalog: Catalog, anonymous: Mapping[str, bool], operators: Collection[str] = ()
    ) -> None:
        """Ask `catalog`; `anonymous` says in which tenants anybody may read. Closed as yet.

        `operators` are the ids of tokens that see the figures of every tenant.
        """
        self._operators = frozenset(operators)
        self._catalog = catalog
        self._anonymous = dict(anonymous)
        self._lock = threading.Lock()
        self._known: Mapping[str, KnownToken] = {}
        self._generation: object = None
        self.openness = Openness.CLOSED

    def decide(self, *, local: bool) -> None:
        """Decide who may ask from now on; `local` says that only this machine reaches us."""
        self.openness = openness(local=local, tokens=bool(self.known()))

    def known(self) -> Mapping[str, KnownToken]:
        """Return every token, of all tenants.

        Raises:
            CatalogUnavailable: nobody can say; nobody is let in then.
        """
        if self.fresh():
            return self._known
        with self._lock:  # one asks for all that come meanwhile
            generation = self._catalog.generation()
            if generation != self._generation:
                self._known = self._catalog.tokens.of_all_tenants()
                if self._known:
                    self.openness = Openness.CLOSED
                self._generation = generation
            return self._known

    def fresh(self) -> bool:
        """Say whether `known` can answer without opening the catalog."""
        return self._generation == self._catalog.generation()

    def caller(self, tenant: str, authorization: str | None, *, peer: Peer = NOBODY) -> Caller:
        """Return who asks, whose grants are still to be looked at; `peer` tells from where.

        Raises:
            Refused: 401 without a valid token, 403 with one of another tenant.
        """
        known = self.known()
        text = presented(authorization)
        if text is None:
            return self._without_token(tenant, peer)
        token = verify_token(known, text, datetime.now(UTC))
        if token is None:
            raise Refused(401, "the token is not valid", kind="Unauthorized", headers=ASK)
        if token.tenant != tenant:
            raise Refused(403, "the token is of another tenant", kind="Forbidden")
        if tenant not in self._anonymous:
            raise Refused(404, f"there is no tenant {tenant!r}", kind="TenantNotFound")
        # What anybody may read, whoever has a token may read too.
        free = (_READS,) if self._anonymous[tenant] and _READS not in token.grants else ()
        return Caller(tenant, (*token.grants, *free), token.token_id)

    def vouches(self, tenant: str, maker: str, repository: str) -> bool:
        """Say whether who made a link may still read: a token that holds, or an open gateway."""
        if maker == LINKED:
            return self.openness is Openness.OPEN
        known = self.known().get(maker)
        return (
            known is not None
            and known.token.tenant == tenant
            and known.token.valid_at(datetime.now(UTC))
            and allows(known.token.grants, Role.READER, OfRepository(repository))
        )

    def sees(self, scope: Scope) -> frozenset[str] | None:
        """Return the tenants whose figures a caller may see; None: all, as an operator does.

        Who asks on this machine itself is one, and whoever has a token that `operators` names. They
        are figures of tenants as a whole: a token for parts of one sees none.
        """
        text = presented(Headers(scope=scope).get("authorization"))
        if text is None:
            return None if Peer.of(scope).why_not_here() is None else frozenset()
        token = verify_token(self.known(), text, datetime.now(UTC))
        if token is None:
            raise Refused(401, "the token is not valid", kind="Unauthorized", headers=ASK)
        if token.token_id in self._operators:
            return None
        return frozenset((token.tenant,) if token.role is not None else ())

    def _without_token(self, tenant: str, peer: Peer) -> Caller:
        if self.openness is Openness.OPEN:
            why = peer.why_not_here()
            if why is not None:
                told = f"without tokens only this machine may ask: {why}"
                raise Refused(403, told, kind="Forbidden")
            if tenant not in self._anonymous:
                raise Refused(404, f"there is no tenant {tenant!r}", kind="TenantNotFound")
            return Caller(tenant, (Grant(Role.ADMIN),))
        if self._anonymous.get(tenant):
            return Caller(tenant, (_READS,), anybody=True)
        raise Refused(401, "a token is needed", kind="Unauthorized", headers=ASK)


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
