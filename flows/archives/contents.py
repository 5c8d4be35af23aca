"""What of each repository goes into an archive: decided before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from transfer.archive.read import read_toc

OTHERS = "*"  # the name that an import gives to all others


@dataclass(frozen=True, slots=True)
class ArchivePart:
    """The versions of one repository that an archive holds, the lowest first."""

    name: str
    repository: Repository
    since: int | None
    numbers: tuple[int, ...]


def named(
    given: Repository | str | Sequence[Repository | str] | Mapping[str, Repository | str],
) -> dict[str, Repository]:
    """Return repositories by their names in the archive: those given, or else their labels."""
    if isinstance(given, Mapping):
        found = {name: resolved(one) for name, one in given.items()}
    else:
        several = [given] if isinstance(given, Repository | str) else given
        every = [resolved(one) for one in several]
        found = {one.label: one for one in every}
        if len(found) < len(every):
            raise InvalidInput(f"a repository is named twice: {[one.label for one in every]}")
    if not found:
        raise InvalidInput("an archive needs at least one repository, found none")
    if wrong := {"", OTHERS} & found.keys():
        raise InvalidInput(f"{min(wrong)!r} cannot be a repository's name in an archive")
    if len({one.address for one in found.values()}) < len(found):
        raise InvalidInput(f"two of {list(found)} are the same repository")
    return found


def parts(
    catalog: Catalog,
    repositories: Mapping[str, Repository],
    versions: Sequence[int] | Mapping[str, Sequence[int]] | None,
    since: int | str | Mapping[str, int] | None,
) -> tuple[ArchivePart, ...]:
    """Return what of each repository is to be exported.

    A repository in which nothing came after `since` takes part without a version where it is one
    of several: the other site's mapping names the same repositories each time.
    """
    bases = _bases(repositories, since)
    chosen = {} if versions is None else by_name(versions, tuple(repositories), "versions")
    found = tuple(
        ArchivePart(
            name, one, bases.get(name), _numbers(catalog, one, chosen.get(name), bases.get(name))
        )
        for name, one in repositories.items()
    )
    for part in found:
        if not part.numbers and (part.since is None or len(found) == 1):
            after = "" if part.since is None else f" after version {part.since}"
            raise InvalidInput(f"there is nothing to export: {part.name!r} has no version{after}")
    if not any(part.numbers for part in found):
        told = ", ".join(f"{one.name!r} after version {one.since}" for one in found)
        raise InvalidInput(f"there is nothing to export: no version of {told}")
    return found


def by_name(
    given: Sequence[int] | Mapping[str, Sequence[int]], names: Sequence[str], what: str
) -> dict[str, Sequence[int]]:
    """Return numbers by the name of their repository; one alone needs no name."""
    if not isinstance(given, Mapping):
        if len(names) != 1:
            raise InvalidInput(
                f"{what} of {len(names)} repositories are given by name, {{{names[0]!r}: …}}, "
                f"found {given!r}"
            )
        return {names[0]: given}
    if unknown := sorted(given.keys() - set(names)):
        raise InvalidInput(f"{what} names {unknown}; the repositories are {list(names)}")
    return dict(given)


def _bases(
    repositories: Mapping[str, Repository], since: int | str | Mapping[str, int] | None
) -> dict[str, int]:
    """Return the number of the version that the other site holds, where it holds one."""
    if since is None:
        return {}
    if isinstance(since, str) and not since.isdigit():
        return _bases_of_toc(repositories, since)
    if not isinstance(since, Mapping):
        since = dict.fromkeys(by_name([int(since)], tuple(repositories), "since"), int(since))
    by_name({name: [number] for name, number in since.items()}, tuple(repositories), "since")
    return dict(since)


def _bases_of_toc(repositories: Mapping[str, Repository], toc: str) -> dict[str, int]:
    """Return what a site holds that has imported an archive; it may be less than is wanted."""
    former = read_toc(Path(toc).expanduser()).archive.repositories
    held = {one.address: one.newest for one in former}
    if not any(one.address in held for one in repositories.values()):
        wanted = [one.address for one in repositories.values()]
        raise InvalidInput(f"{toc!r} is of {list(held)}, not of {wanted}")
    found = {name: held.get(one.address) for name, one in repositories.items()}
    return {name: number for name, number in found.items() if number is not None}


def _numbers(
    catalog: Catalog, origin: Repository, given: Sequence[int] | None, base: int | None
) -> tuple[int, ...]:
    """Return the numbers to export, the lowest first; version 0 is empty and never among them."""
    if given is None:
        known = [one.number for one in catalog.versions.all(origin.address) if one.number]
        return tuple(known[-1:] if base is None else [one for one in known if one > base])
    if not given:
        raise InvalidInput(f"no version of {origin.label!r} is named")
    if min(given) < 1 or (base is not None and min(given) <= base):
        raise InvalidInput(
            f"version {min(given)} of {origin.label!r} cannot be exported: "
            f"all must be after {base or 0}"
        )
    return tuple(sorted(set(given)))
