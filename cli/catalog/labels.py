"""Marks of versions: labels, and protection from deletion."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from catalog.errors import InvalidInput
from catalog.model.version import Version
from cli.catalog.address import address_of
from cli.catalog.queries import Given
from cli.terminal.output import PLAIN, open_catalog, show
from cli.terminal.table import Table

BY_HAND = "by hand"
Off = Annotated[bool, Parameter(negative="")]


def label(repository: str, version: int, *labels: str, output: Given = PLAIN) -> None:
    """Write labels of a version; `key=` takes one away, those not named stay.

    Args:
        repository: A block's name, a path or a URL.
        version: Number of the version.
        labels: Each as `key=value`, or `key=` to take it away; none shows what there is.
        output: How to print.
    """
    with open_catalog(output) as catalog:
        address = address_of(repository)
        written = dict(_pair(one) for one in labels)
        found = (
            catalog.versions.label(address, version, written)
            if written
            else catalog.versions.get(address, version)
        )
        show(_marks(found), output)


def protect(
    repository: str,
    version: int,
    reason: str = BY_HAND,
    *,
    off: Off = False,
    output: Given = PLAIN,
) -> None:
    """Let neither a deletion nor a retention take a version, as long as there is a reason.

    Args:
        repository: A block's name, a path or a URL.
        version: Number of the version.
        reason: Why, in a word or two; a version may have several.
        off: Take this reason away instead.
        output: How to print.
    """
    with open_catalog(output) as catalog:
        address = address_of(repository)
        if not off:
            catalog.retention.protect(address, version, reason)
        elif reason in (held := catalog.versions.get(address, version).protected):
            catalog.retention.unprotect(address, version, reason)
        else:
            kept = ", ".join(map(repr, held)) or "no reason"
            raise InvalidInput(
                f"version {version} of {address!r} is not protected for {reason!r}, but for {kept}"
            )
        show(_marks(catalog.versions.get(address, version)), output)


def _pair(text: str) -> tuple[str, str | None]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise InvalidInput(f"the label {text!r} is not of the form key=value, nor key=")
    return key, value or None


def _marks(version: Version) -> Table:
    labels = tuple(f"{key}={value}" for key, value in version.labels.items())
    columns = ("version", "labels", "protected")
    return Table(columns, [(version.number, labels, version.protected)], ("labels", "protected"))
