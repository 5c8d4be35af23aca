"""Replicate: copies of every stored repository of an instance, below one place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from tests.flows.sync.test_sync import files

pytestmark = pytest.mark.prefect  # it is about stored repositories

if TYPE_CHECKING:
    from blocks.repository import Repository

Store = Callable[..., "Repository"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Store folders as blocks, and forget them afterwards."""
    from blocks.repository import Repository  # noqa: PLC0415
    from providers.local.settings import LocalSettings  # noqa: PLC0415

    names: list[str] = []

    def stored(name: str, tier: str = "iron", **contents: str) -> Repository:
        folder = tmp_path / "upstream" / name
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in contents.items():
            (folder / path).write_text(text)
        settings = LocalSettings(path=str(folder))
        repository = Repository(storage=settings, labels={"tier": tier})
        repository.save(name, overwrite=True)
        names.append(name)
        return repository

    yield stored
    for name in set(names):
        Repository.delete(name)


def test_every_repository_is_replicated_and_only_changes_move(
    store: Store, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.replicate import replicate  # noqa: PLC0415

    store("first", a="one", b="two")
    store("second", c="three")

    whole = replicate(str(tmp_path / "copy"), names=["first", "second"])
    (tmp_path / "upstream" / "first" / "a").write_text("other")
    again = replicate(str(tmp_path / "copy"), names=["first", "second"])

    assert [one.outcome for one in whole.replicas] == ["updated"] * 2
    assert [one.outcome for one in again.replicas] == ["updated", "unchanged"]
    assert files(tmp_path / "copy" / "first") == {"a": b"other", "b": b"two"}
    assert files(tmp_path / "copy" / "second") == {"c": b"three"}
    latest = catalog.versions.latest((tmp_path / "copy" / "first").as_uri())
    assert (latest.number, latest.labels) == (2, {"replica-of": "first"})


def test_one_that_fails_stops_no_other_and_the_next_run_does_it(
    store: Store, tmp_path: Path
) -> None:
    from flows.replicate import replicate  # noqa: PLC0415
    from flows.results.replicate import ReplicateFailed  # noqa: PLC0415

    store("broken", a="one")
    store("well", b="two")
    (tmp_path / "upstream" / "broken").rename(tmp_path / "away")

    with pytest.raises(ReplicateFailed, match="broken: ") as raised:
        replicate(str(tmp_path / "copy"), names=["broken", "well"])
    (tmp_path / "away").rename(tmp_path / "upstream" / "broken")
    mended = replicate(str(tmp_path / "copy"), names=["broken", "well"])

    assert [one.outcome for one in raised.value.result.replicas] == ["failed", "updated"]
    assert [one.outcome for one in mended.replicas] == ["updated", "unchanged"]


def test_another_instance_is_replicated_and_what_it_gave_up_is_emptied(
    store: Store, tmp_path: Path, catalog: Catalog
) -> None:
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415

    from flows.replicate import Leftovers, replicate  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    store("gold", a="one", tier="gold")
    going = store("going", b="two", tier="gold")
    store("iron", c="three")
    copy = tmp_path / "copy"
    sync(str(tmp_path / "upstream" / "iron"), [str(copy / "own")])
    upstream = str(PREFECT_API_URL.value())

    replicate(str(copy), upstream=upstream, labels={"tier": "gold"})
    going.model_copy(update={"labels": {}}).save("going", overwrite=True)
    kept = replicate(str(copy), upstream=upstream, labels={"tier": "gold"})
    told = replicate(
        str(copy), upstream=upstream, labels={"tier": "gold"}, leftovers=Leftovers.LABELED
    )
    none = replicate(
        str(copy), upstream=upstream, labels={"tier": "gold"}, leftovers=Leftovers.LABELED
    )

    assert [one.name for one in kept.replicas] == ["gold"]
    assert [(one.name, one.outcome) for one in told.replicas] == [
        ("gold", "unchanged"),
        ("going", "emptied"),
    ]
    assert [one.name for one in none.replicas] == ["gold"]
    assert files(copy / "going") == {}
    assert files(copy / "own") == {"c": b"three"}
    versions = catalog.versions.all((copy / "going").as_uri())
    assert [one.total for one in versions] == [0, 1, 0]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"names": ["no-such-*"]}, "no repository to replicate"),
        ({"upstream": "http://127.0.0.1:9/api"}, "cannot read the Prefect API"),
        ({"upstream": "http://127.0.0.1:9/api", "upstream_secret": "no-such"}, "no Secret block"),
    ],
)
def test_what_cannot_be_replicated_is_refused(
    store: Store, tmp_path: Path, arguments: dict[str, object], told: str
) -> None:
    from flows.replicate import replicate  # noqa: PLC0415

    store("first", a="one")

    with pytest.raises(InvalidInput, match=told):
        replicate(str(tmp_path / "copy"), **arguments)

    assert not (tmp_path / "copy").exists()


def test_a_place_inside_of_a_repository_is_refused(store: Store, tmp_path: Path) -> None:
    from flows.replicate import replicate  # noqa: PLC0415

    store("first", a="one")

    with pytest.raises(InvalidInput, match="is inside the repository 'first'"):
        replicate(str(tmp_path / "upstream" / "first" / "copy"), names=["first"])
