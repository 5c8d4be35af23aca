"""How a fresh listing differs from a version, in SQL."""

from __future__ import annotations

from pathlib import Path

from duckdb import DuckDBPyConnection

from catalog.inbox.spool import Listing, gaps_file, page_files
from catalog.store import statements
from catalog.store.parquet import export_rows


def write_drift(
    connection: DuckDBPyConnection, copy: Path, spool: Path, listing: Listing, **values: object
) -> None:
    """Write the paths at which a listing differs from the version in `values` to `copy`."""
    file = gaps_file(spool, listing.listing_id)
    seen_all = "(SELECT '' AS path, false AS below WHERE false)"
    unseen = "(SELECT path, below FROM read_parquet($gaps))" if file else seen_all
    standing = (
        "(FROM content WHERE repository = $repository::UUID AND added_in <= $number"
        " AND (removed_in IS NULL OR removed_in > $number))"
    )
    query = statements.load_sql("versions/drift").replace(
        "{unseen}", statements.unseen_query(standing, unseen)
    )
    export_rows(
        connection, copy, query, files=page_files(spool, listing.listing_id), gaps=file, **values
    )
