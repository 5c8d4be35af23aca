"""Check the catalog: whether it contradicts itself, and mend what the rest of it tells.

from flows.check_catalog import check_catalog
check_catalog()              # says what it found
check_catalog(mend=True)     # mends what can be
"""

from __future__ import annotations

from dataclasses import dataclass

from prefect.logging import get_run_logger

from catalog.catalog import Catalog
from catalog.errors import CatalogError
from catalog.settings import Settings
from catalog.store.audit import Audit
from flows.runs.verb import verb

SHOWN = 20  # contradictions that are told


@dataclass(frozen=True, slots=True)
class CatalogCheck:
    """What is wrong in the catalog still, and how much was mended; true when all is well."""

    catalog: str  # path
    left: Audit
    mended: int = 0

    def __bool__(self) -> bool:
        """Say whether nothing is wrong any more."""
        return bool(self.left)

    def summary(self) -> str:
        """Return one sentence."""
        mended = f"{self.mended} contradictions mended; " if self.mended else ""
        if self.left:
            return f"{mended}the catalog does not contradict itself"
        hint = ": mend=True mends those that can be" if self.left.repairable() else ""
        return f"{mended}{self.left.count} contradictions{hint}"

    def __str__(self) -> str:
        """Return the sentence and the first contradictions."""
        lines = [f"{self.catalog}: {self.summary()}"]
        lines += [f"  {one}" for one in self.left.contradictions[:SHOWN]]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return the text, so that a bare `result` in a prompt is readable."""
        return str(self)


class CatalogContradicts(CatalogError):
    """The catalog contradicts itself; `result` tells where."""

    def __init__(self, result: CatalogCheck) -> None:
        """Name the first."""
        super().__init__(str(result))
        self.result = result


@verb("check-catalog", lambda: "check-catalog")
def check_catalog(*, mend: bool = False) -> CatalogCheck:
    """Compare all that the catalog derives with what it is derived from.

    That is: what versions count, the spans that content covers, the keys of paths, the bytes that
    locations refer to, and orders that were set aside. Nothing outside the catalog is read:
    `verify` looks at files, and `adopt` makes a lost catalog anew from them.

    Args:
        mend: Write anew what the rest of the catalog tells: counts, keys, artifacts, and
            locations that are told twice.

    Returns:
        What was mended; true when all is well.

    Raises:
        CatalogContradicts: something is wrong still; it names where.
    """
    catalog = Catalog.open(Settings())
    found = catalog.upkeep.audit()
    mended = catalog.upkeep.repair() if mend and found.repairable() else 0
    result = CatalogCheck(str(catalog.path), catalog.upkeep.audit() if mended else found, mended)
    get_run_logger().info("%s", result.summary())
    if not result:
        raise CatalogContradicts(result)
    return result
