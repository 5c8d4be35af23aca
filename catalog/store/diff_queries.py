"""SQL for the difference between two versions."""

from __future__ import annotations

from functools import cache

from catalog.store import statements


@cache
def changes_query() -> str:
    """Return the query for the paths that differ between versions $old and $new, unordered."""
    names = ("versions/changed_paths", "versions/bytes_differ")
    return "".join(map(statements.load_sql, names))


@cache
def diff_query() -> str:
    """Return the query for the rows of a diff, in path order."""
    return (
        "SELECT path, change, old_size, new_size, lower(hex(old_digest)) AS old_digest,"  # noqa: S608  # ours
        f" lower(hex(new_digest)) AS new_digest FROM ({changes_query()}) ORDER BY path"
    )


@cache
def diff_counts_query() -> str:
    """Return the query for the counts of a diff."""
    return (
        "SELECT count(*) FILTER (change = 'added'), count(*) FILTER (change = 'replaced'),"  # noqa: S608  # ours
        f" count(*) FILTER (change = 'removed') FROM ({changes_query()})"
    )
