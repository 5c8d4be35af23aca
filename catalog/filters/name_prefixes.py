"""Names that begin with one of some parts, in SQL: the decision of `catalog.access.grants`.

>>> prefix_conditions(frozenset(["models"]))
(" AND ((name = $within_0 OR starts_with(name, $within_0 || '/')))", {'within_0': 'models'})
>>> prefix_conditions(None), prefix_conditions(frozenset())
(('', {}), (' AND false', {}))
"""

from __future__ import annotations


def prefix_conditions(prefixes: frozenset[str] | None) -> tuple[str, dict[str, object]]:
    """Return SQL that narrows a column `name`, and its parameters; nothing where None is given."""
    if prefixes is None:
        return "", {}
    if not prefixes:
        return " AND false", {}
    values: dict[str, object] = {
        f"within_{place}": prefix for place, prefix in enumerate(sorted(prefixes))
    }
    tests = (f"(name = ${key} OR starts_with(name, ${key} || '/'))" for key in values)
    return f" AND ({' OR '.join(tests)})", values
