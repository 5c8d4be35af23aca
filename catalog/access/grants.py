"""Grants: what a token allows, and of what: a whole tenant, a prefix of resources, one repository.

>>> given = (Grant.parse("writer:prefix:models/"), Grant.parse("reader:repository:mirror"))
>>> [allows(given, Role.WRITER, OfResource(one)) for one in ("models/a.bin", "modelsx/a.bin")]
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
    """What a token may do: each role may do all that the ones before it may."""

    READER = "reader"
    WRITER = "writer"
    ADMIN = "admin"

    def allows(self, needed: Role) -> bool:
        """Say whether whoever has this role may do what `needed` may."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)


class Reach(StrEnum):
    """How far a grant reaches."""

    TENANT = "tenant"
    PREFIX = "prefix"
    REPOSITORY = "repository"


@dataclass(frozen=True, slots=True)
class OfTenant:
    """What belongs to a tenant as a whole: its profile, its flows, and whatever is no other."""

    def __str__(self) -> str:
        """Return it in words."""
        return "the whole tenant"


@dataclass(frozen=True, slots=True)
class OfResource:
    """A resource of this name, or all below it as a folder."""

    name: str

    def __str__(self) -> str:
        """Return it in words."""
        return f"the resource {self.name!r}"


@dataclass(frozen=True, slots=True)
class OfRepository:
    """A repository, under the name by which it is served, with its versions and files."""

    name: str

    def __str__(self) -> str:
        """Return it in words."""
        return f"the repository {self.name!r}"


Thing = OfTenant | OfResource | OfRepository


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, and how far it reaches: `name` is the prefix or the repository, '' for a tenant.

    A prefix ends where a part of a name does: `models` is `models` itself and all below it.
    """

    role: Role
    reach: Reach = Reach.TENANT
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Grant:
        """Read `ROLE:prefix:PREFIX` or `ROLE:repository:NAME`.

        >>> str(Grant.parse("writer:prefix:/models/fraud/"))
        'writer:prefix:models/fraud'
        """
        role, _, rest = text.partition(":")
        reach, _, name = rest.partition(":")
        if role not in set(Role) or reach not in {Reach.PREFIX, Reach.REPOSITORY}:
            raise InvalidInput(
                f"{text[:200]!r} is no grant: expected ROLE:prefix:PREFIX or ROLE:repository:NAME, "
                f"with a role of {', '.join(Role)}"
            )
        return cls(Role(role), Reach(reach), _normalized_name(Reach(reach), name))

    def __str__(self) -> str:
        """Return it as `parse` reads it; the role alone where it is for a whole tenant."""
        return f"{self.role}:{self.reach}:{self.name}" if self.name else str(self.role)

    def covers(self, thing: Thing) -> bool:
        """Say whether it reaches a thing."""
        if self.reach is Reach.TENANT:
            return True
        if self.reach is Reach.PREFIX and isinstance(thing, OfResource):
            return thing.name == self.name or thing.name.startswith(f"{self.name}/")
        if self.reach is Reach.REPOSITORY and isinstance(thing, OfRepository):
            return thing.name == self.name
        return False


Grants = tuple[Grant, ...]


def allows(grants: Iterable[Grant], need: Role, thing: Thing) -> bool:
    """Say whether any of these grants is a role that may do what `need` may, with this thing."""
    return any(one.role.allows(need) and one.covers(thing) for one in grants)


def tenant_role(grants: Iterable[Grant]) -> Role | None:
    """Return the highest role in the tenant as a whole; None where there is none."""
    found = [one.role for one in grants if one.reach is Reach.TENANT]
    return max(found, key=list(Role).index, default=None)


def reachable_names(grants: Sequence[Grant], need: Role, reach: Reach) -> frozenset[str] | None:
    """Return the prefixes, or the repositories, in which a role is given; None where everywhere."""
    if allows(grants, need, OfTenant()):
        return None
    return frozenset(one.name for one in grants if one.reach is reach and one.role.allows(need))


def grants_of_new_token(role: Role | None, grants: Iterable[Grant] = ()) -> Grants:
    """Return what a new token allows: a role in the whole tenant, or none, and further grants.

    Raises:
        InvalidInput: that is nothing, or too much to look at with each request.
    """
    every = ((Grant(role),) if role is not None else ()) + tuple(dict.fromkeys(grants))
    if not every:
        raise InvalidInput("a token without a role and without a grant opens nothing")
    if len(every) > MAX_GRANTS:
        raise InvalidInput(f"a token has {len(every)} grants, at most {MAX_GRANTS} are allowed")
    return every


def parse_recorded(role: str, reach: str, name: str) -> Grant | None:
    """Return a recorded grant; None where this program does not know what it is: it opens nothing.

    >>> parse_recorded("owner", "tenant", "") is parse_recorded("reader", "planet", "earth") is None
    True
    """
    if role not in set(Role) or reach not in set(Reach) or (reach == Reach.TENANT) == bool(name):
        return None
    return Grant(Role(role), Reach(reach), name)


def _normalized_name(reach: Reach, text: str) -> str:
    """Return a prefix or a repository's name in the one form in which it is compared."""
    if len(text) > MAX_NAME_LENGTH:
        raise InvalidInput(f"the {reach} {text[:80]!r} has more than {MAX_NAME_LENGTH} characters")
    if reach is Reach.REPOSITORY:
        if not text or {"/", "@"} & set(text):
            raise InvalidInput(f"{text!r} is no name of a repository: expected one as it is served")
        return text
    name = text.removeprefix("/").removesuffix("/")
    if not name:
        raise InvalidInput("an empty prefix is all of a tenant: give a role instead")
    return check_path(name)
