"""New sets of resources from versions: first remove, then add, like Pulp's modify (PS-54).

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
    """Resources to add from a version: those that match one of the globs."""

    address: str
    version: int
    globs: tuple[str, ...] = ("**",)


@dataclass(frozen=True, slots=True)
class Modification:
    """How a set is built from versions; these are immutable, so the result is too."""

    base: tuple[str, int]  # address, number
    add: tuple[Addition, ...] = ()
    remove: tuple[str, ...] = ()  # paths of the base, or EVERYTHING
    overwrite: bool = True

    @property
    def versions(self) -> tuple[tuple[str, int], ...]:
        """Return address and number of each version that is used, sorted."""
        return tuple(sorted({self.base, *((one.address, one.version) for one in self.add)}))


def apply_modification(
    modification: Modification, content: Callable[[str, int], Iterable[ContentRow]]
) -> Iterator[ContentRow]:
    """Return the rows of the new set; `content` returns those of a version.

    Raises:
        InvalidInput: an addition matches nothing, or as `modified_rows`.
        ContentConflict: as `modified_rows`.
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
    """Return the rows of `base` without the paths in `remove`, plus the rows in `add`.

    Raises:
        InvalidInput: `*` beside other removals, a removal that is not in `base`, or different
            additions of one path.
        ContentConflict: without `overwrite`, an addition would replace other bytes (PS-58).
    """
    if EVERYTHING in remove and len(remove) > 1:
        raise InvalidInput(f"{EVERYTHING!r} removes everything: give it alone, without other paths")
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
                    f"{path!r} has sha256:{kept[path].digest}, which sha256:{new[path].digest} may "
                )
    yield from (kept | new).values()
