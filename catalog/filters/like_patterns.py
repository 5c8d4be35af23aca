r"""Rewrites patterns of a user's condition as regular expressions, which take linear time (RE2).

DuckDB's own LIKE and GLOB backtrack: twelve `%a_` on a name of 240 letters take minutes. RE2 reads
each letter once.

>>> like_to_regex("a%b_.c"), like_to_regex("50!%", "!"), glob_to_regex("*.[!a-c]?")
('a.*b.\\.c', '50%', '.*\\.[^a-c].')
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

Node = dict[str, Any]
MakeError = Callable[[str], Exception]
FULL_MATCH = "regexp_full_match"
LIKE_OPERATORS = {  # operator -> its options, and whether it is negated
    "~~": ("s", False),
    "!~~": ("s", True),
    "~~*": ("si", False),
    "!~~*": ("si", True),
    "like_escape": ("s", False),
    "not_like_escape": ("s", True),
    "ilike_escape": ("si", False),
    "not_ilike_escape": ("si", True),
}
GLOB_OPERATOR = "~~~"
CONSTANT_PATTERN_FUNCTIONS = frozenset(
    (FULL_MATCH, "regexp_matches", "regexp_extract", "like_escape", "ilike_escape")
)


def rewrite_patterns(node: Any, make_error: MakeError) -> Any:  # noqa: ANN401 - a tree of JSON
    """Return a DuckDB syntax tree with each pattern replaced by a regular expression.

    Raises:
        Exception: made by `make_error` from the reason, for a pattern that is not constant text.
    """
    if isinstance(node, list):
        return [rewrite_patterns(one, make_error) for one in node]
    if not isinstance(node, dict):
        return node
    found = {key: rewrite_patterns(one, make_error) for key, one in cast("Node", node).items()}
    if found.get("class") != "FUNCTION":
        return found
    name = str(found["function_name"]).lower()
    children = cast("list[Node]", found["children"])
    if name in LIKE_OPERATORS:
        options, negated = LIKE_OPERATORS[name]
        escape = _constant_text(children[2], make_error) if len(children) > 2 else ""
        if len(escape) > 1:
            raise make_error(f"an escape must be one character, found {escape!r}")
        pattern = like_to_regex(_constant_text(children[1], make_error), escape, make_error)
        rewritten = _regex_match_node(found, pattern, options)
        return _negate(found, rewritten) if negated else rewritten
    if name == GLOB_OPERATOR:
        return _regex_match_node(found, glob_to_regex(_constant_text(children[1], make_error)), "s")
    if name in CONSTANT_PATTERN_FUNCTIONS and len(children) > 1:
        _constant_text(children[1], make_error)
    return found


def like_to_regex(pattern: str, escape: str = "", make_error: MakeError = ValueError) -> str:
    """Return the regular expression for a full match of a LIKE pattern."""
    parts: list[str] = []
    letters = iter(pattern)
    for letter in letters:
        if escape and letter == escape:
            following = next(letters, None)
            if following is None:
                raise make_error("the pattern ends with its escape character")
            parts.append(re.escape(following))
        elif letter == "%":
            if parts[-1:] != [".*"]:
                parts.append(".*")
        else:
            parts.append("." if letter == "_" else re.escape(letter))
    return "".join(parts)


def glob_to_regex(pattern: str) -> str:
    """Return the regular expression for a full match of a GLOB pattern."""
    parts: list[str] = []
    place = 0
    while place < len(pattern):
        letter = pattern[place]
        place += 1
        if letter == "*":
            if parts[-1:] != [".*"]:
                parts.append(".*")
        elif letter == "?":
            parts.append(".")
        elif letter == "\\" and place < len(pattern):
            parts.append(re.escape(pattern[place]))
            place += 1
        elif letter == "[" and (end := pattern.find("]", place + 1)) > 0:
            inside = pattern[place:end]
            negated = inside[:1] in ("!", "^")
            body = re.sub(r"([\\\[\]^&~|])", r"\\\1", inside[1:] if negated else inside)
            parts.append(f"[{'^' if negated else ''}{body}]")
            place = end + 1
        else:
            parts.append(re.escape(letter))
    return "".join(parts)


def _constant_text(node: Node, make_error: MakeError) -> str:
    """Return the text of a constant: it is compiled once, not for each row."""
    if node.get("class") == "CONSTANT":
        value = node["value"]
        if not value.get("is_null") and isinstance(value.get("value"), str):
            return str(value["value"])
    raise make_error("a pattern must be constant text, not computed from a row")


def _regex_match_node(node: Node, pattern: str, options: str) -> Node:
    subject, template = node["children"][:2]
    first = {**template, "value": {**template["value"], "value": pattern}}
    second = {**template, "value": {**template["value"], "value": options}}
    children = [subject, first, second]
    return {**node, "function_name": FULL_MATCH, "children": children, "is_operator": False}


def _negate(node: Node, operand: Node) -> Node:
    negation: Node = {"class": "OPERATOR", "type": "OPERATOR_NOT", "children": [operand]}
    return negation | {key: node[key] for key in ("alias", "query_location") if key in node}
