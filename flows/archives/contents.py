"""Which versions of each repository go into an archive, decided before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from transfer.archive.read import read_toc

OTHERS = "*"  # stands, in an import's mapping, for all other repositories


@dataclass(frozen=True, slots=True)
class ArchivePart:
    """The versions of one repository in an archive, lowest first."""

    name: str
    repository: Repository
    since: int | None
    numbers: tuple[int, ...]


def repositories_by_name(
    given: Repository | str | Sequence[Repository | str] | Mapping[str, Repository | str],
) -> dict[str, Repository]:
    """Return repositories by their names in the archive: the given names, or their labels."""
    if isinstance(given, Mapping):
        by_name = {name: resolved(reference) for name, reference in given.items()}
    else:
        references = [given] if isinstance(given, Repository | str) else given
        repositories = [resolved(reference) for reference in references]
        by_name = {repository.label: repository for repository in repositories}
        if len(by_name) < len(repositories):
            labels = [repository.label for repository in repositories]
            raise InvalidInput(f"a repository is given twice: {labels}")
    if not by_name:
        raise InvalidInput("an archive needs at least one repository, found none")
    if wrong := {"", OTHERS} & by_name.keys():
        raise InvalidInput(f"{min(wrong)!r} cannot be a repository's name in an archive")
    if len({repository.address for repository in by_name.values()}) < len(by_name):
        raise InvalidInput(f"two of {list(by_name)} are the same repository")
    return by_name


def choose_parts(
    catalog: Catalog,
    repositories: Mapping[str, Repository],
    versions: Sequence[int] | Mapping[str, Sequence[int]] | None,
    since: int | str | Mapping[str, int] | None,
) -> tuple[ArchivePart, ...]:
    """Return which versions of each repository to export.

    One of several repositories may be without a version after `since`. It is still part of the
    archive, so that the other site can use the same mapping each time.
    """
    bases = _base_versions(repositories, since)
    chosen = {} if versions is None else numbers_by_name(versions, tuple(repositories), "versions")
    parts = tuple(
        ArchivePart(
            name,
            repository,
            bases.get(name),
            _version_numbers(catalog, repository, chosen.get(name), bases.get(name)),
        )
        for name, repository in repositories.items()
    )
    for part in parts:
        if not part.numbers and (part.since is None or len(parts) == 1):
            after = "" if part.since is None else f" after version {part.since}"
            raise InvalidInput(f"there is nothing to export: {part.name!r} has no version{after}")
    if not any(part.numbers for part in parts):
        names = ", ".join(f"{part.name!r} after version {part.since}" for part in parts)
        raise InvalidInput(f"there is nothing to export: no version of {names}")
    return parts


def numbers_by_name(
    given: Sequence[int] | Mapping[str, Sequence[int]], names: Sequence[str], what: str
) -> dict[str, Sequence[int]]:
    """Return version numbers by repository name, which is optional for a single repository."""
    if not isinstance(given, Mapping):
        if len(names) != 1:
            raise InvalidInput(
                f"expected `{what}` by repository name, as {{{names[0]!r}: …}}, since there are "
                f"{len(names)} repositories, found {given!r}"
            )
        return {names[0]: given}
    if unknown := sorted(given.keys() - set(names)):
        raise InvalidInput(f"`{what}` names {unknown}; the repositories are {list(names)}")
    return dict(given)


def _base_versions(
    repositories: Mapping[str, Repository], since: int | str | Mapping[str, int] | None
) -> dict[str, int]:
    """Return the number of the version that the other site has, for each repository it knows."""
    if since is None:
        return {}
    if isinstance(since, str) and not since.isdigit():
        return _base_versions_of_toc(repositories, since)
    if not isinstance(since, Mapping):
        names = numbers_by_name([int(since)], tuple(repositories), "since")
        since = dict.fromkeys(names, int(since))
    bases = {name: [number] for name, number in since.items()}
    numbers_by_name(bases, tuple(repositories), "since")  # refuses unknown names
    return dict(since)


def _base_versions_of_toc(repositories: Mapping[str, Repository], toc: str) -> dict[str, int]:
    """Return the versions that a site has which has imported the archive of a table of contents."""
    previous = read_toc(Path(toc).expanduser()).archive.repositories
    newest = {entry.address: entry.newest for entry in previous}
    addresses = {name: repository.address for name, repository in repositories.items()}
    if not any(address in newest for address in addresses.values()):
        raise InvalidInput(f"{toc!r} is of {list(newest)}, not of {list(addresses.values())}")
    bases = {name: newest.get(address) for name, address in addresses.items()}
    return {name: number for name, number in bases.items() if number is not None}


def _version_numbers(
    catalog: Catalog, origin: Repository, chosen: Sequence[int] | None, base: int | None
) -> tuple[int, ...]:
    """Return the numbers to export, lowest first; version 0 is empty and never exported."""
    if chosen is None:
        known = [row.number for row in catalog.versions.all(origin.address) if row.number]
        return tuple(known[-1:] if base is None else [number for number in known if number > base])
    if not chosen:
        raise InvalidInput(f"`versions` names no version of {origin.label!r}")
    if min(chosen) < 1 or (base is not None and min(chosen) <= base):
        raise InvalidInput(
            f"version {min(chosen)} of {origin.label!r} cannot be exported: "
            f"expected versions after {base or 0}"
        )
    return tuple(sorted(set(chosen)))
