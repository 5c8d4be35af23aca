"""Whatever is done to a repository in whichever order, every version keeps exactly its content."""

# ruff: noqa: D102 - a rule's name is its sentence

from __future__ import annotations

import itertools
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from catalog.catalog import Catalog
from catalog.model.plan import Mode
from tests.flows.sync.test_sync import files

NAMES = ("a", "b", "sub/c", "sub/deep/d")
Content = dict[str, bytes]


class Histories(RuleBasedStateMachine):
    """A folder that is synced, modified, restored and pruned, beside a model of its versions."""

    place: Path
    patch: pytest.MonkeyPatch
    serial = itertools.count()

    def __init__(self) -> None:
        """Begin with an empty source and an empty catalog."""
        super().__init__()
        self.root = self.place / str(next(self.serial))
        self.source, self.end = self.root / "source", self.root / "end"
        self.source.mkdir(parents=True)
        self.end.mkdir()
        self.patch.setenv("ENTREPOT_CATALOG", str(self.root / "catalog.duckdb"))
        self.wanted: Content = {}
        self.versions: dict[int, Content] = {}
        self.highest = 0

    @property
    def latest(self) -> int:
        return max(self.versions)

    def becomes(self, content: Content) -> None:
        """Say what the repository holds now; equal content makes no version."""
        if self.versions and content == self.versions[self.latest]:
            return
        self.highest += 1
        self.versions[self.highest] = content

    @rule(name=st.sampled_from(NAMES), text=st.binary(max_size=3))
    def write(self, name: str, text: bytes) -> None:
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
        self.wanted[name] = text

    @precondition(lambda self: len(self.wanted) > 1)
    @rule(data=st.data())
    def unlink(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.wanted)))
        (self.source / name).unlink()
        del self.wanted[name]

    @precondition(lambda self: self.wanted)
    @rule(mode=st.sampled_from(Mode))
    def sync(self, mode: Mode) -> None:
        from flows.sync import sync  # noqa: PLC0415 - imports Prefect

        sync(str(self.source), [str(self.end)], mode=mode)
        if not self.versions:
            self.versions[0] = {}
        before = self.versions[self.latest] if mode is Mode.ADDITIVE else {}
        self.becomes({**before, **self.wanted})
        self.check()

    @precondition(lambda self: self.versions)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        from flows.restore import restore  # noqa: PLC0415

        number = data.draw(st.sampled_from(sorted(self.versions)))
        restore(str(self.end), version=number)
        self.becomes(self.versions[number])
        self.check()

    @precondition(lambda self: self.versions and self.versions[self.latest])
    @rule(data=st.data())
    def modify(self, data: st.DataObject) -> None:
        from flows.modify import modify  # noqa: PLC0415

        name = data.draw(st.sampled_from(sorted(self.versions[self.latest])))
        modify(str(self.end), remove=[name])
        content = dict(self.versions[self.latest])
        del content[name]
        self.becomes(content)
        self.check()

    @precondition(lambda self: len(self.versions) > 1)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        from flows.delete_version import delete_version  # noqa: PLC0415

        number = data.draw(st.sampled_from(sorted(set(self.versions) - {self.latest})))
        delete_version(str(self.end), number)
        del self.versions[number]
        self.check()

    @precondition(lambda self: self.versions)
    @rule(keep=st.integers(2, 4))
    def let_go(self, keep: int) -> None:
        from flows.prune import prune  # noqa: PLC0415
        from flows.retain import retain  # noqa: PLC0415

        retain(str(self.end), keep)
        retain(str(self.end), None)
        for number in sorted(self.versions)[:-keep]:
            del self.versions[number]
        prune(str(self.end), protect_hours=0, records_days=0)
        self.check()

    def check(self) -> None:
        """Compare every version with the model, and the folder with the latest."""
        catalog, address = Catalog.open(), f"file://{self.end}"
        assert [one.number for one in catalog.versions.all(address)] == sorted(self.versions)
        for number, content in self.versions.items():
            found = {row.path: row.digest for row in catalog.versions.content(address, number)}
            assert found == {name: sha256(text).hexdigest() for name, text in content.items()}
        assert files(self.end) == self.versions[self.latest]

    def teardown(self) -> None:
        shutil.rmtree(self.root)


@pytest.mark.timeout(1800)
def test_histories_are_what_the_model_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Histories.place, Histories.patch = tmp_path, monkeypatch
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=2,
            stateful_step_count=10,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
