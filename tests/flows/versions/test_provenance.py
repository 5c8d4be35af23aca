"""Statements of provenance: true, stable, and good in the eyes of an outside verifier."""

from __future__ import annotations

import hashlib
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from catalog.catalog import Catalog
from catalog.errors import InvalidInput, NotRecorded
from catalog.model.plan import Strategy
from catalog.provenance import statement


@pytest.fixture
def mirror(source: Path, tmp_path: Path) -> Path:
    """Return a destination that was brought up to date with a manifest, twice."""
    from flows.export_tree import export_tree  # noqa: PLC0415 - imports Prefect
    from flows.sync import sync  # noqa: PLC0415

    first, end = tmp_path / "first", tmp_path / "end"
    for number in (1, 2):
        sync(str(source), [str(first)])
        result = export_tree(str(first), str(tmp_path / f"out{number}"))
        sync(result.manifest, [str(end)])
        (source / "ü new").write_text("new")
    return end


def written(end: Path, file: Path, version: int | None = None) -> dict[str, Any]:
    """Return the statement of a version as it was written."""
    from flows.provenance import provenance  # noqa: PLC0415

    provenance(str(end), str(file), version=version)
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def test_a_statement_says_what_came_from_where_by_which_run_and_how_proven(
    mirror: Path, tmp_path: Path, catalog: Catalog
) -> None:
    found = written(mirror, tmp_path / "statement.json")

    address = f"file://{mirror}"
    assert found["_type"] == "https://in-toto.io/Statement/v1"
    assert found["predicateType"] == "https://slsa.dev/provenance/v1"
    assert {one["name"]: one["digest"]["sha256"] for one in found["subject"]} == {
        row.path: row.digest for row in catalog.versions.content(address)
    }
    build, run = found["predicate"]["buildDefinition"], found["predicate"]["runDetails"]
    version = catalog.versions.latest(address)
    assert build["externalParameters"] == {
        "destination": {"uri": address, "version": 2},
        "kind": "sync",
        "mode": "additive",
        "source": {"uri": f"file://{tmp_path / 'out2'}"},
        "strategy": "digest",
    }
    assert build["internalParameters"]["proofs"] == {"end-to-end": 4}
    plan_id = catalog.plans.id_of(address, 2)
    assert plan_id is not None
    plan = catalog.plans.get(plan_id)
    assert build["internalParameters"]["plan"] == {"digest": plan.digest, "id": plan.plan_id}
    (origin,) = build["resolvedDependencies"]
    text = (tmp_path / "out2" / "PULP_MANIFEST").read_bytes()
    assert origin == {
        "annotations": {"version": 1},
        "digest": {"sha256": hashlib.sha256(text).hexdigest()},
        "uri": f"file://{tmp_path / 'out2'}",
    }
    assert run["byproducts"][0]["digest"] == origin["digest"]  # the same content, at both ends
    assert run["metadata"]["invocationId"] == version.run_id
    assert run["metadata"]["startedOn"] <= run["metadata"]["finishedOn"]


def test_an_outside_verifier_finds_every_statement_valid(
    mirror: Path, source: Path, tmp_path: Path
) -> None:
    json_format = import_module("google.protobuf.json_format")  # neither has types
    outside = import_module("in_toto_attestation.v1.statement")
    raw = import_module("in_toto_attestation.v1.statement_pb2")
    slsa = import_module("in_toto_attestation.predicates.provenance.v1.provenance_pb2")

    for number, (end, version) in enumerate([(mirror, 1), (mirror, 2), (source, None)]):
        text = json.dumps(written(end, tmp_path / f"{number}.json", version))
        parsed = json_format.Parse(text, raw.Statement())
        outside.Statement.copy_from_pb(parsed).validate()
        # Not one field that SLSA does not know.
        predicate = json_format.MessageToJson(parsed.predicate)
        known = json_format.Parse(predicate, slsa.Provenance())
        assert known.build_definition.build_type == "urn:entrepot:version:v1"
        assert known.run_details.builder.id


def test_the_same_version_gives_the_same_bytes_whatever_came_after(
    mirror: Path, source: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.provenance import provenance  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    first = provenance(str(mirror), str(tmp_path / "new" / "one.json"), version=1)
    sync(str(source), [str(mirror)], strategy=Strategy.ALWAYS)
    second = provenance(str(mirror), str(tmp_path / "new" / "two.json"), version=1)

    one, two = ((tmp_path / "new" / f"{name}.json").read_bytes() for name in ("one", "two"))
    assert one == two
    assert first.sha256 == second.sha256 == hashlib.sha256(one).hexdigest()
    assert "".join(statement(catalog, f"file://{mirror}", 1)).encode() == one
    assert (
        one
        == json.dumps(
            json.loads(one), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()
        + b"\n"
    )
    assert str(first).endswith(first.sha256)
    assert first.sha256 in first._repr_html_()


def test_a_source_version_that_was_deleted_is_not_guessed(
    source: Path, tmp_path: Path, catalog: Catalog
) -> None:
    from flows.sync import sync  # noqa: PLC0415

    end = tmp_path / "end"
    for name in ("one", "two", "three"):
        (source / name).write_text(name)
        sync(str(source), [str(end)])

    def origin(number: int) -> dict[str, Any]:
        found = written(end, tmp_path / "statement.json", number)
        (one,) = found["predicate"]["buildDefinition"]["resolvedDependencies"]
        return dict(one)

    assert [origin(one)["annotations"]["version"] for one in (1, 2, 3)] == [1, 2, 3]
    catalog.versions.delete(f"file://{source}", 2)
    catalog.versions.delete(f"file://{source}", 3)
    assert [origin(one).get("annotations") for one in (1, 2, 3)] == [{"version": 1}, None, None]


def test_what_was_never_read_is_no_subject_but_is_named(
    mirror: Path, source: Path, tmp_path: Path
) -> None:
    from flows.plan import plan  # noqa: PLC0415

    (source / "later").write_text("later")
    plan(str(source), [str(mirror)])

    found = written(source, tmp_path / "statement.json")

    inside = found["predicate"]["buildDefinition"]["internalParameters"]
    assert "later" in inside["withoutDigest"]
    assert "later" not in {one["name"] for one in found["subject"]}
    assert found["predicate"]["buildDefinition"]["resolvedDependencies"] == []


def test_a_version_without_any_digest_has_no_statement(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.provenance import provenance  # noqa: PLC0415

    with pytest.raises(InvalidInput, match="needs at least one"):
        provenance(str(mirror), str(tmp_path / "new" / "x.json"), version=0)
    with pytest.raises(NotRecorded):
        provenance(str(mirror), str(tmp_path / "new" / "x.json"), version=9)
    monkeypatch.setenv("ENTREPOT_LOCAL_ROOTS", json.dumps([str(mirror)]))
    with pytest.raises(InvalidInput, match="ENTREPOT_LOCAL_ROOTS"):
        provenance(str(mirror), str(tmp_path / "new" / "x.json"))
    assert not list((tmp_path / "new").glob("*"))
