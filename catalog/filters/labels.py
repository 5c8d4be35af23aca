r"""Filters of labels and properties, in the syntax of Pulp's `pulp_label_select` (PS-38).

`k=v`, `k!=v`, `k~part`, `k` (exists), `!k` (does not); a comma is AND, `\,` a comma in a value.

>>> parse_terms("stage=prod,!draft")
(Term(key='stage', operator='=', value='prod'), Term(key='draft', operator='!', value=''))
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from catalog.errors import InvalidInput

MAX_LENGTH = 2_000  # characters
MAX_TERMS = 20  # terms
_TERM = re.compile(r"(!?)([A-Za-z0-9_.\-/ ]+?)\s*(?:(!=|=|~)(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: `operator` is `=`, `!=`, `~` (contains), `+` (exists) or `!` (does not)."""

    key: str
    operator: str
    value: str = ""

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Say whether `labels` satisfy it; `k!=v` requires the key to exist, as in Pulp."""
        value = labels.get(self.key)
        if self.operator == "!":
            return value is None
        if value is None:
            return False
        if self.operator == "=":
            return value == self.value
        if self.operator == "!=":
            return value != self.value
        return self.operator == "+" or self.value in value


def parse_terms(text: str) -> tuple[Term, ...]:
    """Parse a filter.

    Raises:
        InvalidInput: it cannot be parsed; names the wrong part.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidInput(
            f"a filter has {len(text):,} characters, at most {MAX_LENGTH:,} are allowed"
        )
    parts = re.split(r"(?<!\\),", text) if text.strip() else []
    if len(parts) > MAX_TERMS:
        raise InvalidInput(
            f"a filter has {len(parts):,} conditions, at most {MAX_TERMS} are allowed"
        )
    return tuple(_parse_term(part.strip(), text) for part in parts)


def _parse_term(part: str, text: str) -> Term:
    match = _TERM.fullmatch(part)
    if match is None or (match[1] and match[3]):
        raise InvalidInput(
            f"{part!r} in the filter {text!r} is not one of key=value, key!=value, key~part, key, "
            "!key"
        )
    negated, key, operator, value = match.groups()
    if operator is None:
        return Term(key.strip(), "!" if negated else "+")
    return Term(key.strip(), operator, value.strip().replace("\\,", ","))


def sql_conditions(terms: tuple[Term, ...], column: str) -> tuple[str, dict[str, object]]:
    """Return SQL that filters by a JSON column, and its parameters."""
    parts: list[str] = []
    values: dict[str, object] = {}
    for place, one in enumerate(terms):
        key, value = f"key_{place}", f"value_{place}"
        values[key] = f'$."{one.key}"'
        held = f"json_extract_string({column}, ${key})"
        if one.operator in {"+", "!"}:
            parts.append(f" AND {held} IS {'NOT ' if one.operator == '+' else ''}NULL")
            continue
        values[value] = one.value
        test = {"=": f"{held} = ${value}", "!=": f"{held} <> ${value}"}
        parts.append(f" AND {test.get(one.operator, f'contains({held}, ${value})')}")
    return "".join(parts), values
