"""A question ends with its time, with whoever asked, and a caller's own when others wait."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from catalog.catalog import Catalog
from catalog.errors import AnswerTimeout
from catalog.store.query_budget import Budget, QueryAuthor, caller_has_left, query_budget

ENDLESS = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b"


def test_a_question_ends_with_its_time(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "c.duckdb")
    with pytest.raises(AnswerTimeout, match=r"longer than 0\.2 s"), query_budget(Budget(0.2)):
        catalog.sql(ENDLESS)
    assert catalog.sql("SELECT 1") == [(1,)]
    with query_budget(Budget(60)):
        assert catalog.sql("SELECT 1") == [(1,)]


def test_a_question_ends_when_whoever_asked_leaves(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "c.duckdb")
    catalog.keep_open()
    assert not caller_has_left()
    with query_budget(Budget(3600)) as budget:
        assert not caller_has_left()
        threading.Timer(0.2, budget.leave).start()
        with pytest.raises(AnswerTimeout, match="has left"):
            catalog.sql(ENDLESS)
        assert caller_has_left()
    assert catalog.runs.all() == []


@pytest.mark.parametrize(
    ("whose", "ends"),
    [(QueryAuthor.CALLERS, "other processes wait"), (QueryAuthor.OURS, "longer than")],
)
def test_a_callers_own_question_gives_way(tmp_path: Path, whose: QueryAuthor, ends: str) -> None:
    catalog = Catalog(tmp_path / "c.duckdb")
    catalog.keep_open()
    catalog.runs.all()
    other = threading.Timer(
        0.3, lambda: Catalog(tmp_path / "c.duckdb").retention.keep("memory://x", None)
    )
    other.start()
    with (
        pytest.raises(AnswerTimeout, match=ends),
        query_budget(Budget(1.5)),
        catalog.file.connect_flushed(author=whose) as connection,  # pyright: ignore[reportPrivateUsage]
    ):
        connection.execute(ENDLESS).fetchall()
    other.join(60)
