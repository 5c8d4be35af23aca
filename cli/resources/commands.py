"""`entrepot put`, `get`, `cp`, `mv`, `rm`, `register`: resources of a gateway, or of the catalog.

The words are the same either way: `--gateway` asks a gateway, and without it the catalog and the
tenant's storage are opened here.
"""

from __future__ import annotations

import mimetypes
import os
import stat
import sys
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated

from cyclopts import Parameter

from catalog.errors import InvalidInput
from catalog.model.digest import Hasher
from catalog.settings import Settings
from cli.resources.client import Metadata, ResourceClient, UploadDetails
from cli.resources.download import fill, save
from cli.resources.progress_bar import progress_bar
from cli.terminal.output import PLAIN, Output, exit_on_error, show, show_lines
from cli.terminal.table import Table

Format = Annotated[Output, Parameter(group="Output")]
COLUMNS = ("name", "version", "size", "sha256")
STREAM = "-"


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Where:
    """Whom to ask; a token is never an option, which every process could read."""

    gateway: Annotated[str | None, Parameter(env_var="ENTREPOT_GATEWAY_URL")] = None
    """URL of a gateway; without one, the catalog and the storage are opened here."""
    token_file: Annotated[Path | None, Parameter(env_var="ENTREPOT_TOKEN_FILE")] = None
    """File that holds the token; by default ENTREPOT_TOKEN is the token."""
    store: Annotated[str | None, Parameter(env_var="ENTREPOT_RESOURCES")] = None
    """Without a gateway, where uploads lie: a path, a URL or a block's name."""
    tenant: str | None = None
    """Whose resources; by default ENTREPOT_TENANT."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Listed:
    """Which resources a list has."""

    resources: Annotated[bool, Parameter(negative="")] = False
    """List resources, of a gateway or of the catalog."""
    properties: str = ""
    """Conditions such as author=bob,!draft; a comma is and."""
    every_version: Annotated[bool, Parameter(negative="")] = False
    """Every version, not the latest alone."""


HERE, REPOSITORIES = Where(), Listed()
File = Parameter(allow_leading_hyphen=True)  # - is a file too
Place = Annotated[Where, Parameter(group="Where")]
Version = Annotated[int | None, Parameter(name="--version")]
Property = Annotated[tuple[str, ...], Parameter(name=["--property", "-p"], consume_multiple=False)]


def put(
    file: Annotated[str, File],
    name: str,
    *,
    property: Property = (),  # noqa: A002 - the word of the option
    type: str | None = None,  # noqa: A002 - the same
    where: Place = HERE,
    output: Format = PLAIN,
) -> None:
    """Store a file as the next version of a resource, verified by its sha256.

    Args:
        file: The file; - reads stdin.
        name: The resource's name, a path such as models/fraud.bin.
        property: A property as key=value; repeatable.
        type: Content type; by default what the name says.
        where: Whom to ask.
        output: How to print.
    """
    with _desk(where, output) as desk, _opened(file) as (stream, size):
        kind = type or mimetypes.guess_type(name)[0]
        given = UploadDetails(size, kind, _properties(property))
        with progress_bar(name, size, output) as moved:
            made = desk.put(name, stream, given, moved)
        _show([made], output)


def get(
    name: str,
    file: Annotated[str | None, File] = None,
    *,
    version: Version = None,
    where: Place = HERE,
    output: Format = PLAIN,
) -> None:
    """Save a resource as a file, verified, and resumed where an earlier try broke off.

    Args:
        name: The resource's name.
        file: File or folder; - writes to stdout; by default the name's last part, here.
        version: Which version; the latest by default.
        where: Whom to ask.
        output: How to print.
    """
    with _desk(where, output) as desk:
        found = desk.find(name, version)
        with progress_bar(name, found.size, output) as moved:
            if file == STREAM:
                fill(desk, found, sys.stdout.buffer.write, Hasher(), moved)
                sys.stdout.buffer.flush()
                return
            target = _target(found.name, file)
            save(desk, found, target, moved)
        row = (found.name, found.version, str(target))
        show(Table(("name", "version", "file"), [row], words=("name", "file")), output)


def cp(
    name: str, to: str, *, version: Version = None, where: Place = HERE, output: Format = PLAIN
) -> None:
    """Copy every version of a resource as the next versions of another name.

    Args:
        name: The resource's name.
        to: The other name.
        version: Only this version.
        where: Whom to ask.
        output: How to print.
    """
    with _desk(where, output) as desk:
        _show(desk.copy(name, to, version), output)


def mv(
    name: str, to: str, *, version: Version = None, where: Place = HERE, output: Format = PLAIN
) -> None:
    """Move every version of a resource to another name.

    Args:
        name: The resource's name.
        to: The other name.
        version: Only this version.
        where: Whom to ask.
        output: How to print.
    """
    with _desk(where, output) as desk:
        _show(desk.move(name, to, version), output)


def rm(name: str, *, version: Version = None, where: Place = HERE, output: Format = PLAIN) -> None:
    """Delete every version of a resource; a number is never given again.

    Args:
        name: The resource's name.
        version: Only this version.
        where: Whom to ask.
        output: How to print.
    """
    with _desk(where, output) as desk:
        _show(desk.delete(name, version), output)


def register(
    name: str,
    url: str,
    *,
    size: int | None = None,
    property: Property = (),  # noqa: A002 - the word of the option
    type: str | None = None,  # noqa: A002 - the same
    where: Place = HERE,
    output: Format = PLAIN,
) -> None:
    """Record what lies elsewhere as the next version of a resource; nothing is copied.

    Args:
        name: The resource's name.
        url: Where its bytes lie.
        size: Its size in bytes, where known.
        property: A property as key=value; repeatable.
        type: Content type; by default what the name says.
        where: Whom to ask.
        output: How to print.
    """
    with _desk(where, output) as desk:
        kind = type or mimetypes.guess_type(name)[0]
        _show([desk.register(name, url, UploadDetails(size, kind, _properties(property)))], output)


def list_resources(prefix: str, listed: Listed, where: Where, output: Output) -> None:
    """Print resources whose names begin so, one a line, in the order of their names."""
    with _desk(where, output) as desk:
        found = desk.listed(prefix, listed.properties, every=listed.every_version)
        show_lines(found, _line, output)


@contextmanager
def _desk(where: Where, output: Output) -> Generator[ResourceClient]:
    """Open whom the options mean; an error is told, and ends the program."""
    with exit_on_error(output), ExitStack() as held:
        asked_for = where.gateway != os.environ.get("ENTREPOT_GATEWAY_URL")
        if not where.gateway or (where.store is not None and not asked_for):
            from cli.resources.catalog_client import open_catalog_client  # noqa: PLC0415 - it loads storages

            yield held.enter_context(open_catalog_client(where.store, where.tenant))
            return
        from cli.resources.gateway_client import open_gateway_client, token_of  # noqa: PLC0415 - it loads httpx

        if where.store is not None:
            raise InvalidInput("a gateway knows where resources lie: give --gateway or --store")
        token = token_of(where.token_file, os.environ.get("ENTREPOT_TOKEN"))
        tenant = where.tenant or Settings().tenant
        yield held.enter_context(open_gateway_client(where.gateway, tenant, token))


@contextmanager
def _opened(file: str) -> Generator[tuple[IO[bytes], int | None]]:
    """Open what is to be put; its size is known of a regular file alone."""
    if file == STREAM:
        yield sys.stdin.buffer, None
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise InvalidInput(f"cannot read {file!r}: {error.strerror}") from error
    with stream:
        found = os.fstat(stream.fileno())
        yield stream, found.st_size if stat.S_ISREG(found.st_mode) else None


def _target(name: str, file: str | None) -> Path:
    last = name.rpartition("/")[2]
    if file is None:
        return Path(last)
    folder = file.endswith("/") or Path(file).is_dir()
    return Path(file) / last if folder else Path(file)


def _properties(pairs: Iterable[str]) -> dict[str, str]:
    from gateway.resource_store.properties import properties_of  # noqa: PLC0415 - with the rest of a gateway

    return properties_of(tuple(pairs))


def _show(made: list[Metadata], output: Output) -> None:
    rows = [
        (one["name"], int(one["version"]), _size(one), one["digests"].get("sha256", "-")[:12])
        for one in made
    ]
    show(made if output.json else Table(COLUMNS, rows, words=("name", "sha256")), output)


def _line(one: Metadata) -> str:
    size = _size(one)
    told = "?" if size is None else str(size)
    when = one["@timestamp"].replace("T", " ")[:19]
    return f"{told:>12}  {when}  {one['version']:>4}  {one['name']}"


def _size(one: Metadata) -> int | None:
    return None if one["size"] is None else int(one["size"])
