"""`entrepot put`, `get`, `cp`, `mv`, `rm`, `register`: resources at a gateway or in the catalog.

With `--gateway` the commands talk to a gateway; without it they open the catalog and the tenant's
storage themselves.
"""

from __future__ import annotations

import mimetypes
import os
import stat
import sys
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated

from cyclopts import Parameter

from catalog.errors import InvalidInput
from catalog.formats.quantities import format_bytes
from catalog.model.digest import Hasher
from catalog.settings import Settings
from cli.resources.client import Metadata, ResourceClient, UploadDetails
from cli.resources.download import download, save
from cli.resources.progress_bar import progress_bar
from cli.terminal.output import PLAIN, Output, OutputOptions, exit_on_error, show, show_lines
from cli.terminal.table import Table, format_time

COLUMNS = ("name", "version", "size", "sha256")
STREAM = "-"


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class GatewayConnection:
    """Where the resources are; a token is never an option, since every process could read it."""

    gateway: Annotated[str | None, Parameter(env_var="ENTREPOT_GATEWAY_URL")] = None
    """URL of a gateway; without one, the local catalog and storage are used."""
    token_file: Annotated[Path | None, Parameter(env_var="ENTREPOT_TOKEN_FILE")] = None
    """File with the token; by default the token in ENTREPOT_TOKEN is used."""
    store: Annotated[str | None, Parameter(env_var="ENTREPOT_RESOURCES")] = None
    """Where uploads are stored if there is no gateway: a path, a URL or a block's name."""
    tenant: str | None = None
    """Tenant of the resources; by default ENTREPOT_TENANT."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class ListOptions:
    """Which resources to list."""

    resources: Annotated[bool, Parameter(negative="")] = False
    """List resources instead of repositories."""
    properties: str = ""
    """Conditions on properties, such as author=bob,!draft; all must hold."""
    every_version: Annotated[bool, Parameter(negative="")] = False
    """List every version instead of the latest only."""


LOCAL, REPOSITORIES = GatewayConnection(), ListOptions()
File = Parameter(allow_leading_hyphen=True)  # `-` is stdin or stdout
Where = Annotated[GatewayConnection, Parameter(group="Where")]
Version = Annotated[int | None, Parameter(name="--version")]
Property = Annotated[tuple[str, ...], Parameter(name=["--property", "-p"], consume_multiple=False)]


def put(
    file: Annotated[str, File],
    name: str,
    *,
    property: Property = (),  # noqa: A002 - the word of the option
    type: str | None = None,  # noqa: A002 - the same
    where: Where = LOCAL,
    output: OutputOptions = PLAIN,
) -> None:
    """Store a file as the next version of a resource, verified by its sha256.

    Args:
        file: Path of the file; - reads stdin.
        name: The resource's name, a path such as models/fraud.bin.
        property: A property as key=value; repeatable.
        type: Content type; by default guessed from the name.
        where: Where the resources are.
        output: Output format.
    """
    with _open_client(where, output) as client, _open_input(file) as (stream, size):
        kind = type or mimetypes.guess_type(name)[0]
        details = UploadDetails(size, kind, _properties(property))
        with progress_bar(name, size, output) as on_bytes:
            stored = client.put(name, stream, details, on_bytes)
        _show([stored], output)


def get(
    name: str,
    file: Annotated[str | None, File] = None,
    *,
    version: Version = None,
    where: Where = LOCAL,
    output: OutputOptions = PLAIN,
) -> None:
    """Save a resource as a file, verified; an interrupted download is resumed.

    Args:
        name: The resource's name.
        file: File or folder to write, - for stdout; by default the last part of the name.
        version: The version's number; by default the latest.
        where: Where the resources are.
        output: Output format.
    """
    with _open_client(where, output) as client:
        resource = client.find(name, version)
        with progress_bar(name, resource.size, output) as on_bytes:
            if file == STREAM:
                download(client, resource, sys.stdout.buffer.write, Hasher(), on_bytes)
                sys.stdout.buffer.flush()
                return
            target = _target(resource.name, file)
            save(client, resource, target, on_bytes)
        row = (resource.name, resource.version, str(target))
        show(Table(("name", "version", "file"), [row], ("name", "file")), output)


def cp(
    name: str,
    to: str,
    *,
    version: Version = None,
    where: Where = LOCAL,
    output: OutputOptions = PLAIN,
) -> None:
    """Copy a resource to another name, where its versions become the next versions.

    Args:
        name: The resource's name.
        to: The new name.
        version: The number of one version; by default every version.
        where: Where the resources are.
        output: Output format.
    """
    with _open_client(where, output) as client:
        _show(client.copy(name, to, version), output)


def mv(
    name: str,
    to: str,
    *,
    version: Version = None,
    where: Where = LOCAL,
    output: OutputOptions = PLAIN,
) -> None:
    """Move a resource to another name.

    Args:
        name: The resource's name.
        to: The new name.
        version: The number of one version; by default every version.
        where: Where the resources are.
        output: Output format.
    """
    with _open_client(where, output) as client:
        _show(client.move(name, to, version), output)


def rm(
    name: str, *, version: Version = None, where: Where = LOCAL, output: OutputOptions = PLAIN
) -> None:
    """Delete a resource; version numbers are never reused.

    Args:
        name: The resource's name.
        version: The number of one version; by default every version.
        where: Where the resources are.
        output: Output format.
    """
    with _open_client(where, output) as client:
        _show(client.delete(name, version), output)


def register(
    name: str,
    url: str,
    *,
    size: int | None = None,
    property: Property = (),  # noqa: A002 - the word of the option
    type: str | None = None,  # noqa: A002 - the same
    where: Where = LOCAL,
    output: OutputOptions = PLAIN,
) -> None:
    """Record a file at a URL as the next version of a resource, without copying it.

    Args:
        name: The resource's name.
        url: URL of the file.
        size: Size in bytes, if known.
        property: A property as key=value; repeatable.
        type: Content type; by default guessed from the name.
        where: Where the resources are.
        output: Output format.
    """
    with _open_client(where, output) as client:
        kind = type or mimetypes.guess_type(name)[0]
        details = UploadDetails(size, kind, _properties(property))
        _show([client.register(name, url, details)], output)


def list_resources(
    prefix: str, options: ListOptions, where: GatewayConnection, output: Output
) -> None:
    """Print the resources whose names begin with `prefix`, one per line, in the order of names."""
    with _open_client(where, output) as client:
        resources = client.find_all(prefix, options.properties, every=options.every_version)
        show_lines(resources, _line, output)


@contextmanager
def _open_client(where: GatewayConnection, output: Output) -> Generator[ResourceClient]:
    """Open the gateway or catalog that the options name; an error ends the program."""
    with exit_on_error(output), ExitStack() as stack:
        explicit = where.gateway != os.environ.get("ENTREPOT_GATEWAY_URL")
        if not where.gateway or (where.store is not None and not explicit):
            from cli.resources.catalog_client import open_catalog_client  # noqa: PLC0415 - it loads storages

            yield stack.enter_context(open_catalog_client(where.store, where.tenant))
            return
        from cli.resources.gateway_client import open_gateway_client, token_of  # noqa: PLC0415 - it loads httpx

        if where.store is not None:
            raise InvalidInput(
                "--store cannot be used with --gateway: a gateway has its own storage"
            )
        token = token_of(where.token_file, os.environ.get("ENTREPOT_TOKEN"))
        tenant = where.tenant or Settings().tenant
        yield stack.enter_context(open_gateway_client(where.gateway, tenant, token))


@contextmanager
def _open_input(file: str) -> Generator[tuple[IO[bytes], int | None]]:
    """Open the file to upload; only a regular file has a known size."""
    if file == STREAM:
        yield sys.stdin.buffer, None
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise InvalidInput(f"cannot read {file!r}: {error.strerror}") from error
    with stream:
        status = os.fstat(stream.fileno())
        yield stream, status.st_size if stat.S_ISREG(status.st_mode) else None


def _target(name: str, file: str | None) -> Path:
    last = name.rpartition("/")[2]
    if file is None:
        return Path(last)
    folder = file.endswith("/") or Path(file).is_dir()
    return Path(file) / last if folder else Path(file)


def _properties(pairs: Iterable[str]) -> dict[str, str]:
    from gateway.resource_store.properties import properties_of  # noqa: PLC0415 - with the rest of a gateway

    return properties_of(tuple(pairs))


def _show(versions: list[Metadata], output: Output) -> None:
    rows = [
        (row["name"], int(row["version"]), _size(row), row["digests"].get("sha256", "-")[:12])
        for row in versions
    ]
    table = Table(COLUMNS, rows, ("name", "sha256"), sizes=("size",))
    show(versions if output.json else table, output)


def _line(row: Metadata) -> str:
    size = _size(row)
    shown_size = "?" if size is None else format_bytes(size)
    time = format_time(datetime.fromisoformat(row["@timestamp"]))
    return f"{shown_size:>12}  {time}  {row['version']:>4}  {row['name']}"


def _size(row: Metadata) -> int | None:
    return None if row["size"] is None else int(row["size"])
