"""The catalog at scale: how large it is, and how long its questions take.

    python benchmarks/catalog_scale.py [RESOURCES] [FOLDER]

Makes a catalog of so many resources (ten million by default) in repositories of a million at most,
each with 300 versions, by SQL alone; then asks it, each question in a process of its own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from rss import peak_mib

from catalog.catalog import Catalog
from catalog.inbox.spool import PAGE_ROWS, Listing
from catalog.model.plan import PlanRequest, Target
from catalog.store.keys import repository_key

LARGEST = 1_000_000  # resources of one repository
VERSIONS = 300
SOURCE = "s3://source/{}"
HERE = "s3://here/{}"

# One row a file: when it came, when it was replaced, when it left; most stay as they came.
FILES = """
CREATE OR REPLACE TEMP TABLE files AS
SELECT i,
  format('set-{:02d}/part-{:04d}/object-{:09d}.parquet', $place::INTEGER, i // 1000, i) AS path,
  CASE WHEN i % 100 = 1 THEN 2 + hash(i) % ($versions - 1) ELSE 1 END::BIGINT AS came,
  CASE WHEN i % 10 IN (3, 6, 9) THEN 2 + hash(i + 1) % ($versions - 1) END::BIGINT AS replaced,
  CASE WHEN i % 100 = 2 THEN 2 + hash(i + 2) % ($versions - 1) END::BIGINT AS gone
FROM range($count::BIGINT) r(i)
"""
STATES = """
CREATE OR REPLACE TEMP TABLE states AS
SELECT md5('default' || chr(31) || path)::UUID AS nkey, path, 1000 + i % 100000 AS size,
  path || state AS bytes, 1600000000000000 + i * 1000 AS modified_us, i, added_in, removed_in
FROM (
  SELECT path, i, 0 AS state, came AS added_in, coalesce(replaced, gone) AS removed_in FROM files
  UNION ALL
  SELECT path, i, 1, replaced, NULL FROM files WHERE replaced IS NOT NULL
)
"""
FILL = """
INSERT INTO repositories
SELECT
  md5('default' || chr(31) || address)::UUID, 'default', address, NULL, TIMESTAMP '2026-01-01', NULL
FROM (VALUES ($source), ($here)) v(address);

INSERT INTO content
SELECT $repository::UUID, nkey, path, size, md5(bytes), modified_us + 1000, unhex(sha256(bytes)),
  'application/octet-stream', NULL, added_in, removed_in
FROM states ORDER BY nkey;

INSERT INTO locations
SELECT $repository::UUID, nkey, path, unhex(sha256(bytes)), size, md5(bytes), modified_us + 1000,
  md5('default' || chr(31) || $source)::UUID, path, md5('o' || bytes), size, modified_us,
  'write-proved', 'run', TIMESTAMP '2026-01-01'
FROM states WHERE removed_in IS NULL ORDER BY nkey;

INSERT INTO artifacts
SELECT unhex(sha256(bytes)) AS digest, size, TIMESTAMP '2026-01-01' FROM states ORDER BY digest;

INSERT INTO repository_versions
WITH changed AS (
  SELECT v AS number, count(*) FILTER (kind = 'added') AS added,
    count(*) FILTER (kind = 'replaced') AS replaced, count(*) FILTER (kind = 'removed') AS removed
  FROM range($versions + 1) r(v) LEFT JOIN (
    SELECT came AS v, 'added' AS kind FROM files UNION ALL
    SELECT replaced, 'replaced' FROM files UNION ALL SELECT gone, 'removed' FROM files
  ) c USING (v) GROUP BY v
)
SELECT $repository::UUID, number, nullif(number - 1, -1),
  TIMESTAMP '2026-01-01' + INTERVAL 1 DAY * number, 'run', NULL, added, replaced, removed,
  sum(added - removed) OVER (ORDER BY number), 0 FROM changed;

INSERT INTO repository_versions
SELECT md5('default' || chr(31) || $source)::UUID, 0, NULL, TIMESTAMP '2026-01-01', NULL, NULL,
  0, 0, 0, 0, 0
"""
# The columns of a spooled page: what a source says of its files, or a destination of its own.
PAGES = """
SELECT path, path AS origin, size, md5(CASE WHEN $ours THEN bytes ELSE 'o' || bytes END) AS etag,
  modified_us + CASE WHEN $ours THEN 1000 ELSE 0 END AS modified_us, NULL::VARCHAR AS sha256,
  NULL::VARCHAR AS digests, NULL::VARCHAR AS content_type, NULL::VARCHAR AS properties
FROM states WHERE removed_in IS NULL AND i >= $start AND i < $stop
"""


def make(folder: Path, count: int) -> None:
    """Fill a new catalog, and spool what both ends of the first repository list."""
    catalog = Catalog(folder / "catalog.duckdb", memory="2GB")
    catalog.runs.all()  # makes the file
    size = min(count, LARGEST)
    with catalog.file._database.writable() as connection:  # noqa: SLF001  # no order makes 300 versions at once
        for place in range(count // size):
            connection.execute(FILES, {"place": place, "count": size, "versions": VERSIONS})
            connection.execute(STATES)
            here, source = HERE.format(place), SOURCE.format(place)
            values = {"repository": repository_key("default", here), "here": here}
            values |= {"source": source, "versions": VERSIONS}
            for statement in FILL.split(";\n"):
                named = {name: one for name, one in values.items() if f"${name}" in statement}
                connection.execute(statement, named)
            if place == 0:
                for ours in (False, True):
                    spool(connection, folder, size, ours=ours)
        connection.execute("CHECKPOINT catalog")


def spool(connection: Any, folder: Path, count: int, *, ours: bool) -> None:  # noqa: ANN401  # DuckDB's
    """Write a listing page by page, as a `Spool` does."""
    pages = folder / "catalog.duckdb.d" / "spool" / ("ours" if ours else "theirs")
    pages.mkdir()
    for number, start in enumerate(range(0, count, PAGE_ROWS)):
        query = (
            f"COPY ({PAGES}) TO '{pages}/{number:06d}.parquet' (FORMAT parquet, COMPRESSION lz4)"
        )
        connection.execute(query, {"ours": ours, "start": start, "stop": start + PAGE_ROWS})


def drain(rows: Iterable[object]) -> int:
    """Count rows by reading them all."""
    return sum(1 for _ in rows)


def replan(catalog: Catalog) -> int:
    """Decide a re-sync in which nothing changed, by fresh listings of both ends."""
    here, source = HERE.format(0), SOURCE.format(0)
    target = Target(here, "ours", match_etags=True, tree=False)
    plan = catalog.plans.make(PlanRequest(uuid4().hex, source, "theirs", (target,)))
    assert not plan, "something changed"  # noqa: S101
    return plan.matched


STEPS: dict[str, Callable[[Catalog], int]] = {
    "latest version": lambda catalog: int(catalog.versions.latest(HERE.format(0)).number > 0),
    "version by time": lambda catalog: len(
        catalog.sql("SELECT max(number) FROM versions WHERE created_at < '2026-06-01'")
    ),
    "content of version 150": lambda catalog: drain(catalog.versions.content(HERE.format(0), 150)),
    "content of the latest": lambda catalog: drain(catalog.versions.content(HERE.format(0))),
    "content_at in SQL, counted": lambda catalog: catalog.sql(
        "SELECT count(*) FROM content_at(?, '2026-03-03')", [HERE.format(0)]
    )[0][0],
    "diff of 1 and 300": lambda catalog: drain(catalog.versions.diff(HERE.format(0), 1, 300)),
    "diff of 150 and 151": lambda catalog: drain(catalog.versions.diff(HERE.format(0), 150, 151)),
    "version_diff in SQL, 1 and 300": lambda catalog: len(
        catalog.sql("FROM version_diff(?, 1, 300)", [HERE.format(0)])
    ),
    "re-plan, nothing changed": replan,
    "listing as a version, all new": lambda catalog: (
        catalog.versions.record_listing(SOURCE.format(0), Listing("theirs", 0, 0)).total
    ),
    "listing as a version, unchanged": lambda catalog: (
        catalog.versions.record_listing(SOURCE.format(0), Listing("theirs", 0, 0)).total
    ),
    "delete version 150": lambda catalog: int(catalog.versions.delete(HERE.format(0), 150)),
    "retain 10 of 300": lambda catalog: len(catalog.retention.keep(HERE.format(0), 10)),
}


def step(folder: Path, name: str) -> None:
    """Take one step in this process and print what it took."""
    catalog = Catalog(folder / "catalog.duckdb")
    began, cpu = time.perf_counter(), time.process_time()
    rows = STEPS[name](catalog)
    print(
        json.dumps(
            {
                "rows": rows,
                "seconds": time.perf_counter() - began,
                "cpu": time.process_time() - cpu,
                "rss": peak_mib(),
            }
        )
    )


def main() -> None:
    """Make a catalog and take every step."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    parent = sys.argv[2] if len(sys.argv) > 2 else None
    folder = Path(tempfile.mkdtemp(prefix="entrepot-catalog-", dir=parent))
    try:
        began = time.perf_counter()
        make(folder, count)
        size = (folder / "catalog.duckdb").stat().st_size
        print(
            f"{count} resources, {VERSIONS} versions, made in {time.perf_counter() - began:.0f} s"
        )
        print(f"catalog file: {size / 2**20:.0f} MiB, {size / count:.0f} bytes a resource")
        print(f"{'':34}{'rows':>10}{'s':>8}{'cpu s':>8}{'RSS MiB':>9}{'s/100k':>8}")
        for name in STEPS:
            words = [sys.executable, __file__, "--step", str(folder), name]
            done = subprocess.run(words, stdout=subprocess.PIPE, check=True)
            took = json.loads(done.stdout)
            each = took["seconds"] / max(took["rows"], 1) * 100_000 if took["rows"] > 1000 else 0
            print(
                f"{name:34}{took['rows']:>10}{took['seconds']:>8.2f}{took['cpu']:>8.2f}"
                f"{took['rss']:>9.0f}" + (f"{each:>8.2f}" if each else ""),
                flush=True,
            )
        size = (folder / "catalog.duckdb").stat().st_size
        print(f"catalog file afterwards: {size / 2**20:.0f} MiB")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        step(Path(sys.argv[2]), sys.argv[3])
    else:
        main()
