"""kill -9 at any step of any flow: the next run finishes, and everything is right.

Two kills of each kind in CI; by `make soak`, which sets ENTREPOT_SOAK_S, 500 of all.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.settings import Settings
from tests.faults.kit.killer import BUILD, Death, lived, steps_of
from tests.faults.kit.operations import DEEDS
from tests.faults.kit.target import tree, visible
from tests.faults.results import note

SOAKS = "ENTREPOT_SOAK_S" in os.environ
SERIES, KILLS = (4, 5) if SOAKS else (1, 2)
LATER_S = 0.03
MANIFEST = "PULP_MANIFEST"  # that an exported tree has
pytestmark = [
    pytest.mark.usefixtures("prefect_server"),
    pytest.mark.timeout(5400),
    pytest.mark.xdist_group("kills"),
]


@pytest.fixture(scope="module")
def processes(prefect_server: None) -> Iterator[ForkServerContext]:  # noqa: ARG001 - it is asked
    """Return a server of processes that have imported every flow and opened nothing."""
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["polars", "tests.faults.kit.preload"])
        yield context
        for child in multiprocessing.active_children():
            child.kill()
            child.join()


@pytest.fixture(scope="module")
def template(processes: ForkServerContext, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a world once; the copy beside it is what each series begins with."""
    world = tmp_path_factory.mktemp("kills") / "world"
    world.mkdir()
    code, printed = lived(processes, world, BUILD)
    assert code == 0, printed[-3000:]
    shutil.copytree(world, world.with_name("template"), symlinks=True)
    return world


def begun(world: Path) -> None:
    """Let a world be as it was built."""
    shutil.rmtree(world)
    shutil.copytree(world.with_name("template"), world, symlinks=True)


@pytest.mark.parametrize("kind", DEEDS)
def test_killed_at_any_step_the_next_run_finishes(
    processes: ForkServerContext, template: Path, kind: str
) -> None:
    world, deed = template, DEEDS[kind]
    begun(world)
    code, printed = lived(processes, world, kind)
    assert code == 0, printed[-3000:]
    steps, kills = steps_of(world), 0
    dice = random.Random(kind)  # noqa: S311 - when to kill, the same each time
    for _ in range(SERIES):
        begun(world)
        fell = 0
        for _ in range(3 * KILLS):
            death = Death(dice.randint(1, steps), dice.choice((0.0, dice.uniform(0, LATER_S))))
            code, printed = lived(processes, world, kind, death)
            assert code in (-signal.SIGKILL, 0), printed[-3000:]
            fell += code == -signal.SIGKILL  # else it was over before
            if fell == KILLS:
                break
        kills += fell
        code, printed = lived(processes, world, kind)
        assert code == 0, printed[-3000:]
        there = visible(tree(world / deed.place))
        there.pop(MANIFEST, None)
        assert there == dict(deed.holds)
        catalog = Catalog.open(Settings(catalog=world / "catalog" / "catalog.duckdb"))
        assert catalog.maintenance.audit(), catalog.maintenance.audit()
        assert left(world) == []
    assert kills
    note({"kills": kind, "count": kills, "runs": SERIES})


def left(world: Path) -> list[str]:
    """Return what killed writers left where others see it."""
    return [
        one.relative_to(world).as_posix()
        for one in world.rglob("*")
        if one.name.startswith(".entrepot-") or one.name.endswith((".partial", ".part"))
    ]
