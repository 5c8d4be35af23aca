"""Where each repository of an archive is imported to, decided before anything moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from blocks.repository import Repository
from blocks.resolve import stored_repository
from catalog.errors import InvalidInput, RepositoryNotFound
from catalog.formats.archive import Head
from catalog.paths import check_path
from flows.archives.contents import OTHERS, numbers_by_name


class Unmapped(StrEnum):
    """What to do with a repository of the archive that the mapping does not name."""

    REFUSE = "refuse"
    """Import nothing."""
    SKIP = "skip"
    """Import the others."""
    SAME_NAME = "same-name"
    """Import it into the stored repository of the same name."""


@dataclass(frozen=True, slots=True)
class RepositoryImport:
    """One repository of an archive, its destination, and the versions to import, oldest first."""

    name: str
    end: Repository
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """The parameters of an import, before the archive is read."""

    to: Repository | Mapping[str, Repository]
    versions: Sequence[int] | Mapping[str, Sequence[int]] | None
    unmapped: Unmapped

    @property
    def ends(self) -> tuple[Repository, ...]:
        """Return every repository that is named."""
        return (self.to,) if isinstance(self.to, Repository) else tuple(self.to.values())

    def problems(self, head: Head) -> tuple[str, ...]:
        """Return why this request cannot be fulfilled with an archive, if it cannot."""
        return _plan_routes(self, head)[1]

    def routes(self, head: Head) -> tuple[RepositoryImport, ...]:
        """Return the routes of an archive's repositories; there must be no `problems`."""
        return _plan_routes(self, head)[0]


def _plan_routes(
    request: ImportRequest, head: Head
) -> tuple[tuple[RepositoryImport, ...], tuple[str, ...]]:
    problems: list[str] = []
    ends = dict(_destinations(request, head, problems))
    addresses = [end.address for end in ends.values()]
    for address in sorted({address for address in addresses if addresses.count(address) > 1}):
        names = [name for name, end in ends.items() if end.address == address]
        problems.append(f"{names} would all be imported into {address!r}")
    if not ends and not problems:
        problems.append(f"the mapping names none of {list(head.names)}")
    chosen: Mapping[str, Sequence[int]] = {}
    if ends and request.versions is not None:
        try:
            chosen = numbers_by_name(request.versions, tuple(ends), "versions")
        except InvalidInput as error:
            problems.append(str(error))
    routes = tuple(
        RepositoryImport(name, end, _version_numbers(head, name, chosen.get(name), problems))
        for name, end in ends.items()
    )
    return routes, tuple(problems)


def _destinations(
    request: ImportRequest, head: Head, problems: list[str]
) -> Iterator[tuple[str, Repository]]:
    """Yield the destination of each repository of the archive; append to `problems`."""
    if isinstance(request.to, Repository):
        if len(head.names) == 1:
            yield head.names[0], request.to
        else:
            problems.append(
                f"the archive has {len(head.names)} repositories, {list(head.names)}: "
                "give a mapping with the destination of each"
            )
        return
    if unknown := sorted(request.to.keys() - {*head.names, OTHERS}):
        problems.append(f"the mapping names {unknown}, but the archive has {list(head.names)}")
    for name in head.names:
        try:
            end = _destination(request.to, request.unmapped, name)
        except (InvalidInput, RepositoryNotFound) as error:
            problems.append(str(error))
            continue
        if end is not None:
            yield name, end


def _destination(to: Mapping[str, Repository], unmapped: Unmapped, name: str) -> Repository | None:
    """Return the destination of a repository; None if it is to be skipped."""
    if name in to:
        return to[name]
    if OTHERS in to:
        if "/" in check_path(name) or name.startswith("."):
            raise InvalidInput(f"{name!r} cannot be the name of a folder: add it to the mapping")
        return to[OTHERS].below(name)
    if unmapped is Unmapped.SAME_NAME:
        return stored_repository(name)
    if unmapped is Unmapped.SKIP:
        return None
    raise InvalidInput(f"the mapping does not name {name!r}")


def _version_numbers(
    head: Head, name: str, chosen: Sequence[int] | None, problems: list[str]
) -> tuple[int, ...]:
    """Return which versions to import; append to `problems`."""
    available = head.repository(name).numbers
    if chosen is None:
        return available[-1:]
    if unknown := sorted(set(chosen) - set(available)):
        problems.append(f"the archive has versions {list(available)} of {name!r}, not {unknown}")
    if not chosen:
        problems.append(f"an import needs at least one version of {name!r}, found none")
    return tuple(sorted(set(chosen)))
