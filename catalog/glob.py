r"""Selection globs as one regular expression that means the same to Python's `re` and to RE2.

`*` stays within a segment, `**` crosses them, `?` is one character, `[abc]` and `[!abc]` are
sets. A pattern without `/` matches the last segment, at any depth, as in gitignore.

>>> import re
>>> bool(re.fullmatch(globs_to_regex(("**/x", "*.csv")), "a/b/c.csv"))
True
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from catalog.errors import InvalidInput

_TOKEN = re.compile(
    r"(?P<over>(?:(?<=/)|^)\*\*/)|(?P<rest>(?<=/)\*\*$)|(?P<any>\*\*+)|(?P<star>\*)|(?P<one>\?)"
    r"|\[(?P<set>!?\]?[^\]]*)\]|(?P<plain>.)",
    re.DOTALL,
)
_MEANING = {
    "over": "(?:.*/)?",  # **/
    "rest": ".+",  # /** at the end
    "any": ".*",
    "star": "[^/]*",
    "one": "[^/]",
}


def globs_to_regex(patterns: Sequence[str]) -> str:
    """Return the expression for a full match of any of `patterns`; '' for no patterns."""
    if not patterns:
        return ""
    expression = "(?s:" + "|".join(_glob_to_regex(pattern) for pattern in patterns) + ")"
    try:
        re.compile(expression)
    except re.error as error:
        raise InvalidInput(f"cannot read the patterns {', '.join(patterns)}: {error}") from error
    return expression


def _glob_to_regex(pattern: str) -> str:
    if not pattern:
        raise InvalidInput("a pattern is empty: expected a glob such as *.csv")
    if pattern.startswith("/"):
        pattern = pattern[1:]  # anchored at the top, as in gitignore
    elif "/" not in pattern:
        pattern = "**/" + pattern
    if pattern.endswith("/"):
        pattern += "**"
    return "".join(_translate(token) for token in _TOKEN.finditer(pattern))


def _translate(token: re.Match[str]) -> str:
    kind = token.lastgroup or ""
    if kind == "set":
        return _character_set(token["set"])
    return _MEANING[kind] if kind in _MEANING else _escape(token.group())


def _character_set(inside: str) -> str:
    negated = inside.startswith("!")
    body = inside.removeprefix("!")
    if not body:
        raise InvalidInput("a pattern has an empty set []")
    members = "".join(
        one if one == "-" and 0 < place < len(body) - 1 else _escape(one)
        for place, one in enumerate(body)
    )
    # A set never matches the separator, not even a negated one.
    return f"[^/{members}]" if negated else f"[{members}]"


def _escape(one: str) -> str:
    # Only ASCII punctuation: re and RE2 agree that a backslash makes it plain.
    return "\\" + one if one.isascii() and not one.isalnum() and one not in "_/ \n\t" else one
