"""Maintenance of the catalog itself: audit, repair, and deletion of old details."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from catalog.catalog_file import CatalogFile
from catalog.store.audit import Audit, Contradiction, Flaw, run_audit


class Maintenance:
    """Maintenance of a catalog."""

    __slots__ = ("_file",)

    def __init__(self, file: CatalogFile) -> None:
        """Ask and record through `file`."""
        self._file = file

    def audit(self) -> Audit:
        """Check all derived data in the catalog against what it is derived from."""
        with self._file.connect_flushed() as connection:
            result = run_audit(connection, self._file.tenant)
        rejected = tuple(
            Contradiction(Flaw.ORDER, batch, None, None, "an order that can be applied", why)
            for batch, why in self.rejected_orders().items()
        )
        return Audit((*result.contradictions, *rejected), result.count + len(rejected))

    def rejected_orders(self) -> dict[str, str]:
        """Return why each quarantined order was rejected, by batch."""
        return self._file.rejected_orders()

    def repair(self) -> int:
        """Repair what `audit` finds, where possible; return the number of repairs."""
        return cast("int", self._file.submit_and_wait("mend", {})["mended"])

    def prune_details(self, before: datetime, *, dry_run: bool = False) -> int:
        """Delete rows and outcomes of plans and runs that ended before a moment; return how many.

        Versions stay, with the run and the plan that created each; `dry_run` only counts.
        """
        before_us = int(before.timestamp() * 1e6)
        result = self._file.submit_and_wait("forget", {"before_us": before_us, "dry": dry_run})
        return cast("int", result["plan_rows"]) + cast("int", result["outcomes"])
