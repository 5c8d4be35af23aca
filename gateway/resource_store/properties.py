"""Properties of a resource: how many, how long, and how a query gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from catalog.errors import InvalidInput

MAX_PROPERTIES = 100
MAX_PROPERTY_BYTES = 4096


def checked_properties(given: Mapping[str, str]) -> dict[str, str]:
    """Return properties that a resource may have.

    Raises:
        InvalidInput: they are too many or too long, or a key is empty or holds a quote.
    """
    if len(given) > MAX_PROPERTIES:
        raise InvalidInput(
            f"{len(given)} properties were given, at most {MAX_PROPERTIES} are allowed"
        )
    for key, value in given.items():
        if not key.strip() or '"' in key or "," in key or len(key) > 255:
            raise InvalidInput(
                f"the property {key[:80]!r} is no key: no quote, no comma, not empty"
            )
        if "\x00" in value or not _is_text(key + value):
            raise InvalidInput(f"the property {key[:80]!a} holds what is no text")
        if len(value.encode()) > MAX_PROPERTY_BYTES:
            raise InvalidInput(f"the property {key!r} is longer than {MAX_PROPERTY_BYTES} bytes")
    return dict(given)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half a character, as JSON can have it
        return False
    return True


def properties_of(pairs: Sequence[str]) -> dict[str, str]:
    """Return the properties that a query gives as `key=value`, each one a parameter.

    >>> properties_of(["author=bob", "note=a=b"])
    {'author': 'bob', 'note': 'a=b'}
    """
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise InvalidInput(f"the property {pair[:80]!r} is not of the form key=value")
        found[key] = value
    return found
