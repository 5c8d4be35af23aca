"""Of the threads of one process one applies orders at a time, and each gets its own result."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from catalog.access.grants import Role
from catalog.catalog import Catalog
from catalog.errors import CatalogTimeout, InvalidInput
from catalog.orders.single_flight import SingleFlight


def test_each_thread_hears_the_answer_to_its_own_order(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "c.duckdb")
    catalog.keep_open()

    def makes(place: int) -> tuple[str, str]:
        token, text = catalog.for_tenant(f"t{place % 3}").tokens.create(
            Role.READER, note=str(place)
        )
        return token.note, text.split("_")[1]

    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(makes, range(64)))
    assert [note for note, _ in made] == [str(place) for place in range(64)]
    assert set(catalog.tokens.of_all_tenants()) == {token_id for _, token_id in made}


def test_a_refusal_is_told_to_who_was_refused(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "c.duckdb")

    def changes(place: int) -> str:
        try:
            catalog.retention.keep(f"memory://{place}", -1 if place % 2 else 3)
        except InvalidInput:
            return "refused"
        return "done"

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(changes, range(16)))
    assert told == ["done", "refused"] * 8


def test_who_waits_for_too_long_is_told() -> None:
    flight = SingleFlight()
    with flight.exclusive(1), pytest.raises(CatalogTimeout, match=r"0\.05 s"):
        flight.exclusive(0.05).__enter__()
    with flight.exclusive(1):
        pass


def test_only_answers_that_somebody_waits_for_are_kept() -> None:
    flight = SingleFlight()
    flight.store_results({"a": {"x": 1}})
    with flight.awaiting("b"):
        assert flight.result("b") is None
        flight.store_results({"a": {}, "b": {"y": 2}})
        assert flight.result("b") == {"y": 2}
    assert vars(flight)["_results"] == {}
