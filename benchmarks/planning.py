"""Peak memory of listing, recording and planning many resources, step by step.

    python benchmarks/planning.py [RESOURCES]

A source of so many resources (a million by default) that exist only in its listing, a destination
that has none and one that has all of them; one process, as a run does it. Printed are seconds and
peak resident memory (VmHWM) after each step, without Prefect: its own base comes on top.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from rss import peak_mib

from catalog.catalog import Catalog
from catalog.inbox.spool import Listing
from catalog.model.plan import Mode, PlanRequest, Target
from catalog.model.resource import Resource
from catalog.settings import Settings

SOURCE, EMPTY, FULL = "s3://source/a", "s3://empty/a", "s3://full/a"


def resources(count: int, salt: str = "") -> Iterator[Resource]:
    """Yield resources as a bucket lists them."""
    for number in range(count):
        yield Resource(
            f"set-{number % 97:02}/part-{number // 1000:04}/object-{number:09}.parquet",
            size=1000 + number % 100_000,
            etag=f'"{number:032x}{salt}"',
            modified_us=1_600_000_000_000_000 + number,
        )


def main() -> None:
    """Take each step once, and tell."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="entrepot-bench-") as place:
        catalog = Catalog.open(Settings(catalog=Path(place) / "catalog.duckdb"))
        began_s = time.perf_counter()

        def tell(step: str) -> None:
            took_s = time.perf_counter() - began_s
            sys.stdout.write(f"{took_s:7.1f} s  {peak_mib():6.0f} MiB  {step}\n")
            sys.stdout.flush()

        def listed(address: str, salt: str = "") -> Listing:
            with catalog.spool() as spool:
                for one in resources(count, salt):
                    spool.add_entry(one)
                listing = spool.finish()
            tell(f"{count} resources of {address} listed")
            catalog.versions.record_listing(address, listing, run_id=uuid4().hex)
            tell(f"{address} recorded")
            return listing

        tell("nothing yet")
        wanted, there = listed(SOURCE), listed(FULL, salt="x")
        run_id = uuid4().hex
        for mode in (Mode.ADDITIVE, Mode.MIRROR):
            targets = (Target(EMPTY), Target(FULL, listing=there.listing_id))
            request = PlanRequest(
                uuid4().hex, SOURCE, wanted.listing_id, targets, mode, run_id=run_id
            )
            plan = catalog.plans.make(request)
            tell(f"planned, {mode}")
        batches = list(catalog.plans.batches(plan.plan_id))
        items = sum(len(catalog.plans.items(plan.plan_id, one.number)) for one in batches[:20])
        tell(f"{items} items of 20 of {len(batches)} batches read")
        listed(SOURCE, salt="y")


if __name__ == "__main__":
    main()
