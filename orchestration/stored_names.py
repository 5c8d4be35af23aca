"""Names of stored blocks, as far as they can be told without a server."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

QUERY = """
SELECT document.name FROM block_document document
JOIN block_type ON block_type.id = document.block_type_id
WHERE block_type.slug = ? AND NOT document.is_anonymous
"""


def names_in(database: Path | None, slug: str) -> frozenset[str] | None:
    """Return the names of the blocks of a type in the database of the temporary server.

    Returns:
        None if they are unknown, because the database cannot be read. Without a database there are
        no blocks: the temporary server would begin with an empty one.
    """
    if database is None:
        return None
    try:
        if not database.exists():
            return frozenset()
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            return frozenset(str(name) for (name,) in connection.execute(QUERY, (slug,)))
    except (OSError, sqlite3.Error):
        return None
