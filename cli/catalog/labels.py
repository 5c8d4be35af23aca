"""Labels of versions, and their protection from deletion."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from catalog.errors import InvalidInput
from catalog.model.version import Version
from cli.catalog.address import address_of
from cli.terminal.output import PLAIN, OutputOptions, open_catalog, show
from cli.terminal.table import Table

BY_HAND = "by hand"
Off = Annotated[bool, Parameter(negative="")]


def label(repository: str, version: int, *labels: str, output: OutputOptions = PLAIN) -> None:
    """Set labels of a version; `key=` removes one, and labels that are not named stay.

    Args:
        repository: A block's name, a path or a URL.
        version: The version's number.
        labels: Each as `key=value`, or `key=` to remove it; without any, the labels are shown.
        output: Output format.
    """
    with open_catalog(output) as catalog:
        address = address_of(repository)
        changes = dict(_parse_label(label) for label in labels)
        labelled = (
            catalog.versions.label(address, version, changes)
            if changes
            else catalog.versions.get(address, version)
        )
        show(_version_table(labelled), output)


def protect(
    repository: str,
    version: int,
    reason: str = BY_HAND,
    *,
    off: Off = False,
    output: OutputOptions = PLAIN,
) -> None:
    """Protect a version from deletion and retention for as long as it has a reason.

    Args:
        repository: A block's name, a path or a URL.
        version: The version's number.
        reason: Why it is protected, in a word or two; a version may have several reasons.
        off: Remove this reason instead.
        output: Output format.
    """
    with open_catalog(output) as catalog:
        address = address_of(repository)
        if not off:
            catalog.retention.protect(address, version, reason)
        elif reason in (reasons := catalog.versions.get(address, version).protected):
            catalog.retention.unprotect(address, version, reason)
        else:
            known = ", ".join(map(repr, reasons)) or "none"
            raise InvalidInput(
                f"version {version} of {address!r} is not protected for the reason {reason!r}; "
                f"its reasons: {known}"
            )
        show(_version_table(catalog.versions.get(address, version)), output)


def _parse_label(text: str) -> tuple[str, str | None]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise InvalidInput(f"cannot read the label {text!r}: expected key=value or key=")
    return key, value or None


def _version_table(version: Version) -> Table:
    labels = tuple(f"{key}={value}" for key, value in version.labels.items())
    columns = ("version", "labels", "protected")
    return Table(columns, [(version.number, labels, version.protected)], ("labels", "protected"))
