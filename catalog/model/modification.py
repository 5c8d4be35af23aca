"""Sets of resources made out of versions: remove first, then add, as Pulp's modify does (PS-54).

>>> a, b = ContentRow("a", 1, None, None, "0" * 64, None, None), ContentRow("b", 2, *[None] * 5)
>>> [row.path for row in modified_rows([a, b], add=[], remove=["a"])]
['b']
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from catalog.errors import ContentConflict, InvalidInput
from catalog.glob import globs_to_regex
from catalog.model.version import ContentRow

EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Addition:
    """Resources of a version that are added to a set: those that one of the globs matches."""

    address: str
    version: int
    globs: tuple[str, ...] = ("**",)


@dataclass(frozen=True, slots=True)
class Modification:
    """How a set is made out of versions; these never change, so it is the same set at any time."""

    base: tuple[str, int]  # address, number
    add: tuple[Addition, ...] = ()
    remove: tuple[str, ...] = ()  # paths of the base, or EVERYTHING
    overwrite: bool = True

    @property
    def versions(self) -> tuple[tuple[str, int], ...]:
        """Return address and number of each version that the set is made out of, sorted."""
        return tuple(sorted({self.base, *((one.address, one.version) for one in self.add)}))


def apply_modification(
    modification: Modification, content: Callable[[str, int], Iterable[ContentRow]]
) -> Iterator[ContentRow]:
    """Return the rows of the set that a modification makes; `content` returns those of a version.

    Raises:
        InvalidInput: an addition matches nothing, or what `modified` refuses.
        ContentConflict: as `modified`.
    """
    return modified_rows(
        content(*modification.base),
        add=[row for one in modification.add for row in _matching_rows(one, content)],
        remove=modification.remove,
        overwrite=modification.overwrite,
    )


def _matching_rows(
    addition: Addition, content: Callable[[str, int], Iterable[ContentRow]]
) -> Iterator[ContentRow]:
    wanted = re.compile(globs_to_regex(addition.globs))
    found = 0
    for row in content(addition.address, addition.version):
        if wanted.fullmatch(row.path):
            found += 1
            yield row
    if not found:
        raise InvalidInput(
            f"nothing to add: version {addition.version} of {addition.address} has no "
            f"{', '.join(map(repr, addition.globs))}"
        )


def modified_rows(
    base: Iterable[ContentRow],
    *,
    add: Sequence[ContentRow],
    remove: Sequence[str],
    overwrite: bool = True,
) -> Iterator[ContentRow]:
    """Return the rows of `base` without the paths of `remove`, and with the rows of `add`.

    Raises:
        InvalidInput: `*` beside other removals, a removal that is not in `base`, or two additions
            of one path that differ.
        ContentConflict: without `overwrite`, an addition would replace other bytes (PS-58).
    """
    if EVERYTHING in remove and len(remove) > 1:
        raise InvalidInput(f"{EVERYTHING!r} removes everything: no other path can stand beside it")
    kept = {} if EVERYTHING in remove else {row.path: row for row in base}
    if EVERYTHING not in remove:
        for path in remove:
            if kept.pop(path, None) is None:
                raise InvalidInput(f"{path!r} cannot be removed: it is not in the version")
    new: dict[str, ContentRow] = {}
    for row in add:
        twin = new.setdefault(row.path, row)
        if twin.digest != row.digest:
            raise InvalidInput(f"{row.path!r} is added twice, with different bytes")
    if not overwrite:
        for path in sorted(new.keys() & kept.keys()):
            if new[path].digest != kept[path].digest:
                raise ContentConflict(
                    f"{path!r} holds {kept[path].digest}, and {new[path].digest} may not replace it"
                )
    yield from (kept | new).values()
