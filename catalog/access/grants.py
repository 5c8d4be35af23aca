"""Grants: what a token allows, and where: in a whole tenant, below a prefix, in one repository.

>>> given = (Grant.parse("writer:prefix:models/"), Grant.parse("reader:repository:mirror"))
>>> [allows(given, Role.WRITER, OfResource(name)) for name in ("models/a.bin", "modelsx/a.bin")]
[True, False]
>>> allows(given, Role.READER, OfRepository("mirror")), allows(given, Role.READER, OfTenant())
(True, False)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from catalog.errors import InvalidInput
from catalog.paths import check_path

MAX_GRANTS = 100  # grants of one token
MAX_NAME_LENGTH = 1024  # characters of a prefix or a name


class Role(StrEnum):
    """What a token may do; each role includes the ones before it."""

    READER = "reader"
    WRITER = "writer"
    ADMIN = "admin"

    def allows(self, needed: Role) -> bool:
        """Say whether this role includes `needed`."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)


class GrantScope(StrEnum):
    """How far a grant reaches."""

    TENANT = "tenant"
    PREFIX = "prefix"
    REPOSITORY = "repository"


@dataclass(frozen=True, slots=True)
class OfTenant:
    """What belongs to a tenant as a whole: its profile, its flows, and all that is not named."""

    def __str__(self) -> str:
        """Return a description for messages."""
        return "the whole tenant"


@dataclass(frozen=True, slots=True)
class OfResource:
    """The resource of this name, or everything below it as a folder."""

    name: str

    def __str__(self) -> str:
        """Return a description for messages."""
        return f"the resource {self.name!r}"


@dataclass(frozen=True, slots=True)
class OfRepository:
    """A repository, by the name under which it is served, with its versions and files."""

    name: str

    def __str__(self) -> str:
        """Return a description for messages."""
        return f"the repository {self.name!r}"


Thing = OfTenant | OfResource | OfRepository


@dataclass(frozen=True, slots=True)
class Grant:
    """A role and its reach: `name` is the prefix or the repository, '' for a tenant.

    A prefix covers whole name segments: `models` is `models` itself and everything below it.
    """

    role: Role
    reach: GrantScope = GrantScope.TENANT
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Grant:
        """Read `ROLE:prefix:PREFIX` or `ROLE:repository:NAME`.

        >>> str(Grant.parse("writer:prefix:/models/fraud/"))
        'writer:prefix:models/fraud'
        """
        role, _, rest = text.partition(":")
        reach, _, name = rest.partition(":")
        if role not in set(Role) or reach not in {GrantScope.PREFIX, GrantScope.REPOSITORY}:
            raise InvalidInput(
                f"{text[:200]!r} is not a grant: expected ROLE:prefix:PREFIX or "
                f"ROLE:repository:NAME, where ROLE is one of {', '.join(Role)}"
            )
        return cls(Role(role), GrantScope(reach), _normalized_name(GrantScope(reach), name))

    def __str__(self) -> str:
        """Return it as `parse` reads it; the role alone for a whole tenant."""
        return f"{self.role}:{self.reach}:{self.name}" if self.name else str(self.role)

    def covers(self, thing: Thing) -> bool:
        """Say whether it reaches `thing`."""
        if self.reach is GrantScope.TENANT:
            return True
        if self.reach is GrantScope.PREFIX and isinstance(thing, OfResource):
            return thing.name == self.name or thing.name.startswith(f"{self.name}/")
        if self.reach is GrantScope.REPOSITORY and isinstance(thing, OfRepository):
            return thing.name == self.name
        return False


Grants = tuple[Grant, ...]


def allows(grants: Iterable[Grant], need: Role, thing: Thing) -> bool:
    """Say whether one of these grants gives the role `need` for `thing`."""
    return any(grant.role.allows(need) and grant.covers(thing) for grant in grants)


def tenant_role(grants: Iterable[Grant]) -> Role | None:
    """Return the highest role in the whole tenant; None without one."""
    roles = [grant.role for grant in grants if grant.reach is GrantScope.TENANT]
    return max(roles, key=list(Role).index, default=None)


def reachable_names(
    grants: Sequence[Grant], need: Role, reach: GrantScope
) -> frozenset[str] | None:
    """Return the prefixes, or the repositories, in which a role is granted; None for everywhere."""
    if allows(grants, need, OfTenant()):
        return None
    return frozenset(
        grant.name for grant in grants if grant.reach is reach and grant.role.allows(need)
    )


def grants_of_new_token(role: Role | None, grants: Iterable[Grant] = ()) -> Grants:
    """Return the grants of a new token: a role in the whole tenant, if any, and further grants.

    Raises:
        InvalidInput: there are none, or too many to check with each request.
    """
    every = ((Grant(role),) if role is not None else ()) + tuple(dict.fromkeys(grants))
    if not every:
        raise InvalidInput("a token needs a role or at least one grant, found neither")
    if len(every) > MAX_GRANTS:
        raise InvalidInput(f"a token can have at most {MAX_GRANTS} grants, found {len(every):,}")
    return every


def parse_recorded(role: str, reach: str, name: str) -> Grant | None:
    """Return a recorded grant; None for one that this program does not know: it allows nothing.

    >>> parse_recorded("owner", "tenant", "") is parse_recorded("reader", "planet", "earth") is None
    True
    """
    if (
        role not in set(Role)
        or reach not in set(GrantScope)
        or (reach == GrantScope.TENANT) == bool(name)
    ):
        return None
    return Grant(Role(role), GrantScope(reach), name)


def _normalized_name(reach: GrantScope, text: str) -> str:
    """Return a prefix or a repository's name in the form in which it is compared."""
    if len(text) > MAX_NAME_LENGTH:
        raise InvalidInput(
            f"the {reach} {text[:80]!r}… is too long: expected at most {MAX_NAME_LENGTH:,} "
            f"characters, found {len(text):,}"
        )
    if reach is GrantScope.REPOSITORY:
        if not text or {"/", "@"} & set(text):
            raise InvalidInput(
                f"{text!r} is not the name of a repository: it is empty or has / or @"
            )
        return text
    name = text.removeprefix("/").removesuffix("/")
    if not name:
        raise InvalidInput("an empty prefix means the whole tenant: give a role instead")
    return check_path(name)
