"""Where each repository of an archive goes: decided before anything is moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from blocks.repository import Repository
from blocks.resolve import stored_repository
from catalog.errors import InvalidInput, RepositoryNotFound
from catalog.formats.archive import Head
from catalog.paths import check_path
from flows.archives.contents import OTHERS, by_name


class Unmapped(StrEnum):
    """What becomes of a repository of the archive that a mapping leaves out."""

    REFUSE = "refuse"
    """Nothing is imported."""
    SKIP = "skip"
    """The others are imported."""
    SAME_NAME = "same-name"
    """It goes to the stored repository of its name."""


@dataclass(frozen=True, slots=True)
class Route:
    """One repository of an archive, where it goes, and the versions to bring, the oldest first."""

    name: str
    end: Repository
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What a person asked for, before the archive was read."""

    to: Repository | Mapping[str, Repository]
    versions: Sequence[int] | Mapping[str, Sequence[int]] | None
    unmapped: Unmapped

    @property
    def ends(self) -> tuple[Repository, ...]:
        """Return every repository that was named."""
        return (self.to,) if isinstance(self.to, Repository) else tuple(self.to.values())

    def unfit(self, head: Head) -> tuple[str, ...]:
        """Return all that is wrong with what was asked of this archive."""
        return _decided(self, head)[1]

    def routes(self, head: Head) -> tuple[Route, ...]:
        """Return where each repository of an archive goes that is fit for this."""
        return _decided(self, head)[0]


def _decided(wish: ImportRequest, head: Head) -> tuple[tuple[Route, ...], tuple[str, ...]]:
    problems: list[str] = []
    ends = dict(_ends(wish, head, problems))
    addresses = [one.address for one in ends.values()]
    problems += [
        f"{[name for name, one in ends.items() if one.address == twice]} would all go to {twice!r}"
        for twice in sorted({one for one in addresses if addresses.count(one) > 1})
    ]
    if not ends and not problems:
        problems.append(f"the mapping leaves out all of {list(head.names)}")
    chosen: Mapping[str, Sequence[int]] = {}
    if ends and wish.versions is not None:
        try:
            chosen = by_name(wish.versions, tuple(ends), "versions")
        except InvalidInput as error:
            problems.append(str(error))
    routes = tuple(
        Route(name, end, _numbers(head, name, chosen.get(name), problems))
        for name, end in ends.items()
    )
    return routes, tuple(problems)


def _ends(wish: ImportRequest, head: Head, problems: list[str]) -> Iterator[tuple[str, Repository]]:
    """Yield where each repository of the archive goes; note what goes nowhere."""
    if isinstance(wish.to, Repository):
        if len(head.names) == 1:
            yield head.names[0], wish.to
        else:
            problems.append(
                f"it holds {len(head.names)} repositories, {list(head.names)}: "
                "say by a mapping where each goes"
            )
        return
    if unknown := sorted(wish.to.keys() - {*head.names, OTHERS}):
        problems.append(f"the mapping names {unknown}, the archive holds {list(head.names)}")
    for name in head.names:
        try:
            end = _end(wish.to, wish.unmapped, name)
        except (InvalidInput, RepositoryNotFound) as error:
            problems.append(str(error))
            continue
        if end is not None:
            yield name, end


def _end(to: Mapping[str, Repository], unmapped: Unmapped, name: str) -> Repository | None:
    """Return where the repository of a name goes; None where it is left out as was asked."""
    if name in to:
        return to[name]
    if OTHERS in to:
        if "/" in check_path(name) or name.startswith("."):
            raise InvalidInput(f"{name!r} cannot be a folder's name: map it by name")
        return to[OTHERS].below(name)
    if unmapped is Unmapped.SAME_NAME:
        return stored_repository(name)
    if unmapped is Unmapped.SKIP:
        return None
    raise InvalidInput(f"the mapping leaves out {name!r}")


def _numbers(
    head: Head, name: str, given: Sequence[int] | None, problems: list[str]
) -> tuple[int, ...]:
    """Return which versions to bring; note what the archive does not hold."""
    held = head.repository(name).numbers
    if given is None:
        return held[-1:]
    if unknown := sorted(set(given) - set(held)):
        problems.append(f"the archive holds versions {list(held)} of {name!r}, not {unknown}")
    if not given:
        problems.append(f"an import needs at least one version of {name!r}, found none")
    return tuple(sorted(set(given)))
