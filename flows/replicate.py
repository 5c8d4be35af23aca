"""Replicate: keep a copy of every stored repository of an instance in one place.

from flows.replicate import replicate
replicate("s3-backup")                                                      # of this instance
replicate("/srv/copy", upstream="https://prefect.example/api", labels={"tier": "gold"})
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from blocks.repository import Repository
from blocks.resolve import repository as resolved
from blocks.stored_repositories import repositories_at, select_repositories, stored_by_name
from catalog.catalog import Catalog
from catalog.errors import CatalogError, InvalidInput
from catalog.model.plan import Mode
from catalog.settings import Settings
from flows.forms.options import GuardSettings
from flows.forms.run_names import short_name
from flows.modify import modify
from flows.results.replicate import Replica, ReplicateFailed, ReplicateResult
from flows.runs.verb import verb
from flows.sync import sync
from orchestration.run import run_logger, run_parameters

REPLICA = "replica-of"
"""Label of a version that replicate created; its value is the name upstream."""


class Leftovers(StrEnum):
    """What to do with copies whose repository no longer exists or is no longer selected."""

    KEEP = "keep"
    """Keep them."""
    LABELED = "labeled"
    """Empty those that replicate created; their files are kept in their history."""
    ALL = "all"
    """Empty every repository directly below the place."""


def run_name() -> str:
    """Return `replicate <upstream> to <place>` for the run that starts."""
    given = run_parameters()
    of = short_name(given["upstream"]) if given.get("upstream") else "this instance"
    return f"replicate {of} to {short_name(given.get('to'))}"[:200]


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
    """Copy each stored repository of an instance to one place, or update its copy there.

    Each is mirrored into a folder of its name by a sync of its own, so unchanged files are not
    moved, and each copy has a history. If one fails, the others are still replicated, and the next
    run does the rest.

    Args:
        to: Where to put the copies: a repository, its name, a path or a URL. Its layout and limits
            apply to every copy.
        upstream: URL of another instance's Prefect API, whose repositories are replicated; empty
            for this instance.
        upstream_secret: Name of a Secret block with that API's key, or with user:password.
        names: Globs of the names of repositories to replicate; by default all.
        labels: Labels that a repository must have to be replicated.
        leftovers: What to do with copies whose repository is no longer selected.
        guards: Limits on what may be removed or written at each copy.

    Returns:
        One row per repository.

    Raises:
        ReplicateFailed: some could not be replicated; the error names them.
        InvalidInput: nothing can be replicated; nothing was changed.
    """
    place = resolved(to)
    stored = repositories_at(upstream, upstream_secret) if upstream else stored_by_name()
    usable, broken = select_repositories(stored, names, labels)
    selected = _outside(place, usable)
    if not selected and not broken:
        raise InvalidInput(
            f"no repository to replicate: none of the {len(stored)} stored ones matches names and "
            "labels and is outside the target"
        )
    catalog = Catalog.open(Settings())
    rows = [_replicate(catalog, name, source, place, guards) for name, source in selected.items()]
    rows += [Replica(unusable.name, "", error=unusable.why) for unusable in broken]
    kept = {*selected, *(unusable.name for unusable in broken)}
    if leftovers is not Leftovers.KEEP:
        old = _find_leftovers(catalog, place, leftovers)
        rows += [_empty(place, name) for name in old if name not in kept]
    result = ReplicateResult(upstream or "this instance", place.label, tuple(rows))
    run_logger().info("%s", result.summary())
    if not result:
        raise ReplicateFailed(result)
    return result


def _outside(place: Repository, every: Mapping[str, Repository]) -> dict[str, Repository]:
    """Return the repositories that are outside the place where the copies are."""
    outside = {
        name: repository
        for name, repository in every.items()
        if not _is_inside(repository.address, place.address)
    }
    for name, repository in outside.items():
        if _is_inside(place.address, repository.address):
            raise InvalidInput(
                f"{place.label!r} is inside the repository {name!r}: each run would copy the "
                "copies again"
            )
    return outside


def _is_inside(inner: str, outer: str) -> bool:
    return f"{inner}/".startswith(f"{outer.rstrip('/')}/")


def _replicate(
    catalog: Catalog,
    name: str,
    source: Repository,
    place: Repository,
    guards: GuardSettings | None,
) -> Replica:
    end = place.below(name)
    try:
        result = sync(source, [end], mode=Mode.MIRROR, allow_empty=True, guards=guards)
        version = catalog.versions.latest(end.address)
        catalog.versions.label(end.address, version.number, {REPLICA: name})
    except CatalogError as error:
        return Replica(name, end.address, error=str(error))
    (row,) = result.destinations
    return Replica(name, end.address, row.new_version, row.version, row.files, row.bytes)


def _find_leftovers(catalog: Catalog, place: Repository, leftovers: Leftovers) -> Iterator[str]:
    """Yield the names of copies below the place that are not empty."""
    prefix = f"{place.address.rstrip('/')}/"
    for address in catalog.repositories.addresses():
        name = address.removeprefix(prefix)
        if not address.startswith(prefix) or "/" in name:
            continue
        latest = catalog.versions.latest(address)
        if latest.total and (leftovers is Leftovers.ALL or latest.labels.get(REPLICA) == name):
            yield name


def _empty(place: Repository, name: str) -> Replica:
    end = place.below(name)
    try:
        result = modify(end, remove=["*"], guards=GuardSettings(removal_share=None))
    except CatalogError as error:
        return Replica(name, end.address, error=str(error))
    (row,) = result.destinations
    return Replica(name, end.address, row.new_version, row.version, emptied=True)
