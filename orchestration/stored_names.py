"""Names of stored blocks, as far as they can be told without a server."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from difflib import get_close_matches
from pathlib import Path

from catalog.errors import RepositoryNotFound

REPOSITORY, WEBHOOK, CONTRACT = "entrepot-repository", "entrepot-webhook", "entrepot-contract"
"""The types of blocks."""
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
        database.stat()  # `exists` would call a file that may not be seen absent
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            return frozenset(str(name) for (name,) in connection.execute(QUERY, (slug,)))
    except FileNotFoundError:
        return frozenset()
    except (OSError, sqlite3.Error):
        return None


def not_stored(kind: str, name: str, names: Collection[str] | None) -> RepositoryNotFound:
    """Return the error for a block that is not stored, with similar ones of the stored `names`."""
    similar = [repr(one) for one in get_close_matches(name, names or ())]
    meant = f"; did you mean {' or '.join(similar)}?" if similar else ""
    return RepositoryNotFound(f"there is no {kind} block named {name!r}{meant}")


def no_repository(name: str, names: Collection[str] | None) -> RepositoryNotFound:
    """Return the error for a name that no stored repository has, and how to write a path."""
    if Path(name).exists():
        hint = f"write the folder of that name as './{name}'"
    else:
        hint = f"write a folder as './{name}', anything else as a URL"
    return RepositoryNotFound(f"{not_stored('repository', name, names)}; {hint}")
