"""Any order of changes, deletions, retentions and protections, against a model of dicts."""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from catalog.catalog import Catalog
from catalog.errors import InvalidInput
from catalog.filters.versions import Span, VersionFilter
from catalog.model.diff import Change, DiffCounts
from catalog.model.digest import Digest
from tests.catalog.catalog_steps import HERE, SOURCE, CatalogSteps, file

Held = dict[str, str]  # digest by path
PATHS = ("a", "a.b", "c/d", "e")
TEXTS = ("one", "two", "three")


class Model:
    """What a repository's history should be."""

    def __init__(self) -> None:
        """Begin with the empty version 0."""
        self.versions: dict[int, Held] = {0: {}}
        self.base: dict[int, int | None] = {0: None}
        self.protected: set[int] = set()
        self.highest = 0
        self.retain: int | None = None

    @property
    def latest(self) -> int:
        """Return the highest number there is."""
        return max(self.versions)

    def add(self, held: Held) -> None:
        """Make the next version, if anything changed."""
        if held == self.versions[self.latest]:
            return
        self.highest += 1
        self.base[self.highest] = self.latest
        self.versions[self.highest] = held
        self.trim()

    def trim(self) -> None:
        """Delete what is not kept."""
        if self.retain is not None:
            loose = sorted(set(self.versions) - self.protected, reverse=True)
            for number in loose[self.retain :]:
                self.delete(number)

    def delete(self, number: int) -> None:
        """Delete a version; whoever was made from it is now made from the one before."""
        del self.versions[number]
        before = max((one for one in self.versions if one < number), default=None)
        self.base = {
            one: before if base == number else base
            for one, base in self.base.items()
            if one != number
        }

    def before(self, number: int) -> Held:
        """Return what the version before holds."""
        lower = [one for one in self.versions if one < number]
        return self.versions[max(lower)] if lower else {}


def difference(old: Held, new: Held) -> dict[str, Change]:
    changes = dict.fromkeys(new.keys() - old.keys(), Change.ADDED)
    changes |= dict.fromkeys(old.keys() - new.keys(), Change.REMOVED)
    return changes | {
        path: Change.REPLACED for path in old.keys() & new.keys() if old[path] != new[path]
    }


def counted(changes: dict[str, Change]) -> DiffCounts:
    every = list(changes.values())
    return DiffCounts(
        added=every.count(Change.ADDED),
        replaced=every.count(Change.REPLACED),
        removed=every.count(Change.REMOVED),
    )


class HistoryMachine(RuleBasedStateMachine):
    """Does to a catalog and to a model the same, and compares all that can be asked."""

    def __init__(self) -> None:
        """Begin with two repositories that were seen and are empty."""
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.catalog = Catalog(self.folder / "c.duckdb", threads=1)
        self.desk = CatalogSteps(self.catalog)
        self.models = {SOURCE: Model(), HERE: Model()}

    @initialize()
    def see(self) -> None:
        """Make both repositories known."""
        for address in self.models:
            self.catalog.retention.keep(address, None)

    def teardown(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self.folder)

    @rule(
        address=st.sampled_from((SOURCE, HERE)),
        held=st.dictionaries(st.sampled_from(PATHS), st.sampled_from(TEXTS), max_size=4),
        etag=st.sampled_from("ef"),
    )
    def change(self, address: str, held: Held, etag: str) -> None:
        """List what a repository holds now; etags that alone differ are no change."""
        digests = {path: Digest.of(text.encode()) for path, text in held.items()}
        listing = self.desk.listing(
            file(path, len(held[path]), etag, digest) for path, digest in digests.items()
        )
        self.catalog.versions.record_listing(address, listing)
        self.models[address].add({path: one.value for path, one in digests.items()})

    @rule(address=st.sampled_from((SOURCE, HERE)), pick=st.integers(0, 20))
    def delete(self, address: str, pick: int) -> None:
        """Delete a version, or be refused."""
        model = self.models[address]
        number = pick % (model.highest + 1)
        if number in model.protected or list(model.versions) == [number]:
            with pytest.raises(InvalidInput):
                self.catalog.versions.delete(address, number)
            return
        assert self.catalog.versions.delete(address, number) == (number in model.versions)
        if number in model.versions:
            model.delete(number)

    @rule(address=st.sampled_from((SOURCE, HERE)), versions=st.none() | st.integers(1, 3))
    def retain(self, address: str, versions: int | None) -> None:
        """Keep the newest versions."""
        model = self.models[address]
        before = set(model.versions)
        model.retain = versions
        model.trim()
        deleted = self.catalog.retention.keep(address, versions)
        assert set(deleted) == before - set(model.versions)

    @rule(address=st.sampled_from((SOURCE, HERE)), pick=st.integers(0, 20))
    def protect(self, address: str, pick: int) -> None:
        """Protect a version, or let go of a protected one."""
        model = self.models[address]
        number = sorted(model.versions)[pick % len(model.versions)]
        if number in model.protected:
            self.catalog.retention.unprotect(address, number)
            model.protected.remove(number)
        else:
            self.catalog.retention.protect(address, number, "kept")
            model.protected.add(number)

    @rule(address=st.sampled_from((SOURCE, HERE)), data=st.data())
    def compare_two(self, address: str, data: st.DataObject) -> None:
        """Compare the diff of any two versions, and its counts."""
        model = self.models[address]
        pairs = st.sampled_from(sorted(model.versions))
        old, new = data.draw(pairs), data.draw(pairs)
        expected = difference(model.versions[old], model.versions[new])
        rows = list(self.catalog.versions.diff(address, old, new))
        assert [row.path for row in rows] == sorted(expected)
        assert {row.path: row.change for row in rows} == expected
        for row in rows:
            assert row.old_digest == model.versions[old].get(row.path)
            assert row.new_digest == model.versions[new].get(row.path)
        assert self.catalog.versions.diff_counts(address, old, new) == counted(expected)

    @rule(address=st.sampled_from((SOURCE, HERE)), path=st.sampled_from(PATHS))
    def find(self, address: str, path: str) -> None:
        """Find the versions that hold a path."""
        model = self.models[address]
        found = self.catalog.versions.all(address, VersionFilter(path=path))
        assert [one.number for one in found] == sorted(
            number for number, held in model.versions.items() if path in held
        )

    @rule(address=st.sampled_from((SOURCE, HERE)))
    def look(self, address: str) -> None:
        """Ask for the latest version in three ways, and for its content."""
        model = self.models[address]
        latest = self.catalog.versions.latest(address)
        (only,) = self.catalog.versions.all(address, VersionFilter(numbers=Span.only(model.latest)))
        assert latest == only == self.catalog.versions.at(address, datetime.max)  # noqa: DTZ901 - UTC
        content = {row.path: row.digest for row in self.catalog.versions.content(address)}
        assert content == model.versions[model.latest]

    @invariant()
    def every_version_is_as_it_should_be(self) -> None:
        """Compare numbers, bases, counts and content of every version of both repositories."""
        assert self.catalog.maintenance.audit(), self.catalog.maintenance.audit()
        held: dict[str, dict[int, list[tuple[str, str]]]] = {}
        for address, model in self.models.items():
            held[address] = {number: [] for number in model.versions}
        for address, number, path, digest in self.catalog.sql(
            "SELECT address, number, path, digest FROM version_content"
        ):
            held[address][number].append((path, digest))
        for address, model in self.models.items():
            versions = self.catalog.versions.all(address)
            assert [one.number for one in versions] == sorted(model.versions)
            for one in versions:
                number = one.number
                assert sorted(held[address][number]) == sorted(model.versions[number].items())
                expected = difference(model.before(number), model.versions[number])
                assert DiffCounts(one.added, one.replaced, one.removed) == counted(expected)
                assert one.base == model.base[number]
                assert one.total == len(model.versions[number])
                assert bool(one.protected) == (number in model.protected)


TestHistory = HistoryMachine.TestCase
TestHistory.settings = settings(
    max_examples=8,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
