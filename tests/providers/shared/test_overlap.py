"""Whether two places overlap, whatever their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.shared.overlap import path_inside

CASES = {
    "the same": ("s3://b/x", "s3://b/x", ""),
    "below": ("s3://b", "s3://b/x/y", "x/y"),
    "a longer name": ("s3://b/x", "s3://b/xy", None),
    "above": ("s3://b/x", "s3://b", None),
    "another bucket": ("s3://b", "s3://c", None),
    "loopback by two names": ("s3+http://127.0.0.1:80/b", "s3+http://localhost:80/b/q", "q"),
    "another port": ("s3+http://127.0.0.1:80/b", "s3+http://127.0.0.1:81/b", None),
    "webdav over http": ("http://h/a", "webdav://h/a/b", "b"),
    "one machine by two names": ("sftp://u@localhost/in", "sftp://u@127.0.0.1/in", ""),
    "another user": ("sftp://u@h/in", "sftp://v@h/in", None),
    "virtual hosts are places of their own": ("http://one/a", "http://two/a", None),
    "another query": ("https://h/a?k=1", "https://h/a?k=2", None),
    "encoded": ("sftp://h/a%20b", "sftp://h/a b/c", "c"),
    "another kind": ("file:///tmp", "memory://tmp", None),
    "with faults": ("faulty+s3://b", "s3://b/x", "x"),
}


@pytest.mark.parametrize(("outer", "inner", "expected"), CASES.values(), ids=CASES)
def test_places_are_compared_as_values(outer: str, inner: str, expected: str | None) -> None:
    assert path_inside(outer, inner) == expected


def test_links_are_resolved(tmp_path: Path) -> None:
    (tmp_path / "real/in").mkdir(parents=True)
    (tmp_path / "alias").symlink_to(tmp_path / "real")

    assert path_inside(f"file://{tmp_path}/real", f"file://{tmp_path}/alias/in") == "in"
    assert path_inside(f"file://{tmp_path}/alias", f"file://{tmp_path}/real") == ""
    assert path_inside(f"file://{tmp_path}/real", f"file://{tmp_path}/reality") is None
