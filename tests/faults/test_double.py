"""Whatever a library raises: what leaves a provider is an error of ours, that names the thing."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing, suppress

import pytest

from catalog.errors import CatalogError
from catalog.model.digest import Digest
from providers.base import Attributes, Storage
from providers.interfaces.history import SupportsHistory, history_key
from tests.faults.kit.double import ERRORS, SEAMS, failing
from tests.faults.kit.target import OPTIONS, Corner, Target
from tests.faults.kit.target_profiles import BY_NAME, PROFILES

DATA = b"x" * 5000
SOAKS = "ENTREPOT_SOAK_S" in os.environ


def listed(storage: Storage) -> None:
    list(storage.enumerate())
    list(storage.enumerate("d"))


def read(storage: Storage) -> None:
    reader = storage.read("d/a", start=1)
    try:
        b"".join(map(bytes, reader))
    finally:
        reader.close()


def written(storage: Storage) -> None:
    writer = storage.write("d/new", Attributes(modified_us=10**15), size=len(DATA))
    try:
        writer.write(DATA)
        writer.commit(Digest.of(DATA))
    finally:
        writer.abort()


def kept(storage: Storage) -> None:
    if isinstance(storage, SupportsHistory):
        storage.keep(storage.stat("d/b"), history_key("0" * 64))


READS: dict[str, Callable[[Storage], object]] = {
    "list": listed,
    "stat": lambda storage: storage.stat("d/a"),
    "fetch": lambda storage: storage.fetch("d/a"),
    "read": read,
}
WRITES: dict[str, Callable[[Storage], object]] = {
    "put": lambda storage: storage.put("d/b", DATA, Attributes(modified_us=10**15, mode=0o600)),
    "write": written,
    "keep": kept,
    "remove": lambda storage: storage.remove("d/c"),
}


@pytest.fixture
def corner(place: Target) -> Corner:
    made = place.fresh()
    for path in ("d/a", "d/b", "d/c"):
        made.seed(path, DATA)
    return made


@pytest.fixture
def place(request: pytest.FixtureRequest, place_of: Callable[[str], Target]) -> Target:
    return place_of(request.param)


@pytest.mark.timeout(2400)
@pytest.mark.parametrize(
    ("place", "seam"),
    [
        pytest.param(profile.name, seam, id=f"{profile.name}: {seam}")
        for profile in PROFILES
        for seam in SEAMS[profile.name]
    ],
    indirect=["place"],
)
def test_whatever_a_library_raises_an_error_of_ours_leaves(
    place: Target, seam: str, corner: Corner
) -> None:
    operations = READS if place.profile.read_only else READS | WRITES
    foreign: list[str] = []
    struck = 0
    for kind in tried(seam):
        with closing(corner.settings.open(OPTIONS)) as storage:
            for name, operation in operations.items():
                with suppress(CatalogError):
                    if place.profile.name != "git":  # it would have its clone
                        storage.stat("d/a")  # a connection that was used before
                with failing(seam, ERRORS[kind]) as hits:
                    try:
                        operation(storage)
                    except CatalogError as ours:
                        foreign += [] if str(ours) else [f"{name}, {kind}: no words"]
                    except Exception as theirs:  # noqa: BLE001 - it is what is looked for
                        foreign.append(f"{name}, {kind}: {type(theirs).__name__}: {theirs}")
                struck += len(hits)
        corner.seed("d/c", DATA)
    assert foreign == []
    assert struck, "no operation makes this call"


def tried(seam: str) -> list[str]:
    """Return the errors that a call raises: all in a soak, else one, another at each call."""
    every = list(ERRORS)
    if SOAKS:
        return every
    seams = [one for seams in SEAMS.values() for one in seams]
    return [every[seams.index(seam) % len(every)]]


def test_each_provider_has_a_double() -> None:
    assert set(SEAMS) == set(BY_NAME)
