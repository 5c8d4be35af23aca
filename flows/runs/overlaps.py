"""Refuse ends that overlap: what a run writes would be read by it, or written twice."""

from __future__ import annotations

from itertools import combinations

from blocks.repository import Repository
from catalog.errors import InvalidInput
from catalog.model.gap import Gap
from catalog.model.plan import Selection
from providers.shared.overlap import path_inside


def refuse_overlaps(
    source: Repository, destinations: tuple[Repository, ...], selection: Selection
) -> None:
    """Raise `InvalidInput` where the source and a destination, or two destinations, overlap.

    One may lie in the other if the selection excludes what lies there.
    """
    for end in destinations:
        _refuse(source, end, selection)
    for one, other in combinations(destinations, 2):
        if path_inside(_address(one), _address(other)) == "":
            raise InvalidInput(
                f"the destinations {one.address!r} and {other.address!r} are one place: "
                "name it once"
            )


def _refuse(source: Repository, end: Repository, selection: Selection) -> None:
    origin, goal = _address(source), _address(end)
    below = path_inside(origin, goal)
    if below == "":
        raise InvalidInput(
            f"the source {source.address!r} and the destination {end.address!r} are one place"
        )
    what = f"the destination {end.address!r} lies in the source {source.address!r}"
    if below is None:
        below = path_inside(goal, origin)
        what = f"the source {source.address!r} lies in the destination {end.address!r}"
    if below is not None and not Gap(below, "", below=True).matches(selection.exclude):
        raise InvalidInput(f"{what}: exclude {below + '/**'!r}, or choose another place")


def _address(repository: Repository) -> str:
    return repository.settings.address()
