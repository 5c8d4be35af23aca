"""Replicate: keep a copy of every repository of an instance below one place.

from flows.replicate import replicate
replicate("s3-backup")                                                      # of this instance
replicate("/srv/copy", upstream="https://prefect.example/api", labels={"tier": "gold"})
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from blocks.stored_repositories import repositories_at, select_repositories, stored_by_name
from catalog.catalog import Catalog
from catalog.errors import CatalogError, InvalidInput
from catalog.model.plan import Mode
from catalog.settings import Settings
from flows.forms.options import GuardSettings
from flows.forms.run_names import shown
from flows.modify import modify
from flows.results.replicate import Replica, ReplicateFailed, ReplicateResult
from flows.runs.verb import verb
from flows.sync import sync

REPLICA = "replica-of"
"""The label of a version that replicate made; its value is the name upstream."""


class Leftovers(StrEnum):
    """What becomes of copies whose repository is not there any more, or not chosen."""

    KEEP = "keep"
    """They stay as they are."""
    LABELED = "labeled"
    """Those that replicate made are emptied; their files go into their history."""
    ALL = "all"
    """Whatever the catalog knows directly below the place is emptied so."""


def run_name() -> str:
    """Return `replicate <upstream> to <place>` of the run that begins."""
    given = dict(flow_run.parameters or {})
    of = shown(given["upstream"]) if given.get("upstream") else "this instance"
    return f"replicate {of} to {shown(given.get('to'))}"[:200]


@verb("replicate", run_name)
def replicate(
    to: Repository | str,
    *,
    upstream: str = "",
    upstream_secret: str = "",
    names: list[str] | None = None,
    labels: dict[str, str] | None = None,
    leftovers: Leftovers = Leftovers.KEEP,
    guards: GuardSettings | None = None,
) -> ReplicateResult:
    """Bring a copy of each stored repository of an instance up to date, below one place.

    Each is mirrored into the folder of its name by a sync of its own, so what did not change is
    not moved, and its copy has a history. One that fails stops none of the others, and the next
    run does what is missing.

    Args:
        to: Where the copies go, each into a folder of its name: a repository, its name, a path
            or a URL. Its layout and limits are theirs.
        upstream: URL of the Prefect API of another instance, whose repositories are replicated;
            empty for this one's own.
        upstream_secret: Name of a Secret block with that API's key, or its user:password.
        names: Globs of names of the repositories to replicate; all by default.
        labels: Labels that a repository must have to be replicated.
        leftovers: What becomes of copies whose repository is not among these any more.
        guards: How much may be removed or written at each copy.

    Returns:
        One row a repository.

    Raises:
        ReplicateFailed: some could not be replicated; it names each, and the others were.
        InvalidInput: nothing can be replicated so; nothing was touched.
    """
    place = resolved(to)
    every = repositories_at(upstream, upstream_secret) if upstream else stored_by_name()
    usable, broken = select_repositories(every, names, labels)
    wanted = _outside(place, usable)
    if not wanted and not broken:
        raise InvalidInput(f"no repository is to be replicated: {len(every)} are stored there")
    catalog = Catalog.open(Settings())
    rows = [_replicated(catalog, name, one, place, guards) for name, one in wanted.items()]
    rows += [Replica(one.name, "", error=one.why) for one in broken]
    kept = {*wanted, *(one.name for one in broken)}
    if leftovers is not Leftovers.KEEP:
        rows += [
            _emptied(place, name) for name in _left(catalog, place, leftovers) if name not in kept
        ]
    result = ReplicateResult(upstream or "this instance", place.label, tuple(rows))
    get_run_logger().info("%s", result.summary())
    if not result:
        raise ReplicateFailed(result)
    return result


def _outside(place: Repository, every: Mapping[str, Repository]) -> dict[str, Repository]:
    """Return what is to be replicated; the place itself, and what lies in it, is not."""
    outside = {name: one for name, one in every.items() if not _inside(one.address, place.address)}
    for name, one in outside.items():
        if _inside(place.address, one.address):
            raise InvalidInput(
                f"{place.label!r} lies inside of the repository {name!r}: each run would copy the "
                "copies again"
            )
    return outside


def _inside(inner: str, outer: str) -> bool:
    return f"{inner}/".startswith(f"{outer.rstrip('/')}/")


def _replicated(
    catalog: Catalog,
    name: str,
    source: Repository,
    place: Repository,
    guards: GuardSettings | None,
) -> Replica:
    end = place.below(name)
    try:
        done = sync(source, [end], mode=Mode.MIRROR, allow_empty=True, guards=guards)
        version = catalog.versions.latest(end.address)
        catalog.versions.label(end.address, version.number, {REPLICA: name})
    except CatalogError as error:
        return Replica(name, end.address, error=str(error))
    (row,) = done.destinations
    return Replica(name, end.address, row.made, row.version, row.files, row.bytes)


def _left(catalog: Catalog, place: Repository, leftovers: Leftovers) -> Iterator[str]:
    """Yield the names of copies below the place that hold anything."""
    start = f"{place.address.rstrip('/')}/"
    for address in catalog.repositories.addresses():
        name = address.removeprefix(start)
        if not address.startswith(start) or "/" in name:
            continue
        latest = catalog.versions.latest(address)
        if latest.total and (leftovers is Leftovers.ALL or latest.labels.get(REPLICA) == name):
            yield name


def _emptied(place: Repository, name: str) -> Replica:
    end = place.below(name)
    try:
        done = modify(end, remove=["*"], guards=GuardSettings(removal_share=None))
    except CatalogError as error:
        return Replica(name, end.address, error=str(error))
    (row,) = done.destinations
    return Replica(name, end.address, row.made, row.version, emptied=True)
