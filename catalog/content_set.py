"""Sets of resources made out of versions: remove first, then add, as Pulp's modify does (PS-54).

>>> a, b = ContentRow("a", 1, None, None, "0" * 64, None, None), ContentRow("b", 2, *[None] * 5)
>>> [row.path for row in modified([a, b], add=[], remove=["a"])]
['b']
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from catalog.errors import ContentConflict, InvalidInput
from catalog.version import ContentRow

EVERYTHING = "*"


def modified(
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
