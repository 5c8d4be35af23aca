"""The form of a selection, as sync and plan take it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from catalog.errors import NothingMatched
from tests.transfer.endpoints import tree


def test_a_sync_takes_what_its_selection_lets_through(source: Path, tmp_path: Path) -> None:
    from flows.forms.selection import SelectionSettings  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415 - imports Prefect
    from flows.sync import sync  # noqa: PLC0415

    chosen = SelectionSettings(max_size="12 KiB", where="size > 0")
    assert plan(str(source), [str(tmp_path / "end")], selection=chosen).tallies[0].add == 1

    result = sync(str(source), [str(tmp_path / "end")], selection=chosen)

    assert result.added == 1
    assert set(tree(tmp_path / "end")) >= {"a.txt"}
    assert not {"sub/b.bin", "empty"} & set(tree(tmp_path / "end"))


def test_globs_given_twice_both_apply(source: Path, tmp_path: Path) -> None:
    from flows.forms.selection import SelectionSettings  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    chosen = SelectionSettings(include=["*.txt", "*.bin"], exclude=["none*"])
    result = sync(
        str(source), [str(tmp_path / "end")], include=["sub/**"], exclude=["x*"], selection=chosen
    )

    assert result.added == 1
    assert (tmp_path / "end" / "sub" / "b.bin").exists()


def test_a_file_that_is_still_being_written_is_not_taken(source: Path, tmp_path: Path) -> None:
    from flows.explain import explain  # noqa: PLC0415
    from flows.forms.selection import SelectionSettings  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    hour_ago = time.time() - 3600
    os.utime(source / "a.txt", (hour_ago, hour_ago))
    chosen = SelectionSettings(settled="30 min")

    result = sync(str(source), [str(tmp_path / "end")], selection=chosen)

    assert result.added == 1
    assert (tmp_path / "end" / "a.txt").exists()
    assert "excluded it by settled" in str(explain(result.run_id, "sub/b.bin"))
    with pytest.raises(NothingMatched):
        sync(str(source), [str(tmp_path / "two")], selection=SelectionSettings(settled="2 h"))


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("min_size", "ten", "ten"),
        ("max_age", "3 moons", "3 moons"),
        ("where", "getenv('HOME') = ''", "getenv"),
        ("include_regex", ["("], "include_regex"),
        ("settled_marker", "done", "settled_marker"),
        ("take", -1, "take"),
        ("order", "colour", "order"),
    ],
)
def test_a_field_that_cannot_be_used_is_named_before_anything_runs(
    field: str, value: object, named: str
) -> None:
    from flows.forms.selection import SelectionSettings  # noqa: PLC0415

    with pytest.raises(ValidationError, match=named):
        SelectionSettings.model_validate({field: value})


def test_sizes_and_durations_are_read_as_people_write_them() -> None:
    from flows.forms.selection import SelectionSettings  # noqa: PLC0415

    values = SelectionSettings(min_size="1.5 kB", max_size=7, min_age="1 d 2h", max_age=90).values()

    assert (values.min_size, values.max_size) == (1500, 7)
    assert (values.min_age_s, values.max_age_s) == (93_600, 90)


def test_every_field_of_the_form_has_a_title_and_a_sentence() -> None:
    from flows.forms.selection import SelectionSettings  # noqa: PLC0415

    for name, field in SelectionSettings.model_fields.items():
        assert field.title, name
        assert (field.description or "").endswith("."), name
