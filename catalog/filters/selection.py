"""Turns a selection into SQL: for each row of a listing, the first rule that excludes it, if any.

The same SQL decides a plan and explains it afterwards. User input reaches its text only as the
condition `where`, which `catalog.filters.condition` renders; all else are parameters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import duckdb

from catalog.errors import InvalidInput
from catalog.filters.condition import render_condition
from catalog.glob import globs_to_regex
from catalog.model.plan import Selection, Sorting
from catalog.store import statements

LARGEST_BOUND = 2**53  # seconds, bytes or files
PLACEHOLDERS = {  # what a marker's name may contain, as SQL
    "{path}": "origin",
    "{folder}": "regexp_extract(origin, '^(?s:.*/)')",
    "{name}": "regexp_extract(origin, '(?s:[^/]*)$')",
    "{stem}": "regexp_extract(origin, '(?s:([^/]+?))(?:\\.[^/.]*)?$', 1)",
}
_PLACEHOLDER = re.compile(r"(\{[^{}]*\})")
_ORDERS = {
    Sorting.PATH: "path",
    Sorting.PATH_DESCENDING: "path DESC",
    Sorting.SIZE: "size ASC NULLS LAST, path",
    Sorting.SIZE_DESCENDING: "size DESC NULLS LAST, path",
    Sorting.MODIFIED: "modified_us ASC NULLS LAST, path",
    Sorting.MODIFIED_DESCENDING: "modified_us DESC NULLS LAST, path",
}


@dataclass(frozen=True, slots=True)
class ExclusionRule:
    """A named SQL condition under which a row is excluded, and its parameters."""

    name: str
    condition: str
    values: dict[str, object] = field(default_factory=dict[str, object])


def exclusion_rules(selection: Selection, as_of_us: int = 0) -> list[ExclusionRule]:
    """Return the rules of a selection, in the order in which they apply.

    Raises:
        InvalidInput: a pattern, bound, condition or marker cannot be used; names it.
    """
    for bound in ("min_size", "max_size", "min_age_s", "max_age_s", "settled_s", "skip", "take"):
        number = getattr(selection, bound)
        if number is not None and not 0 <= number < LARGEST_BOUND:
            raise InvalidInput(f"{bound} must be 0 or more, found {number}")
    return [
        *_path_rules(selection),
        *_size_rules(selection),
        *_age_rules(selection, as_of_us),
        *_where_rules(selection),
        *_settling_rules(selection, as_of_us),
    ]


def listing_query(every_rule: Sequence[ExclusionRule], *, settled: bool) -> str:
    """Return a SELECT from `listing` that adds `left_out`: the name of a rule, or NULL."""
    cases = " ".join(f"WHEN {rule.condition} THEN '{rule.name}'" for rule in every_rule)
    left_out = f"CASE {cases} END" if cases else "NULL"
    steady = statements.load_sql("plans/unchanged_since") if settled else ""
    return f"SELECT listing.*, {left_out} AS left_out FROM listing {steady}"  # noqa: S608  # ours


def ordering(selection: Selection) -> str:
    """Return the ORDER BY for `skip` and `take`; ties are broken by path."""
    return _ORDERS[selection.order]


def with_reference_time(selection: Selection, now_us: int) -> Selection:
    """Return the selection with the moment from which ages count."""
    return selection if selection.as_of_us is not None else replace(selection, as_of_us=now_us)


def _path_rules(selection: Selection) -> list[ExclusionRule]:
    rules: list[ExclusionRule] = []
    for name, globs, text in (
        ("include", selection.include, "NOT regexp_full_match(origin, $include)"),
        ("also_include", selection.also_include, "NOT regexp_full_match(origin, $also_include)"),
        ("exclude", selection.exclude, "regexp_full_match(origin, $exclude)"),
    ):
        if globs:
            rules.append(ExclusionRule(name, text, {name: globs_to_regex(globs)}))
    for name, patterns, text in (
        ("include_regex", selection.include_regex, "NOT regexp_matches(origin, $include_regex)"),
        ("exclude_regex", selection.exclude_regex, "regexp_matches(origin, $exclude_regex)"),
    ):
        if patterns:
            rules.append(ExclusionRule(name, text, {name: _join_regexes(name, patterns)}))
    return rules


def _join_regexes(name: str, patterns: Sequence[str]) -> str:
    for pattern in patterns:
        try:
            duckdb.execute("SELECT regexp_matches('', ?)", [pattern])
        except duckdb.Error as error:
            why = str(error).splitlines()[0]
            raise InvalidInput(f"cannot read {name} {pattern!r}: {why}") from error
    return "|".join(f"(?:{pattern})" for pattern in patterns)


def _size_rules(selection: Selection) -> list[ExclusionRule]:
    rules = (
        [ExclusionRule("skip_empty", "coalesce(size = 0, false)")] if selection.skip_empty else []
    )
    if selection.min_size is not None:
        text = "coalesce(size < $min_size, true)"
        rules.append(ExclusionRule("min_size", text, {"min_size": selection.min_size}))
    if selection.max_size is not None:
        text = "coalesce(size > $max_size, true)"
        rules.append(ExclusionRule("max_size", text, {"max_size": selection.max_size}))
    return rules


def _age_rules(selection: Selection, as_of_us: int) -> list[ExclusionRule]:
    rules: list[ExclusionRule] = []
    if selection.min_age_s is not None:
        newest = as_of_us - round(selection.min_age_s * 1e6)
        text = "coalesce(modified_us > $newest_us, true)"
        rules.append(ExclusionRule("min_age", text, {"newest_us": newest}))
    if selection.max_age_s is not None:
        oldest = as_of_us - round(selection.max_age_s * 1e6)
        text = "coalesce(modified_us < $oldest_us, true)"
        rules.append(ExclusionRule("max_age", text, {"oldest_us": oldest}))
    return rules


def _where_rules(selection: Selection) -> list[ExclusionRule]:
    if not selection.where:
        return []
    return [ExclusionRule("where", f"NOT coalesce({render_condition(selection.where)}, false)")]


def _settling_rules(selection: Selection, as_of_us: int) -> list[ExclusionRule]:
    rules: list[ExclusionRule] = []
    if selection.settled_marker:
        marker, values = _marker_expression(selection.settled_marker)
        # The table is the listing itself, the text of the marker ours.
        markers = f"origin IN (SELECT {marker} FROM listing)"  # noqa: S608
        marked = f"NOT {marker} IN (SELECT origin FROM listing)"  # noqa: S608
        rules += [
            ExclusionRule("a marker", markers, values),
            ExclusionRule("settled_marker", marked, values),
        ]
    if selection.settled_s is not None:
        # By the file's time; without one by the catalog: equal size and etag since then.
        text = (
            "CASE WHEN modified_us IS NOT NULL THEN modified_us > $settled_us "
            "ELSE NOT coalesce(steady_us <= $settled_us AND steady_size = size "
            "AND steady_etag IS NOT DISTINCT FROM etag, false) END"
        )
        before = as_of_us - round(selection.settled_s * 1e6)
        rules.append(ExclusionRule("settled", text, {"settled_us": before}))
    return rules


def _marker_expression(template: str) -> tuple[str, dict[str, object]]:
    parts: list[str] = []
    values: dict[str, object] = {}
    for part in _PLACEHOLDER.split(template):
        if part in PLACEHOLDERS:
            parts.append(PLACEHOLDERS[part])
        elif _PLACEHOLDER.fullmatch(part):
            raise InvalidInput(
                f"cannot use settled_marker {template!r}: {part} is unknown, "
                f"expected {', '.join(PLACEHOLDERS)}"
            )
        elif part:
            values[f"mark{len(values)}"] = part
            parts.append(f"$mark{len(values) - 1}::VARCHAR")
    if not any(mark in template for mark in PLACEHOLDERS):
        raise InvalidInput(
            f"cannot use settled_marker {template!r}: it needs a placeholder, as '{{path}}.done'"
        )
    return f"({' || '.join(parts)})", values
