"""Refuse sources and destinations that overlap: files would be read after they are written."""

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
    """Raise `InvalidInput` if the source and a destination, or two destinations, overlap.

    One may be inside the other if the selection excludes that folder.
    """
    for destination in destinations:
        _refuse_overlap(source, destination, selection)
    for first, second in combinations(destinations, 2):
        if path_inside(_address(first), _address(second)) == "":
            raise InvalidInput(
                f"the destinations {first.address!r} and {second.address!r} are the same place: "
                "name it once"
            )


def _refuse_overlap(source: Repository, destination: Repository, selection: Selection) -> None:
    below = path_inside(_address(source), _address(destination))
    if below == "":
        raise InvalidInput(
            f"the source {source.address!r} and the destination {destination.address!r} are the "
            "same place"
        )
    what = f"the destination {destination.address!r} is inside the source {source.address!r}"
    if below is None:
        below = path_inside(_address(destination), _address(source))
        what = f"the source {source.address!r} is inside the destination {destination.address!r}"
    if below is not None and not Gap(below, "", below=True).matches(selection.exclude):
        raise InvalidInput(f"{what}: exclude {below + '/**'!r}, or choose another place")


def _address(repository: Repository) -> str:
    return repository.settings.address()
