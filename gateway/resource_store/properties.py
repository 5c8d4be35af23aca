"""Checks and parses properties of resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from catalog.errors import InvalidInput

MAX_PROPERTIES = 100
MAX_PROPERTY_BYTES = 4096


def checked_properties(given: Mapping[str, str]) -> dict[str, str]:
    """Check the properties of a resource.

    Raises:
        InvalidInput: they are too many or too long, or a key is empty or contains a quote or comma.
    """
    if len(given) > MAX_PROPERTIES:
        raise InvalidInput(
            f"there are {len(given):,} properties, and at most {MAX_PROPERTIES} are allowed"
        )
    for key, value in given.items():
        if not key.strip() or '"' in key or "," in key or len(key) > 255:
            raise InvalidInput(
                f"the property name {key[:80]!r} is invalid: it must not be empty, longer than 255 "
                "characters, or contain quotes or commas"
            )
        if "\x00" in value or not _is_text(key + value):
            raise InvalidInput(f"the property {key[:80]!a} is not valid text")
        if len(value.encode()) > MAX_PROPERTY_BYTES:
            raise InvalidInput(f"the property {key!r} is longer than {MAX_PROPERTY_BYTES:,} bytes")
    return dict(given)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can contain
        return False
    return True


def properties_of(pairs: Sequence[str]) -> dict[str, str]:
    """Parse the properties of a query, one parameter `key=value` each.

    >>> properties_of(["author=bob", "note=a=b"])
    {'author': 'bob', 'note': 'a=b'}
    """
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise InvalidInput(f"the property {pair[:80]!r} is invalid: expected key=value")
        found[key] = value
    return found
