"""Check the catalog for inconsistencies, and repair those that can be.

from flows.check_catalog import check_catalog
check_catalog()              # reports inconsistencies
check_catalog(mend=True)     # repairs those that can be
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog.catalog import Catalog
from catalog.errors import CatalogError
from catalog.settings import Settings
from catalog.store.audit import Audit
from flows.runs.verb import verb
from orchestration.run import run_logger

MAX_LINES = 20  # inconsistencies in the text


@dataclass(frozen=True, slots=True)
class CatalogCheck:
    """The inconsistencies left in the catalog, and how many were repaired; true if none is left."""

    catalog: str  # path
    left: Audit
    mended: int = 0

    def __bool__(self) -> bool:
        """Return whether the catalog is consistent."""
        return bool(self.left)

    def summary(self) -> str:
        """Return one sentence."""
        mended = f"{self.mended:,} inconsistencies repaired; " if self.mended else ""
        if self.left:
            return f"{mended}the catalog is consistent"
        hint = ": mend=True repairs those that can be" if self.left.repairable() else ""
        return f"{mended}{self.left.count:,} inconsistencies{hint}"

    def __str__(self) -> str:
        """Return the sentence and the first inconsistencies."""
        lines = [f"{self.catalog}: {self.summary()}"]
        lines += [f"  {found}" for found in self.left.contradictions[:MAX_LINES]]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return the text, so that an interactive prompt shows it."""
        return str(self)


class CatalogInconsistent(CatalogError):
    """The catalog is inconsistent; `result` has the details."""

    def __init__(self, result: CatalogCheck) -> None:
        """List the first inconsistencies."""
        super().__init__(str(result))
        self.result = result


@verb("check-catalog", lambda: "check-catalog")
def check_catalog(*, mend: bool = False) -> CatalogCheck:
    """Check the catalog for inconsistencies.

    It compares the totals of versions, the spans of content, the keys of paths and the artifacts of
    locations with what they are derived from, and reports rejected orders. Only the catalog is
    read: `verify` checks files, and `rebuild` replaces a lost catalog.

    Args:
        mend: Repair what can be derived from the rest of the catalog: totals, keys, artifacts, and
            duplicate locations.

    Returns:
        What was repaired; true if the catalog is consistent.

    Raises:
        CatalogInconsistent: inconsistencies are left; the error lists them.
    """
    catalog = Catalog.open(Settings())
    found = catalog.maintenance.audit()
    mended = catalog.maintenance.repair() if mend and found.repairable() else 0
    result = CatalogCheck(
        str(catalog.path), catalog.maintenance.audit() if mended else found, mended
    )
    run_logger().info("%s", result.summary())
    if not result:
        raise CatalogInconsistent(result)
    return result
