r"""Patterns of a person's condition, all as regular expressions that take linear time (RE2).

DuckDB's own LIKE and GLOB try every way to fit a pattern: twelve `%a_` on a name of 240 letters
take minutes. RE2 reads each letter once.

>>> like("a%b_.c"), like("50!%", "!"), glob("*.[!a-c]?")
('a.*b.\\.c', '50%', '.*\\.[^a-c].')
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

Node = dict[str, Any]
Refused = Callable[[str], Exception]
MATCH = "regexp_full_match"
LIKES = {  # operator -> its options, and whether it is negated
    "~~": ("s", False),
    "!~~": ("s", True),
    "~~*": ("si", False),
    "!~~*": ("si", True),
    "like_escape": ("s", False),
    "not_like_escape": ("s", True),
    "ilike_escape": ("si", False),
    "not_ilike_escape": ("si", True),
}
GLOB = "~~~"
CONSTANT_ONLY = frozenset(
    (MATCH, "regexp_matches", "regexp_extract", "like_escape", "ilike_escape")
)


def patterns_rewritten(node: Any, refused: Refused) -> Any:  # noqa: ANN401 - a tree of JSON
    """Return a tree of DuckDB's in which each pattern is a regular expression.

    Raises:
        Exception: what `refused` makes of the reason, where a pattern is no constant text.
    """
    if isinstance(node, list):
        return [patterns_rewritten(one, refused) for one in node]
    if not isinstance(node, dict):
        return node
    found = {key: patterns_rewritten(one, refused) for key, one in cast("Node", node).items()}
    if found.get("class") != "FUNCTION":
        return found
    name = str(found["function_name"]).lower()
    children = cast("list[Node]", found["children"])
    if name in LIKES:
        options, negated = LIKES[name]
        escape = _text(children[2], refused) if len(children) > 2 else ""
        if len(escape) > 1:
            raise refused(f"an escape is one character, not {escape!r}")
        pattern = like(_text(children[1], refused), escape, refused)
        made = _match(found, pattern, options)
        return _negated(found, made) if negated else made
    if name == GLOB:
        return _match(found, glob(_text(children[1], refused)), "s")
    if name in CONSTANT_ONLY and len(children) > 1:
        _text(children[1], refused)
    return found


def like(pattern: str, escape: str = "", refused: Refused = ValueError) -> str:
    """Return a LIKE pattern as a regular expression of whole texts."""
    made: list[str] = []
    letters = iter(pattern)
    for letter in letters:
        if escape and letter == escape:
            following = next(letters, None)
            if following is None:
                raise refused("the pattern ends with its escape")
            made.append(re.escape(following))
        elif letter == "%":
            if made[-1:] != [".*"]:
                made.append(".*")
        else:
            made.append("." if letter == "_" else re.escape(letter))
    return "".join(made)


def glob(pattern: str) -> str:
    """Return a GLOB pattern as a regular expression of whole texts."""
    made: list[str] = []
    place = 0
    while place < len(pattern):
        letter = pattern[place]
        place += 1
        if letter == "*":
            if made[-1:] != [".*"]:
                made.append(".*")
        elif letter == "?":
            made.append(".")
        elif letter == "\\" and place < len(pattern):
            made.append(re.escape(pattern[place]))
            place += 1
        elif letter == "[" and (end := pattern.find("]", place + 1)) > 0:
            inside = pattern[place:end]
            negated = inside[:1] in ("!", "^")
            body = re.sub(r"([\\\[\]^&~|])", r"\\\1", inside[1:] if negated else inside)
            made.append(f"[{'^' if negated else ''}{body}]")
            place = end + 1
        else:
            made.append(re.escape(letter))
    return "".join(made)


def _text(node: Node, refused: Refused) -> str:
    """Return the text of a constant: what is compiled once, and not for each row."""
    if node.get("class") == "CONSTANT":
        value = node["value"]
        if not value.get("is_null") and isinstance(value.get("value"), str):
            return str(value["value"])
    raise refused("a pattern has to be a text, not made out of a row")


def _match(node: Node, pattern: str, options: str) -> Node:
    subject, given = node["children"][:2]
    first = {**given, "value": {**given["value"], "value": pattern}}
    second = {**given, "value": {**given["value"], "value": options}}
    children = [subject, first, second]
    return {**node, "function_name": MATCH, "children": children, "is_operator": False}


def _negated(node: Node, made: Node) -> Node:
    made_of: Node = {"class": "OPERATOR", "type": "OPERATOR_NOT", "children": [made]}
    return made_of | {key: node[key] for key in ("alias", "query_location") if key in node}
