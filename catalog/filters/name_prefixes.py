"""Names below one of several prefixes, in SQL: the same decision as `catalog.access.grants`.

>>> prefix_conditions(frozenset(["models"]))
(" AND ((name = $within_0 OR starts_with(name, $within_0 || '/')))", {'within_0': 'models'})
>>> prefix_conditions(None), prefix_conditions(frozenset())
(('', {}), (' AND false', {}))
"""

from __future__ import annotations


def prefix_conditions(prefixes: frozenset[str] | None) -> tuple[str, dict[str, object]]:
    """Return SQL that filters the column `name`, and its parameters; None means no filter."""
    if prefixes is None:
        return "", {}
    if not prefixes:
        return " AND false", {}
    values: dict[str, object] = {
        f"within_{place}": prefix for place, prefix in enumerate(sorted(prefixes))
    }
    tests = (f"(name = ${key} OR starts_with(name, ${key} || '/'))" for key in values)
    return f" AND ({' OR '.join(tests)})", values
